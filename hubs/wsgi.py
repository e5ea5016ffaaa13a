"""The WSGI application of the pages: ``gunicorn hubs.wsgi:application``.

Each worker imports this module when it starts, so the connection to the bus is made here and does not delay the first
change.
"""

from hubs.app import create_app
from hubs.bus import NullPublisher, Publisher
from hubs.settings import load

settings = load()
publisher = Publisher() if settings.publish else NullPublisher()
application = create_app(settings, publisher=publisher)
publisher.connect()
