"""Handles incoming messages: stores them, looks up the widgets they touch, and requests builds.

One thread takes everything that waits as one batch: a single message is handled at once, and in a flood hundreds share
a transaction.
"""

import json
import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hubs import logs
from hubs.actions import activity, outbox, refused
from hubs.actions import messages as storing
from hubs.backend.index.index import Index, Touched
from hubs.backend.ingest.config_changes import ConfigChangeHandler
from hubs.backend.ingest.extract import Extractor
from hubs.backend.ingest.group_membership import EVENTS
from hubs.backend.ingest.mentions import Mentions
from hubs.backend.ingest.precedence import Precedence
from hubs.backend.rebuild.scheduler import Rebuilder
from hubs.bus import MODULE, Message, acknowledge
from hubs.events import canary
from hubs.fragments.schedule import BuildSchedule
from hubs.metrics.histogram import Histogram
from hubs.models import Database, now
from hubs.models.database import is_unavailable

log = logging.getLogger(__name__)

#: Most messages that wait, and most that share a transaction.
WAITING, BATCH = 20_000, 500
#: Seconds by which builds are postponed while a whole batch waits: a full queue loses messages, a late build
#: loses nothing.
REST = 3.0
#: Longest wait in seconds between two attempts while the database is unavailable.
PATIENCE = 1.0
#: Seconds for which a daemon that stops handles what waits: nobody sends it again. A unit gives it fifteen.
LAST = 5.0
#: People whose last activity is cached, so that it is not written with every message.
RECENT = 50_000


class Pipeline:
    """Handles messages in a thread of its own; ``prepare`` runs in it first, before any message."""

    def __init__(
        self,
        database: Database,
        index: Index,
        extract: Extractor,
        rebuilder: Rebuilder,
        config_changes: ConfigChangeHandler,
        prepare: Callable[[], None],
        mentions: Mentions,
        schedule: BuildSchedule,
        beat: Callable[[], None] = lambda: None,
        prefix: str = "org.fedoraproject.dev",
    ) -> None:
        """Accept our own messages only under ``prefix``: the first parts of the topics that we publish on."""
        self._database, self._index, self._extract = database, index, extract
        self._rebuilder, self._config_changes, self._prepare = rebuilder, config_changes, prepare
        self._mentions, self._schedule, self._beat = mentions, schedule, beat
        self._own_topics = frozenset(f"{prefix}.{name}" for name in outbox.TOPICS)
        self.precedence = Precedence(database)
        self._waiting: queue.SimpleQueue[Message | Callable[[], None] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._recent: dict[str, datetime] = {}
        #: What was taken from the queue and is not committed yet.
        self._in_hand: Sequence[object] = ()
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)
        self.ready = threading.Event()
        #: When the newest handled message was received.
        self.handled_at: datetime | None = None
        #: When a message of others was last received, by its source.
        self.heard: dict[str, datetime] = {}
        #: Seconds from the receipt of messages to their commit.
        self.stored_after = Histogram()
        #: Called in the thread with a canary, in its turn among the messages; it is neither stored nor counted.
        self.on_canary: Callable[[Message], None] = lambda message: None
        #: Counts since the start: received, stored, duplicate, touched, dropped, shed, failed.
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float = LAST) -> list[Message]:
        """Handle what waits, for at most ``timeout`` seconds; return the messages that are lost then.

        Those with a receipt are not lost, since their source delivers them again.
        """
        self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout)
        self._stopping.set()
        if self._thread.is_alive():  # the current batch may still succeed
            self._thread.join(0.4)
        left = [*self._in_hand, *(self._waiting.get_nowait() for _ in range(self._waiting.qsize()))]
        return [item for item in left if isinstance(item, Message) and item.receipt is None]

    def put(self, item: Message | Callable[[], None]) -> bool:
        """Queue a message, or a function to be called in its turn; return False if the queue is full."""
        if self.is_full:
            self.counts["shed"] += 1
            return False
        if isinstance(item, Message):
            if item.name == canary.TOPIC:
                acknowledge([item])
                item = partial(self.on_canary, item)
            else:
                self.counts["received"] += 1
        self._waiting.put(item)
        return True

    @property
    def is_full(self) -> bool:
        """Whether `put` would refuse a message."""
        return self._waiting.qsize() >= WAITING

    def __len__(self) -> int:
        """Return the number of messages that wait."""
        return self._waiting.qsize()

    def _run(self) -> None:
        self._insist(self._prepare)
        self.ready.set()
        while not self._stopping.is_set():
            self._in_hand = batch = self._batch()
            messages = [item for item in batch if isinstance(item, Message)]
            self._survive(partial(self.handle, messages))
            for item in batch:
                if item is not None and not isinstance(item, Message):
                    self._survive(item)
            if None in batch:  # `stop` has put it there, after everything else
                return
            # A full queue refuses the daemon's heartbeats, so a finished batch counts as one.
            self._beat()

    def _survive(self, act: Callable[[], object]) -> None:
        """Call ``act``; log its errors, so that the rest of the batch is handled."""
        try:
            act()
        except SQLAlchemyError as error:
            log.warning("the database refused an operation: %s", error)
            self.counts["failed"] += 1
        except Exception:  # the thread must survive: without it no message is handled any more
            log.exception("the pipeline goes on")
            self.counts["failed"] += 1

    def _batch(self) -> list[Message | Callable[[], None] | None]:
        first = self._waiting.get()
        if len(self) < BATCH:
            self._in_hand = [first]
            self.precedence.wait(first, self._stopping)
        # Only this thread takes from the queue, so ``qsize`` items are certainly there.
        return [first, *(self._waiting.get_nowait() for _ in range(min(self._waiting.qsize(), BATCH - 1)))]

    def handle(self, batch: Sequence[Message]) -> None:
        """Store a batch, then request builds of the widgets it touches."""
        if not batch:
            return
        known = self.precedence.stored(batch)
        unknown = [message for message in batch if message.msg_id not in known]
        extracted = [item for message in unknown if (item := self._extracted(message)) is not None]
        for message in extracted:
            # Before storing, which looks the batch up in the index; and also for messages that another daemon handles,
            # since each daemon has an index of its own.
            if message.category == MODULE:
                self._survive(
                    partial(self._insist, partial(self._config_changes.update_index, message), is_unavailable)
                )
        stored: list[list[tuple[Message, Touched]]] = []
        self._insist(lambda: stored.append(self._store(extracted)))
        if not stored:  # stopped before the database answered: without receipts, sources deliver again
            return
        # Of the whole batch: duplicates and refused messages are committed, too.
        acknowledge(batch)
        self._in_hand = ()
        fresh = stored[0]
        self.counts["stored"] += len(fresh)
        self.counts["duplicate"] += len(batch) - len(fresh)
        committed_at = now()
        for message, _ in fresh:
            self.stored_after.observe((committed_at - message.received_at).total_seconds())
        delay = REST if len(self) >= BATCH else 0.0
        for message, touched in fresh:
            number = logs.usable(message.body.get(logs.REQUEST_ID)) if message.category == MODULE else ""
            with logs.bound(message_id=message.msg_id, request_id=number):
                self._survive(partial(self._react, message, touched, delay))
        self.heard |= {message.origin: message.received_at for message in batch if message.category != MODULE}
        newest = max(message.received_at for message in batch)
        self.handled_at = max(newest, self.handled_at or newest)

    def _extracted(self, message: Message) -> Message | None:
        """Return the message completed by the extractor; None if it is dropped.

        Only exact topics of ours count as our own: a signature for another prefix or environment proves nothing here.
        """
        if message.category == MODULE and message.topic not in self._own_topics:
            self.counts["foreign"] += 1
            return None
        try:
            return self._extract(message)
        except Exception as error:  # a message that breaks a reader must not stop its batch
            log.exception("%s (%s) cannot be read", message.msg_id, message.topic)
            self.counts["dropped"] += 1
            self._survive(partial(self._keep_refused, message, repr(error)))
            return None

    def _react(self, message: Message, touched: Touched, delay: float) -> None:
        """Apply the effects of one stored message."""
        logs.trace(log, "%s is stored and touches %d widgets", message.topic, len(touched))
        if message.category == MODULE:
            self._survive(partial(self._insist, partial(self._config_changes.handle, message), is_unavailable))
        self.counts["touched"] += len(touched)
        for widget, functions in touched.items():
            self._rebuilder.request(widget, functions, delay)

    def _store(self, batch: list[Message]) -> list[tuple[Message, Touched]]:
        """Store new messages; return them with the widgets they touch, which are marked in Redis before the commit.

        A daemon that is killed after the commit would otherwise forget the builds: stored messages are duplicates.
        """
        try:
            with self._database.transaction() as session:
                fresh = storing.store(session, batch)
                touched_by = [(message, self._index.touched(message)) for message in fresh]
                self._schedule.mark_pending({widget for _, touched in touched_by for widget in touched})
                seen = self._active(fresh)
                activity.note(session, seen)
                self._mentions.note(session, fresh)
                for message in fresh:
                    # Its effects are committed with it, or neither is.
                    if message.name in EVENTS and message.hub_id is None:
                        self._config_changes.follow_group(session, message)
        except Exception as error:
            if isinstance(error, SQLAlchemyError) and (not isinstance(error, DBAPIError) or is_unavailable(error)):
                raise
            if len(batch) == 1:
                reason = str(error.orig) if isinstance(error, DBAPIError) else repr(error)
                log.warning("%s (%s) cannot be stored: %s", batch[0].msg_id, batch[0].topic, reason)
                self.counts["dropped"] += 1
                self._keep_refused(batch[0], reason)
                return []
            # One bad message must not lose its neighbours: try each alone.
            return [entry for message in batch for entry in self._store([message])]
        self._remember(seen)
        return touched_by

    def _keep_refused(self, message: Message, reason: str) -> None:
        with self._database.transaction() as session:
            refused.record(session, message.origin, message.topic, message.msg_id, reason, json.dumps(message.body))

    def _active(self, fresh: list[Message]) -> dict[str, datetime]:
        """Return when people were last active, without those whose last written activity is less than a step old."""
        seen: dict[str, datetime] = {}
        for message in fresh:
            # A role granted by somebody else is not an activity of its holder; a webhook is limited to its hub.
            if message.category == MODULE or message.hub_id is not None:
                continue
            for username in message.users:
                last_active = seen.get(username) or self._recent.get(username)
                if last_active is None or message.received_at - last_active >= activity.STEP:
                    seen[username] = message.received_at
        return seen

    def _remember(self, seen: dict[str, datetime]) -> None:
        if len(self._recent) > RECENT:
            self._recent.clear()
        self._recent.update(seen)

    def _insist(self, act: Callable[[], object], is_transient: Callable[[SQLAlchemyError], bool] = bool) -> None:
        """Retry ``act`` until it succeeds or the daemon stops; raise errors that are not transient."""
        wait = 0.1
        while not self._stopping.is_set():
            try:
                act()
            except SQLAlchemyError as error:
                if not is_transient(error):
                    raise
                log.warning("the database does not answer, trying again in %.1f s: %s", wait, error)
                self._beat()  # a restart by the watchdog would not bring the database back
                self._stopping.wait(wait)
                wait = min(wait * 2, PATIENCE)
            else:
                return
