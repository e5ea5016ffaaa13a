"""Keeps the index at the state of the tables: read at the start, then hub by hub, or as a whole after many changes.

At the very first start messages wait until the index is there, since nothing could answer for it. Every later reading
of all hubs (SIGHUP, or more changes than are worth following one by one) happens in a thread of its own beside the
index in use; what changes meanwhile is read once more before the new one takes its place.
"""

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

#: Clocks of several machines differ, and a transaction is seen later than it says.
OVERLAP = timedelta(seconds=60)
#: Changed hubs that a sweep reads in its turn; for more, the whole index is rebuilt in the background.
MANY = 2000
#: Share of the time for which reading in the background rests, so that messages get theirs.
REST = 0.3


class IndexRefresher:
    """Reads hubs into an index. All but `reload` and `stop` is called in the pipeline's thread."""

    def __init__(self, database: Database, index: Index, beat: Callable[[], None]) -> None:
        self._database, self._index, self._beat = database, index, beat
        self._swept = now() - OVERLAP
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._reader: threading.Thread | None = None
        #: A new index and when its reading began, until the next sweep puts it in its place.
        self._next_index: tuple[Index, datetime] | None = None

    def load(self) -> None:
        """Read all hubs into the index; its old content answers until that is done."""
        started = now()
        fresh = Index(self._index.registry)
        for hubs in loader.iter_batches(self._database):
            for hub in hubs:
                fresh.replace(hub)
            self._beat()
        self._adopt(fresh, started)

    def reload(self) -> None:
        """Begin to read all hubs into a new index, unless that is under way. The next `sweep` takes it into use."""
        with self._lock:
            if self._reader is None or not self._reader.is_alive():
                self._reader = threading.Thread(target=self._read, name="index", daemon=True)
                self._reader.start()

    def stop(self) -> None:
        """End reading in the background."""
        self._stopped.set()

    def sweep(self) -> None:
        """Read again the hubs that changed since the last look, with or without a message."""
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
        """Put a new index that is complete in the place of the old one."""
        next_index, self._next_index = self._next_index, None
        if next_index is not None:
            self._adopt(*next_index)

    def refresh(self, session: Session, hub_id: int) -> Hub | None:
        """Read one hub again; return it, or None when it is gone."""
        hub = loader.one(session, hub_id)
        if hub is None:
            self._index.remove(hub_id)
        else:
            self._index.replace(hub)
        return hub

    def _adopt(self, fresh: Index, started: datetime) -> None:
        self._index.adopt(fresh)
        # What changed while it was read is read again by the sweep.
        self._swept = started - OVERLAP
        log.info(
            "%d hubs are in the index; %d widgets are filtered on every message",
            len(self._index),
            self._index.unindexed,
        )

    def _read(self) -> None:
        started, fresh = now(), Index(self._index.registry)
        began = time.monotonic()
        try:
            for hubs in loader.iter_batches(self._database):
                for hub in hubs:
                    fresh.replace(hub)
                if self._stopped.wait(REST * (time.monotonic() - began)):
                    return
                began = time.monotonic()
        except SQLAlchemyError as error:
            log.warning("the index could not be rebuilt; the old one stays in use: %s", error)
            return
        self._next_index = fresh, started

    def _forget_removed(self, session: Session) -> None:
        if session.scalar(select(func.count(Hub.id))) != len(self._index):
            there = set(session.scalars(select(Hub.id)))
            for gone in set(self._index.hubs()) - there:
                self._index.remove(gone)
