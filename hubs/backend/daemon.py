"""Everything that works in the daemon, wired together: index, pipeline, rebuilder and their timers."""

import gc
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from hubs.actions import audit, lifecycle, messages, outbox, refused, revocations
from hubs.actions.people import notifications
from hubs.backend.heartbeat import Heartbeat, HeartbeatPublisher
from hubs.backend.index.index import Index
from hubs.backend.index.refresher import IndexRefresher
from hubs.backend.ingest.config_changes import ConfigChangeHandler
from hubs.backend.ingest.fedmsg_meta import fedmsg_meta_extractor
from hubs.backend.ingest.group_membership import GroupMessages, authenticator, group_messages_are_authenticated
from hubs.backend.ingest.history import HistoryBackfill
from hubs.backend.ingest.mentions import Mentions
from hubs.backend.ingest.pipeline import Pipeline
from hubs.backend.rebuild.scheduler import BuildBackend, Rebuilder
from hubs.backend.rebuild.timers import Timers
from hubs.bus import Message
from hubs.errors import BadSetting
from hubs.events import heartbeat
from hubs.events.log import EventLog
from hubs.fragments.builder import Builder
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.models import Database, now
from hubs.services import create_services
from hubs.settings import Settings

if TYPE_CHECKING:
    from hubs.backend.amqp.ingress import AmqpIngress
    from hubs.backend.amqp.publisher import AmqpPublisher

log = logging.getLogger(__name__)

#: Seconds between two looks at the outbox, two lines of figures in the log, two removals of what is old.
OUTBOX, REPORT, PURGE = 2.0, 60.0, 3600.0
#: Seconds beyond its turn after which the process must have stood still, and messages in the pipeline below which there
#: is room for what was shed.
STALL, ROOM = 10.0, 1000
#: Seconds between two looks at the revocations that Redis has not confirmed.
REVOCATIONS = 1.0
#: Threads for builds that ask nobody else: one computes while another waits for the database.
QUICK = 2


def tune_gc() -> None:
    """Have the garbage collector of this process look less often, and not at what lives as long as the process.

    Modules need not be looked through again and again while hundreds of messages or hubs are in hand at once: reading a
    million widgets takes half of the time.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


class Daemon:
    """Handles messages from `put` until `stop`."""

    def __init__(
        self, settings: Settings, fragments: FragmentStore | None = None, bus: Mapping[str, Any] | None = None
    ) -> None:
        """Wire everything together.

        ``fragments`` are shared with a web application in the same process; ``bus`` is fedmsg's configuration.
        """
        self._settings = settings
        # A thread that is stuck may keep its connection.
        threads = settings.rebuild_threads + settings.max_abandoned_builds + 2 * QUICK
        services = create_services(settings, pool_size=threads + 2, fragments=fragments)
        self._services, self._database, self._due = services, services.database, services.schedule
        stream, fragments = services.events, services.fragments
        work: BuildBackend = (
            create_remote(settings, self._due, stream)
            if settings.rebuild == "celery"
            else Builder(self._database, fragments, stream, self._due, settings.build_budget)
        )
        self._crews = (
            BoundedThreadPool("quick", QUICK, settings.build_budget, QUICK),
            BoundedThreadPool(
                "rebuild", settings.rebuild_threads, settings.build_budget, settings.max_abandoned_builds
            ),
        )
        self.rebuilder = Rebuilder(work, *self._crews, settings.rebuild_interval)
        self._timers = Timers(self._database, self._due, stream, self.rebuilder, 2.0 * settings.build_timeout)
        index = Index(fragments.registry)
        extract = self._extract = fedmsg_meta_extractor(index.directory, settings.service_accounts)
        groups = create_groups(settings, bus or {})
        self._heartbeat = Heartbeat()
        self._refresher = IndexRefresher(self._database, index, self._heartbeat.beat)
        self._own = ConfigChangeHandler(
            self._database, index, self._refresher, extract, self.rebuilder, stream, self._due, groups
        )
        mentions = Mentions(extract)
        rebuilder, due = self.rebuilder, self._due
        self.pipeline = Pipeline(
            self._database,
            index,
            extract,
            rebuilder,
            self._own,
            self._prepare,
            mentions,
            due,
            self._heartbeat.beat,
            f"{settings.topic_prefix}.{settings.environment}",
        )
        is_authentic = authenticator(bus or {}, trust=settings.trust_bus)
        self._history = HistoryBackfill(
            self._database, settings.history_url, self.pipeline.put, is_authentic, settings.history_interval
        )
        self._beats = HeartbeatPublisher(
            self.pipeline.put, lambda: heartbeat.publish(stream.client, self.pipeline.handled_at)
        )
        self._broker = create_broker(settings, self._database, self.pipeline)
        self._stopped = threading.Event()
        #: Since when messages were shed that the history has not been asked for yet.
        self._shed_since: datetime | None = None

    @property
    def ready(self) -> bool:
        """Whether the index is made, so that messages are handled as they come."""
        return self.pipeline.ready.is_set()

    def start(self) -> None:
        """Start all threads."""
        tune_gc()
        self.rebuilder.start()
        self.pipeline.start()
        self._timers.start()
        for act in (self._keep_time, self._keep_revocations):
            threading.Thread(target=act, name=act.__name__.strip("_"), daemon=True).start()
        self._history.start()
        self._beats.start()
        for client in self._broker:
            client.start()

    def reload(self) -> None:
        """Read all hubs into a new index; the current one answers meanwhile."""
        self._refresher.reload()

    def stop(self) -> None:
        """Finish what is in hand, for at most a moment, and end all threads."""
        self._stopped.set()
        self._history.stop()
        self._beats.stop()
        self._refresher.stop()
        self._timers.stop()
        for client in self._broker:
            client.stop(1.5)
        self.pipeline.stop(0.4)
        self._due.request(self.rebuilder.stop(0.3))  # for the next daemon
        self._report()
        self._services.close()

    @property
    def is_full(self) -> bool:
        """Whether messages are shed at present."""
        return self.pipeline.is_full

    def put(self, message: Message) -> None:
        """Take a message. In a flood it may be shed; it is fetched from the history service afterwards."""
        if not self.pipeline.put(message):
            self.note_shed()

    def note_shed(self) -> None:
        """Note that a message was dropped for want of room."""
        if self._shed_since is None:
            self._shed_since = now()
            log.error("messages come faster than they can be stored; some are shed")

    def tick(self) -> None:
        """Send a heartbeat through the pipeline; `quiet_for` returns the time since one came through."""
        self.pipeline.put(self._heartbeat.beat)

    def quiet_for(self) -> float:
        """Return the seconds since the pipeline was last seen alive."""
        return self._heartbeat.age

    def _keep_time(self) -> None:
        """Put what must be done from time to time into the pipeline, where it runs in its turn."""
        due = {"hubs": self._settings.sweep_interval, "report": REPORT, "purge": PURGE}
        next_at = {name: time.monotonic() + seconds for name, seconds in due.items()}
        acts = {"hubs": self._refresher.sweep, "report": self._report, "purge": self._purge}
        seen = time.monotonic()
        while not self._stopped.wait(OUTBOX):
            if (pause := time.monotonic() - seen) > STALL:  # the process stood still, and the bus did not wait
                self._history.request(f"stalled for {pause:.0f} s", now() - timedelta(seconds=pause))
            seen = time.monotonic()
            self.pipeline.put(self._own.sweep_outbox)
            for name, act in acts.items():
                if time.monotonic() >= next_at[name]:
                    next_at[name] = time.monotonic() + due[name]
                    self.pipeline.put(act)
            self._fetch_shed()

    def _fetch_shed(self) -> None:
        """Ask the history for what was shed, once there is room for it.

        Only messages count: this very loop keeps putting functions into the pipeline.
        """
        if self._shed_since is not None and len(self.pipeline) < ROOM:
            since, self._shed_since = self._shed_since, None
            self._history.request("shed in a flood", since)

    def _prepare(self) -> None:
        """Do what must precede the first message: the watermark of what was missed before it, and the index."""
        self._history.prepare()
        self._refresher.load()

    def _keep_revocations(self) -> None:
        """Repeat revocations that Redis did not confirm, and restore them when it lost its data.

        In a thread of its own: access must end within seconds, however many messages wait.
        """
        events = self._services.events
        while not self._stopped.wait(REVOCATIONS):
            try:
                if not events.revocations.is_complete():
                    revocations.restore(self._database, events)
                revocations.confirm_pending(self._database, events)
            except (SQLAlchemyError, RedisError) as error:
                log.warning("revocations wait, %s: %s", type(error).__name__, error)

    def _report(self) -> None:
        counts = Counter(lost=sum(crew.abandoned for crew in self._crews))
        for more in (self.pipeline.counts, self.rebuilder.counts, *(crew.counts for crew in self._crews)):
            counts.update(more)
        for client in self._broker:
            counts.update({f"amqp_{name}": count for name, count in client.counts.items()})
        # Topic families that no reader understands, by name: gaps that an operator can report.
        counts.update({f"unread_{family}": count for family, count in self._extract.unread.most_common(10)})
        figures = " ".join(f"{name}={count}" for name, count in sorted(counts.items()))
        log.info("so far %s; waiting messages=%d widgets=%d", figures, len(self.pipeline), len(self.rebuilder))

    def _purge(self) -> None:
        self._purge_messages()
        with self._database.transaction() as session:
            notifications.purge(session, self._settings.retention_days)
            outbox.purge(session)
            revocations.purge(session)
            audit.purge(session, self._settings.audit_days)
            refused.purge(session)
            lifecycle.purge(session)

    def _purge_messages(self) -> None:
        with self._database.transaction() as session:
            more = messages.purge(session, self._settings.retention_days)
        if more:  # in its turn: new messages do not wait until all old ones are gone
            self.pipeline.put(self._purge_messages)


def create_broker(settings: Settings, database: Database, pipeline: Pipeline) -> "list[AmqpIngress | AmqpPublisher]":
    """Return what reads from the AMQP broker and what publishes there; nothing where there is none.

    :raises BadSetting: when a broker is set but pika is not installed; it is an extra.
    """
    if not settings.amqp_url.get_secret_value() and not os.environ.get("FEDORA_MESSAGING_CONF"):
        return []
    if find_spec("pika") is None:
        raise BadSetting('HUBS_AMQP_URL needs pika: pip install "fedora-hubs[amqp]".')
    from hubs.backend.amqp.clients import create_clients  # noqa: PLC0415 - an optional extra

    return create_clients(settings, database, pipeline)


def create_groups(settings: Settings, bus: Mapping[str, Any]) -> GroupMessages | None:
    """Return the handler of the account system's group messages, or None where no source of them is authenticated."""
    trusted = f"{settings.topic_prefix}.{settings.environment}"
    trust_fedmsg = settings.trust_bus or group_messages_are_authenticated(bus, trusted)
    if trust_fedmsg or settings.amqp_trust_groups:
        return GroupMessages(trusted, settings.retention_days, trust_fedmsg=trust_fedmsg)
    log.info("messages about groups are not followed: no source is authenticated, see HUBS_TRUST_BUS")
    return None


def create_remote(settings: Settings, due: BuildSchedule, stream: EventLog) -> BuildBackend:
    """Return what has widgets built by workers.

    :raises BadSetting: when Celery is not installed; it is an extra, and loaded by those alone who use it.
    """
    if find_spec("celery") is None:
        raise BadSetting('HUBS_REBUILD=celery needs Celery: pip install "fedora-hubs[celery]", or leave it at threads.')
    from hubs.backend.rebuild.celery_queue import create_remote as create_backend  # noqa: PLC0415 - an optional extra

    return create_backend(settings, due, stream)
