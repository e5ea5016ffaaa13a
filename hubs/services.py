"""Services that every process needs, assembled in one place.

Web app, daemon, worker, event server and commands call the same functions, so that no process can lack an after-commit
hook (publish, record a revision, invalidate cached fragments).
"""

import gc
import logging
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from redis import RedisError

from hubs.actions import outbox, revocations
from hubs.actions.inbox import counts
from hubs.actions.layout import revisions
from hubs.actions.webhooks import deliveries
from hubs.bus import NullPublisher, Publisher
from hubs.cache import connect
from hubs.clients.all import Clients
from hubs.events.log import EventLog
from hubs.fragments.public import forget_after_commit
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import FragmentStore
from hubs.models import Database
from hubs.settings import Settings
from hubs.widgets.registry import Registry

log = logging.getLogger(__name__)

#: The class of the fragment store; ``hubs widget dev`` has one of its own.
Store = TypeVar("Store", bound=FragmentStore)


@dataclass(frozen=True)
class Services:
    """The assembled services of a process."""

    settings: Settings
    database: Database
    fragments: FragmentStore
    events: EventLog
    schedule: BuildSchedule
    publisher: outbox.Publishes

    @property
    def registry(self) -> Registry:
        """The installed widgets."""
        return self.fragments.registry

    def close(self) -> None:
        """Publish waiting messages and close the database connections."""
        self.publisher.close()
        self.database.dispose()


def create_services(
    settings: Settings,
    *,
    pool_size: int = 5,
    origin: str = "",
    fragments: FragmentStore | None = None,
    publisher: outbox.Publishes | None = None,
) -> Services:
    """Assemble the services and install the after-commit hooks, without connecting to anything.

    ``origin`` is recorded in the audit log for changes made outside of requests. Pass ``fragments`` if two services
    share a process, and ``publisher`` if messages do not go through the relay.
    """
    database = create_database(settings, pool_size, origin)
    fragments = fragments or create_fragments(settings, FragmentStore)
    publisher = publisher or (Publisher() if settings.publish else NullPublisher())
    events = create_event_log(settings)
    revisions.record_on_commit(database, fragments.registry)
    forget_after_commit(database, fragments.public)
    revocations.revoke_after_commit(database, events)
    outbox.publish_after_commit(database, publisher)
    counts.publish_after_commit(database, events)
    deliveries.announce_after_commit(database, partial(_announce_delivery, events))
    schedule = BuildSchedule(lambda: events.client)
    return Services(settings, database, fragments, events, schedule, publisher)


def _announce_delivery(events: EventLog) -> None:
    """Tell the daemon that there is a delivery of a webhook."""
    try:
        events.client.publish(deliveries.CHANNEL, "")
    except RedisError as error:
        log.warning("Redis does not answer; the daemon looks for the delivery by itself: %s", error)


def create_database(settings: Settings, pool_size: int = 5, origin: str = "") -> Database:
    """Return the database without hooks, for migrations; everything else uses the one of `create_services`."""
    info = {"site_url": settings.site_url, outbox.ORIGIN: origin, revocations.TOKEN_TTL: settings.token_ttl}
    return Database(settings.database, pool_size, info=info)


def create_event_log(settings: Settings) -> EventLog:
    """Return the event log without the database from which `create_services` lets it restore revocations."""
    return EventLog(settings.redis_url, settings.stream_log, settings.stream_ttl, settings.token_ttl)


def create_event_server_log(settings: Settings, database: Database) -> EventLog:
    """Return the event log for the event server, which reads the database only after Redis lost its data."""
    events = create_event_log(settings)
    events.revocations.restore = partial(revocations.restore, database, events)
    return events


def create_fragments(settings: Settings, kind: type[Store]) -> Store:
    """Return the store that reads and builds fragments, with the widgets and the clients of upstream services."""
    cache = connect(settings.cache)
    registry, clients = _registry(settings), Clients(settings, cache)
    return kind(registry, cache, settings.key(), settings.fragment_ttl, settings.build_timeout, clients)


def _registry(settings: Settings) -> Registry:
    return Registry(settings.widgets, settings.key(), settings.layouts, settings.absent_services)


def tune_gc() -> None:
    """Make the garbage collector run less often, and skip objects that live as long as the process.

    For processes that serve, once they are assembled. The collector need not traverse all modules again and again while
    hundreds of messages or pages are being handled: loading a million widgets takes half the time.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
