"""Parts of the daemon that need an optional package, which is imported only if a setting asks for it."""

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hubs.backend.ingest.pipeline import Pipeline
from hubs.backend.rebuild.backend import BuildBackend
from hubs.errors import BadSetting
from hubs.fragments.builder import Builder
from hubs.models import Database
from hubs.services import Services
from hubs.settings import Settings

if TYPE_CHECKING:
    from hubs.backend.amqp.ingress import AmqpIngress
    from hubs.backend.amqp.publisher import AmqpPublisher


def create_amqp_clients(
    settings: Settings, database: Database, pipeline: Pipeline, on_connected: Callable[[], None]
) -> "list[AmqpIngress | AmqpPublisher]":
    """Return the clients of the AMQP broker; an empty list without a broker.

    :raises BadSetting: when a broker is configured but pika is not installed; it is an extra.
    """
    if not settings.amqp_url.get_secret_value() and not os.environ.get("FEDORA_MESSAGING_CONF"):
        return []
    if find_spec("pika") is None:
        raise BadSetting('HUBS_AMQP_URL needs pika: pip install "fedora-hubs[amqp]".')
    from hubs.backend.amqp.clients import create_clients  # noqa: PLC0415 - an optional extra

    return create_clients(settings, database, pipeline, on_connected)


def create_backend(settings: Settings, services: Services) -> BuildBackend:
    """Return the build backend: it builds widgets in this process, or enqueues them for workers.

    :raises BadSetting: when Celery, an optional extra, is not installed but configured.
    """
    database, fragments, events, schedule = services.database, services.fragments, services.events, services.schedule
    if settings.rebuild != "celery":
        return Builder(database, fragments, events, schedule, settings.build_budget)
    if find_spec("celery") is None:
        raise BadSetting('HUBS_REBUILD=celery needs Celery: pip install "fedora-hubs[celery]", or leave it at threads.')
    from hubs.backend.rebuild.celery_queue import create_remote  # noqa: PLC0415 - an optional extra

    return create_remote(settings, schedule, events)
