"""Widgets whose time has come: asked for by readers, failed a while ago, or grown old by themselves.

Only what is due is looked at, however many widgets there are. What grew old by itself is built when somebody looks at
its hub; else it waits until it is read, and that request has it built. These timers are a thread of the daemon and no
moksha producer: a producer would share the hub's pool of threads with its consumers, and knows no orderly end.
"""

import logging
import threading

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hubs.backend.rebuild.scheduler import Rebuilder
from hubs.events.log import EventLog
from hubs.fragments.builder import ALL
from hubs.fragments.schedule import BuildSchedule
from hubs.models import Database, Widget

log = logging.getLogger(__name__)

#: Seconds between two looks, and the number of waiting widgets beyond which nothing more is taken.
EVERY, ENOUGH = 1.0, 1000


class Timers:
    """Hands what is due to the rebuilder; ``lease`` is how long that may take before it comes up again, in seconds."""

    def __init__(
        self, database: Database, due: BuildSchedule, stream: EventLog, rebuilder: Rebuilder, lease: float
    ) -> None:
        self._database, self._due, self._stream, self._rebuilder = database, due, stream, rebuilder
        self._lease = lease
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="due", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread at its next look."""
        self._stopped.set()

    def tick(self) -> None:
        """Look once."""
        if len(self._rebuilder) > ENOUGH:
            return
        taken = self._due.take(self._lease)
        for widget in taken.requested:
            self._rebuilder.request(widget, [ALL])
        if taken.timed:
            watched = self._watched(taken.timed)
            self._due.drop_timed(set(taken.timed) - watched)
            for widget in watched:
                self._rebuilder.request(widget, [ALL])

    def _watched(self, widgets: list[int]) -> set[int]:
        """Return those whose hub somebody looks at; one that was removed is not among them."""
        query = select(Widget.id, Widget.hub_id).where(Widget.id.in_(widgets))
        with self._database.session() as session:
            hubs = {row.id: row.hub_id for row in session.execute(query)}
        locales = self._stream.watched_many(sorted(set(hubs.values())))
        return {widget for widget, hub in hubs.items() if locales[hub]}

    def _run(self) -> None:
        while not self._stopped.wait(EVERY):
            try:
                self.tick()
            except SQLAlchemyError as error:
                log.warning("what is due waits, the database does not answer: %s", error)
            except Exception:  # without this thread nothing that failed would ever be tried again
                log.exception("the timers go on")
