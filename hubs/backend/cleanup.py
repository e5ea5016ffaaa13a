"""Removes what expired: old messages, entries of the audit log, and whatever else is kept for a limited time."""

import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from hubs.actions import audit, lifecycle, outbox, refused, revocations
from hubs.actions.inbox import claims, marks
from hubs.actions.people import announcements
from hubs.actions.storage import retention
from hubs.actions.webhooks import deliveries
from hubs.models import Database
from hubs.settings import Settings

log = logging.getLogger(__name__)

#: Seconds from the start to the first cleanup, and from one to the next.
FIRST, PERIOD = 300.0, 3600.0


class Cleanup:
    """The tasks of the cleanup, which a daemon runs periodically; ``later`` queues a function behind its messages."""

    def __init__(self, database: Database, settings: Settings, later: Callable[[Callable[[], None]], object]) -> None:
        self._database, self._later = database, later
        self._days, self._audit_days = settings.retention_days, settings.audit_days
        self._keeper: threading.Thread | None = None
        self.tasks = (self.delete_messages, self.delete, self.keep_months)

    def keep_months(self) -> None:
        """Create the next months and drop the old ones, in a thread: copying what was saved may take minutes.

        A task of its own: where the schema cannot be changed, nothing else is kept from being deleted.
        """
        if self._keeper is None or not self._keeper.is_alive():
            self._keeper = threading.Thread(target=self._keep_months, name="months", daemon=True)
            self._keeper.start()

    def _keep_months(self) -> None:
        try:
            retention.keep_months(self._database, self._days)
        except SQLAlchemyError:  # tried again after `PERIOD`
            log.exception("the months of stored messages cannot be kept")

    def delete(self) -> None:
        """Delete all expired rows but those of messages."""
        with self._database.transaction() as session:
            marks.purge(session, self._days)
            claims.keep_up(session)
            outbox.purge(session)
            revocations.purge(session)
            audit.purge(session, self._audit_days)
            refused.purge(session)
            deliveries.purge(session)
            lifecycle.purge(session)
            announcements.purge(session, self._days)

    def delete_messages(self) -> None:
        """Delete a batch of old messages, and queue the next one if there may be more.

        So new messages do not wait until all old ones are deleted.
        """
        with self._database.transaction() as session:
            is_incomplete = retention.purge(session, self._days)
        if is_incomplete:
            self._later(self.delete_messages)
