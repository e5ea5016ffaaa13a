"""What brings messages to the daemon besides fedmsg, and what publishes ours elsewhere. A new bus is added here."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hubs.backend.extras import create_amqp_clients
from hubs.backend.ingest.pipeline import Pipeline
from hubs.backend.webhooks import WebhookIngress
from hubs.events.log import EventLog
from hubs.models import Database
from hubs.settings import Settings

if TYPE_CHECKING:
    from hubs.backend.amqp.ingress import AmqpIngress
    from hubs.backend.amqp.publisher import AmqpPublisher

    Source = WebhookIngress | AmqpIngress | AmqpPublisher


def create_sources(
    settings: Settings,
    database: Database,
    events: EventLog,
    pipeline: Pipeline,
    on_connected: Callable[[], None],
) -> "list[Source]":
    """Return all of them, each listed in `Source`. Those that read hand messages to the pipeline with `put`.

    Each has `start` and `stop`; a ``label`` and ``counts`` for the figures; and ``cut_off``, the seconds for which it
    has been without its broker, 0 while it is connected or if it has none. Whatever reads from a broker calls
    ``on_connected`` at each connection, which tells open pages at once.

    :raises BadSetting: when a configured one cannot be used.
    """
    prefix = f"{settings.topic_prefix}.{settings.environment}"
    webhooks = WebhookIngress(database, lambda: events.client, pipeline.put, prefix)
    return [webhooks, *create_amqp_clients(settings, database, pipeline, on_connected)]


def cut_off(sources: "Sequence[Source]") -> float:
    """Return for how many seconds one of them has been without its broker; 0 while all are connected."""
    return max((source.cut_off for source in sources), default=0.0)
