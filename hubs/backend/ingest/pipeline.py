"""From a checked message to the widgets it touches: store, triage, ask for rebuilds, in one thread, in batches.

Whatever waits is taken as one batch: alone, a message is handled at once; in a flood, hundreds share a transaction.
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

from hubs.actions import activity, outbox, refused
from hubs.actions import messages as storing
from hubs.backend.index.index import Index, Touched
from hubs.backend.ingest.config_changes import ConfigChangeHandler
from hubs.backend.ingest.extract import Extractor
from hubs.backend.ingest.group_membership import EVENTS
from hubs.backend.ingest.mentions import Mentions
from hubs.backend.rebuild.scheduler import Rebuilder
from hubs.bus import MODULE, Message, acknowledge
from hubs.fragments.schedule import BuildSchedule
from hubs.models import Database
from hubs.models.database import is_unavailable

log = logging.getLogger(__name__)

#: Messages that may wait, and those that share a transaction.
WAITING, BATCH = 20_000, 500
#: Seconds by which builds are put off while more than a batch waits: what is stored late may be lost, builds may not.
REST = 3.0
#: Most seconds between two tries while the database is unavailable.
PATIENCE = 5.0
#: People whose last activity is remembered, so that it is not written again at once.
RECENT = 50_000


class Pipeline:
    """Handles messages in a thread of its own; ``prepare`` runs in it first, before any message."""

    def __init__(
        self,
        database: Database,
        index: Index,
        extract: Extractor,
        rebuilder: Rebuilder,
        own: ConfigChangeHandler,
        prepare: Callable[[], None],
        mentions: Mentions,
        due: BuildSchedule,
        beat: Callable[[], None] = lambda: None,
        prefix: str = "org.fedoraproject.dev",
    ) -> None:
        """Handle messages of ours only under ``prefix``: the first parts of the topics that we publish on."""
        self._database, self._index, self._extract = database, index, extract
        self._rebuilder, self._own, self._prepare = rebuilder, own, prepare
        self._mentions, self._due, self._beat = mentions, due, beat
        self._own_topics = frozenset(f"{prefix}.{name}" for name in outbox.TOPICS)
        self._waiting: queue.SimpleQueue[Message | Callable[[], None] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._recent: dict[str, datetime] = {}
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)
        self.ready = threading.Event()
        #: When the newest message that is handled was received.
        self.handled_at: datetime | None = None
        #: What happened since the start: stored, duplicate, touched, dropped, shed, failed.
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float = 0.5) -> None:
        """Finish the batch in hand, for at most ``timeout`` seconds, and drop what waits."""
        self._stopping.set()
        self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout)

    def put(self, item: Message | Callable[[], None]) -> bool:
        """Take a message, or a function to be called in its turn; False when too much waits already."""
        if self.is_full:
            self.counts["shed"] += 1
            return False
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
            batch = self._batch()
            messages = [item for item in batch if isinstance(item, Message)]
            self._survive(partial(self.handle, messages))
            for item in batch:
                if item is not None and not isinstance(item, Message):
                    self._survive(item)
            # A full buffer refuses the daemon's heartbeats, so a finished batch counts as one.
            self._beat()

    def _survive(self, act: Callable[[], object]) -> None:
        """Do ``act``; whatever it did, those after it get their turn."""
        try:
            act()
        except SQLAlchemyError as error:
            log.warning("the database does not do what it is asked for: %s", error)
            self.counts["failed"] += 1
        except Exception:  # a thread that ends here would end all handling of messages, and nobody would see
            log.exception("the pipeline goes on")
            self.counts["failed"] += 1

    def _batch(self) -> list[Message | Callable[[], None] | None]:
        first = self._waiting.get()
        # Nobody else takes from it.
        return [first, *(self._waiting.get_nowait() for _ in range(min(self._waiting.qsize(), BATCH - 1)))]

    def handle(self, batch: Sequence[Message]) -> None:
        """Store a batch, then ask for the rebuilds of what it touches."""
        if not batch:
            return
        extracted = [ready for message in batch if (ready := self._extracted(message)) is not None]
        for message in extracted:
            # Also those on which another daemon acts: each has an index of its own, and it is asked before we store.
            if message.category == MODULE:
                self._survive(partial(self._insist, partial(self._own.update_index, message), is_unavailable))
        stored: list[list[tuple[Message, Touched]]] = []
        self._insist(lambda: stored.append(self._store(extracted)))
        if not stored:  # stopped before the database answered: whoever waits for a receipt sends them again
            return
        acknowledge(batch)
        fresh = stored[0]
        self.counts["stored"] += len(fresh)
        self.counts["duplicate"] += len(batch) - len(fresh)
        delay = REST if len(self) >= BATCH else 0.0
        for message, touched in fresh:
            self._survive(partial(self._react, message, touched, delay))
        newest = max(message.received_at for message in batch)
        self.handled_at = max(newest, self.handled_at or newest)

    def _extracted(self, message: Message) -> Message | None:
        """Return a message with what the extractor finds; None for one that is dropped.

        Ours is only what has a whole topic of ours: a signature on another prefix or environment proves nothing here.
        """
        if message.category == MODULE and message.topic not in self._own_topics:
            self.counts["foreign"] += 1
            return None
        try:
            return self._extract(message)
        except Exception as error:  # whatever one message does to a reader, its batch goes on
            log.exception("%s (%s) cannot be read", message.msg_id, message.topic)
            self.counts["dropped"] += 1
            self._survive(partial(self._keep_refused, message, repr(error)))
            return None

    def _react(self, message: Message, touched: Touched, delay: float) -> None:
        """Do what one stored message asks for."""
        if message.category == MODULE:
            self._survive(partial(self._insist, partial(self._own.handle, message), is_unavailable))
        self.counts["touched"] += len(touched)
        for widget, functions in touched.items():
            self._rebuilder.request(widget, functions, delay)

    def _store(self, batch: list[Message]) -> list[tuple[Message, Touched]]:
        """Store what is new; return it with what it touches, which is noted in Redis before it is committed."""
        try:
            with self._database.transaction() as session:
                fresh = storing.store(session, batch)
                found = [(message, self._index.touched(message)) for message in fresh]
                self._due.mark_pending({widget for _, touched in found for widget in touched})
                seen = self._active(fresh)
                activity.note(session, seen)
                self._mentions.note(session, fresh)
                for message in fresh:
                    if message.name in EVENTS:  # what follows from it is committed with it, or neither is
                        self._own.follow_group(session, message)
        except Exception as error:
            if isinstance(error, SQLAlchemyError) and (not isinstance(error, DBAPIError) or is_unavailable(error)):
                raise
            if len(batch) == 1:
                reason = str(error.orig) if isinstance(error, DBAPIError) else repr(error)
                log.warning("%s (%s) cannot be stored: %s", batch[0].msg_id, batch[0].topic, reason)
                self.counts["dropped"] += 1
                self._keep_refused(batch[0], reason)
                return []
            # One bad message must not take its neighbours with it.
            return [one for message in batch for one in self._store([message])]
        self._remember(seen)
        return found

    def _keep_refused(self, message: Message, reason: str) -> None:
        with self._database.transaction() as session:
            refused.record(session, message.origin, message.topic, message.msg_id, reason, json.dumps(message.body))

    def _active(self, fresh: list[Message]) -> dict[str, datetime]:
        """Return when people were last active, leaving out what was written less than a step ago."""
        seen: dict[str, datetime] = {}
        for message in fresh:
            if message.category == MODULE:  # what somebody else does to one's roles is not one's own activity
                continue
            for username in message.users:
                known = seen.get(username) or self._recent.get(username)
                if known is None or message.received_at - known >= activity.STEP:
                    seen[username] = message.received_at
        return seen

    def _remember(self, seen: dict[str, datetime]) -> None:
        if len(self._recent) > RECENT:
            self._recent.clear()
        self._recent.update(seen)

    def _insist(self, act: Callable[[], object], worth: Callable[[SQLAlchemyError], bool] = bool) -> None:
        """Do ``act`` until the database lets us, or the end has come; raise an error that is not ``worth`` a try."""
        wait = 0.1
        while not self._stopping.is_set():
            try:
                act()
            except SQLAlchemyError as error:
                if not worth(error):
                    raise
                log.warning("the database does not answer, trying again in %.1f s: %s", wait, error)
                self._beat()  # waiting for the database is no reason to be restarted
                self._stopping.wait(wait)
                wait = min(wait * 2, PATIENCE)
            else:
                return
