"""The figures of the daemon, read from the counts that it keeps anyway."""

import time
from collections.abc import Iterator, Mapping

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from hubs.actions import watermarks
from hubs.backend.ingest.pipeline import Pipeline
from hubs.backend.rebuild.scheduler import Rebuilder
from hubs.health import figures
from hubs.health.certificates import ExpiryWatch
from hubs.health.readiness import Readiness
from hubs.metrics.exporter import Exporter
from hubs.metrics.families import Sample
from hubs.models import OutboxMessage, Watermark, now
from hubs.models.months import state
from hubs.services import Services

#: Seconds between two queries of the database.
INTERVAL = 15.0


class DaemonFigures:
    """The figures of the daemon."""

    def __init__(self, services: Services, pipeline: Pipeline, rebuilder: Rebuilder) -> None:
        self._services, self._database = services, services.database
        self._pipeline, self._rebuilder = pipeline, rebuilder
        self._readiness = Readiness(services.database, lambda: services.events.client)
        self._certificates = ExpiryWatch(services.settings)
        #: What the shell of the daemon refused, by reason.
        self.dropped: Mapping[str, int] = {}
        self._started, self._queried_at = now(), float("-inf")
        self._stored: list[Sample] = []

    def serve(self) -> None:
        """Serve them at the address that the settings name, if any."""
        if address := self._services.settings.metrics_address:
            Exporter("hub", address, self._all, self._readiness.problems).start()

    def _all(self) -> Iterator[Sample]:
        yield from self
        yield from figures.of_fragments(self._services.fragments)
        client = self._services.events.client
        yield from figures.shared(self._services.settings, self._database, client, self._readiness)

    def __iter__(self) -> Iterator[Sample]:
        """Yield what only the daemon knows."""
        counts = dict(self._pipeline.counts)
        for name in ("received", "stored", "duplicate", "shed"):
            yield f"hubs_messages_{name}", (), float(counts.get(name, 0))
        for reason in ("dropped", "foreign", "failed"):
            yield "hubs_messages_dropped", (reason,), float(counts.get(reason, 0))
        for reason, count in dict(self.dropped).items():
            yield "hubs_messages_dropped", (reason,), float(count)
        # Without our own messages: on a busy site they would hide that nothing comes from the bus any more.
        newest = max(dict(self._pipeline.heard).values(), default=self._started)
        yield "hubs_seconds_since_last_message", (), max(0.0, (now() - newest).total_seconds())
        yield "hubs_message_stored_seconds", (), self._pipeline.stored_after
        if self._services.settings.rebuild != "celery":  # workers know when a build ends
            yield "hubs_widget_built_seconds", (), self._rebuilder.built_after
        yield "hubs_queue_length", ("messages",), float(len(self._pipeline))
        yield "hubs_queue_length", ("widgets",), float(len(self._rebuilder))
        if time.monotonic() - self._queried_at > INTERVAL:
            self._queried_at = time.monotonic()
            self._query()
        yield from self._stored
        for certificate in self._certificates.known():
            if certificate.until is not None:
                yield "hubs_certificate_expires_timestamp_seconds", (certificate.name,), certificate.until.timestamp()

    def _query(self) -> None:
        waiting = OutboxMessage.handled_at.is_(None)
        try:
            with self._database.session() as session:
                count, oldest = session.execute(
                    select(func.count(), func.min(OutboxMessage.created_on)).where(waiting)
                ).one()
                mark = session.get(Watermark, watermarks.HISTORY)
                months_end = state.end(session.connection())
        except SQLAlchemyError:  # the check of the database says so; the former figures stay
            return
        age = max(0.0, (now() - oldest).total_seconds()) if oldest else 0.0
        self._stored = [("hubs_queue_length", ("outbox",), float(count)), ("hubs_outbox_age_seconds", (), age)]
        if mark is not None:
            complete = mark.complete_until.timestamp()
            self._stored.append(("hubs_history_complete_timestamp_seconds", (), complete))
        if months_end is not None:
            self._stored.append(("hubs_months_end_timestamp_seconds", (), months_end.timestamp()))
