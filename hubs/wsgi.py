"""The WSGI application of the pages: ``gunicorn hubs.wsgi:application``.

Each worker imports this module when it starts, so the connection to the bus is made here and does not delay the first
change.
"""

import logging
import sys
from functools import partial

from hubs.app import create_app
from hubs.bus import NullPublisher, Publisher
from hubs.errors import BadSetting
from hubs.health import schema
from hubs.metrics.exporter import Exporter
from hubs.settings import load
from hubs.views.figures import RequestCounter, samples
from hubs.views.web.context import EXTENSION

#: The status with which a worker of gunicorn says that starting others is pointless.
CANNOT_START = 3

settings = load()
publisher = Publisher() if settings.publish else NullPublisher()
application = create_app(settings, publisher=publisher)
context = application.extensions[EXTENSION]
try:
    schema.require(context.database)
except BadSetting as error:
    logging.getLogger(__name__).critical("the web application cannot start: %s", error)
    sys.exit(CANNOT_START)
publisher.connect()
if settings.metrics_address:
    requests = RequestCounter(application.wsgi_app)
    application.wsgi_app = requests  # type: ignore[method-assign]
    Exporter("web", settings.metrics_address, partial(samples, context, requests), context.readiness.problems).start()
