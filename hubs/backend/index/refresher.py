"""Keeps the index up to date with the tables: loaded at start, then hub by hub, or reloaded after many changes.

At start, messages wait until the index is loaded. Every later reload (SIGHUP, or more changes than are worth following
one by one) builds a second index in a thread of its own, while the first one stays in use. Hubs that change meanwhile
are read once more after the swap.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hubs.backend.index import loader
from hubs.backend.index.index import Index
from hubs.models import Database, Hub, now

log = logging.getLogger(__name__)

#: Clocks of machines differ, and a transaction becomes visible later than the time it wrote.
OVERLAP = timedelta(seconds=60)
#: Changed hubs that a sweep reads itself; with more, the whole index is rebuilt in the background.
MANY = 2000
#: Pause after each batch of a background reload, as a share of its duration: messages need the interpreter, too.
REST = 0.3


class IndexRefresher:
    """Reads hubs into an index. All methods but `reload` and `stop` are called in the pipeline's thread."""

    def __init__(self, database: Database, index: Index, beat: Callable[[], None]) -> None:
        self._database, self._index, self._beat = database, index, beat
        self._swept = now() - OVERLAP
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._reader: threading.Thread | None = None
        #: A complete new index and the time at which its loading began, until the next sweep swaps it in.
        self._next_index: tuple[Index, datetime] | None = None

    def load(self) -> None:
        """Read all hubs into the index; its old content is used until that is done."""
        started = now()
        fresh = Index(self._index.registry)
        for hubs in loader.iter_batches(self._database):
            for hub in hubs:
                fresh.replace(hub)
            self._beat()
        self._adopt(fresh, started)

    def reload(self) -> None:
        """Start to read all hubs into a new index, unless that is running. The first `sweep` after it swaps it in."""
        with self._lock:
            if self._reader is None or not self._reader.is_alive():
                self._reader = threading.Thread(target=self._read, name="index", daemon=True)
                self._reader.start()

    def stop(self) -> None:
        """Stop a reload that is running."""
        self._stopped.set()

    def sweep(self) -> None:
        """Read the hubs that changed since the last sweep, with or without a message."""
        self.swap_in()
        started = now()
        with self._database.session() as session:
            query = select(Hub.id).where(Hub.updated_on > self._swept).limit(MANY + 1)
            ids = session.scalars(query).all()
            if len(ids) > MANY:
                log.info("more than %d hubs changed; the index is rebuilt in the background", MANY)
                self.reload()
                return
            for hub in loader.changed(session, ids):
                self._index.replace(hub)
            self._forget_removed(session)
        self._swept = started - OVERLAP

    def swap_in(self) -> None:
        """Replace the index by the reloaded one, if that is complete."""
        next_index, self._next_index = self._next_index, None
        if next_index is not None:
            self._adopt(*next_index)

    def refresh(self, session: Session, hub_id: int) -> Hub | None:
        """Read one hub again; return it, or None when it no longer exists."""
        hub = loader.load(session, hub_id)
        if hub is None:
            self._index.remove(hub_id)
        else:
            self._index.replace(hub)
        return hub

    def _adopt(self, fresh: Index, started: datetime) -> None:
        self._index.adopt(fresh)
        # Hundreds of thousands of objects without cycles: a collection that traverses them holds up all messages. What
        # is garbage now would never be collected otherwise.
        gc.collect()
        gc.freeze()
        # The next sweep reads what changed while the index was being loaded.
        self._swept = started - OVERLAP
        log.info(
            "%d hubs are in the index; %d widgets are filtered on every message",
            len(self._index),
            self._index.unindexed,
        )

    def _read(self) -> None:
        started, fresh = now(), Index(self._index.registry)
        batch_started = time.monotonic()
        try:
            for hubs in loader.iter_batches(self._database):
                for hub in hubs:
                    fresh.replace(hub)
                if self._stopped.wait(REST * (time.monotonic() - batch_started)):
                    return
                batch_started = time.monotonic()
        except SQLAlchemyError as error:
            log.warning("the index could not be rebuilt; the old one stays in use: %s", error)
            return
        self._next_index = fresh, started

    def _forget_removed(self, session: Session) -> None:
        # Removed rows leave no trace in ``updated_on``; counting is cheap, comparing all ids is not.
        if session.scalar(select(func.count(Hub.id))) != len(self._index):
            existing = set(session.scalars(select(Hub.id)))
            for removed in set(self._index.hubs()) - existing:
                self._index.remove(removed)
