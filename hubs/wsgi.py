"""The WSGI application of the pages: ``gunicorn hubs.wsgi:application``.

Each worker imports this module when it starts, so the connection to the bus is made here and does not delay the first
change.
"""

from functools import partial

from hubs import logs
from hubs.app import create_app
from hubs.bus import NullPublisher, Publisher
from hubs.health import schema
from hubs.metrics.exporter import Exporter
from hubs.services import tune_gc
from hubs.settings import load
from hubs.views.figures import RequestCounter, samples
from hubs.views.web.context import EXTENSION
from hubs.views.web.request_ids import RequestIds

with schema.startup("web application"):
    settings = load()
    logs.configure(settings.log)
    publisher = Publisher() if settings.publish else NullPublisher()
    application = create_app(settings, publisher=publisher)
    context = application.extensions[EXTENSION]
    schema.require(context.database)
publisher.connect()
application.wsgi_app = RequestIds(application.wsgi_app)  # type: ignore[method-assign]
if settings.metrics_address:
    requests = RequestCounter(application.wsgi_app)
    application.wsgi_app = requests  # type: ignore[method-assign]
    Exporter("web", settings.metrics_address, partial(samples, context, requests), context.readiness.problems).start()
tune_gc()
