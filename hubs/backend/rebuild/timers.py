"""Hands over widgets that are due: requested by readers, to be retried, or expired.

The cost depends on the widgets that are due, not on how many there are. An expired widget is built if its hub has
viewers; otherwise the next request builds it. The timers are a thread of the daemon, not a moksha producer: producers
share the hub's thread pool with its consumers, and have no orderly shutdown.
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

#: Seconds between two checks, and waiting widgets beyond which no more are taken from the schedule.
EVERY, ENOUGH = 1.0, 1000


class Timers:
    """Hands due widgets to the rebuilder; one that is not built within ``lease`` seconds becomes due again."""

    def __init__(
        self, database: Database, schedule: BuildSchedule, events: EventLog, rebuilder: Rebuilder, lease: float
    ) -> None:
        self._database, self._schedule, self._events, self._rebuilder = database, schedule, events, rebuilder
        self._lease = lease
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="due", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread at its next check."""
        self._stopped.set()

    def tick(self) -> None:
        """Check once."""
        if len(self._rebuilder) > ENOUGH:
            return
        batch = self._schedule.take(self._lease)
        for widget in batch.requested:
            self._rebuilder.request(widget, [ALL])
        if batch.timed:
            watched = self._watched(batch.timed)
            # Not built and not kept: the next request for such a widget sees its age and schedules it.
            self._schedule.drop_timed(set(batch.timed) - watched)
            for widget in watched:
                self._rebuilder.request(widget, [ALL])
        self._hurry()

    def _hurry(self) -> None:
        """Build widgets now that waited because nobody had them open, if somebody has opened their hub since."""
        unseen = self._rebuilder.unseen()
        if not unseen:
            return
        locales = self._events.watched_many(sorted(set(unseen.values())))
        for widget, hub in unseen.items():
            if locales[hub]:
                self._rebuilder.request(widget, interactive=True)

    def _watched(self, widgets: list[int]) -> set[int]:
        """Return the widgets whose hub has viewers, without those that were removed."""
        query = select(Widget.id, Widget.hub_id).where(Widget.id.in_(widgets))
        with self._database.session() as session:
            hubs = {row.id: row.hub_id for row in session.execute(query)}
        locales = self._events.watched_many(sorted(set(hubs.values())))
        return {widget for widget, hub in hubs.items() if locales[hub]}

    def _run(self) -> None:
        while not self._stopped.wait(EVERY):
            try:
                self.tick()
            except SQLAlchemyError as error:
                log.warning("due widgets wait, the database does not answer: %s", error)
            except Exception:  # without this thread no failed build would ever be retried
                log.exception("the timers go on")
