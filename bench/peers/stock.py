"""flask-sse as it comes: its blueprint in an application, for gunicorn with gevent."""

import os

from flask import Flask
from flask_sse import sse

application = Flask(__name__)
application.config["REDIS_URL"] = os.environ["REDIS_URL"]
application.register_blueprint(sse, url_prefix="/events")
