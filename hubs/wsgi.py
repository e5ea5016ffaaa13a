"""The pages, for a WSGI server: ``gunicorn hubs.wsgi:application``.

Each worker of the server comes through here when it starts, so this is where it connects to the bus: nobody's change
waits for that afterwards.
"""

from hubs.app import create_app
from hubs.bus import NullPublisher, Publisher
from hubs.settings import load

settings = load()
publisher = Publisher() if settings.publish else NullPublisher()
application = create_app(settings, publisher=publisher)
publisher.connect()
