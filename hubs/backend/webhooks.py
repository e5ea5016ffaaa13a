"""Hands deliveries of webhooks, which the web app stored, to the pipeline.

The row is the hand-over: the web app tells us through Redis that there is one, and we look for ourselves every few
seconds and at the start. A row waits until its message is committed; so whatever dies in between, it is read again, and
the second copy of its message is recognised by its id.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

import redis
from sqlalchemy.exc import SQLAlchemyError

from hubs.actions.webhooks import deliveries
from hubs.bus import Message, Receipt, from_webhook
from hubs.errors import BadMessage
from hubs.models import Database, WebhookDelivery

log = logging.getLogger(__name__)

#: Seconds within which a committed message is noted, and between two looks without having been told.
POLL, SWEEP = 0.5, 2.0
#: Deliveries that are read at once, and that may be in the pipeline.
BATCH, MOST = 200, 1_000


class WebhookIngress:
    """Reads deliveries from `start` until `stop`; ``client`` returns a connection to Redis."""

    label = "webhook"
    #: No messages arrive here from a broker that could be missing.
    cut_off = 0.0

    def __init__(
        self, database: Database, client: Callable[[], redis.Redis], put: Callable[[Message], bool], prefix: str
    ) -> None:
        """Publish under ``prefix``, the first parts of the topics of this instance."""
        self._database, self._client, self._put, self._prefix = database, client, put, prefix
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._lock = threading.Lock()
        self._committed: set[int] = set()
        self._in_pipeline: set[int] = set()
        self._look_at = 0.0
        #: Events since the start: received, refused, handled.
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """Note what is committed and end the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def look(self) -> None:
        """Note what is committed, and hand over what waits."""
        self._note_committed()
        if len(self._in_pipeline) >= MOST:
            return
        with self._database.session() as session:
            rows = deliveries.waiting(session, self._in_pipeline, BATCH)
        for row in rows:
            if not self._hand_over(row):
                return
        # There may be more where a whole batch was read.
        self._look_at = 0.0 if len(rows) == BATCH else time.monotonic() + SWEEP

    def _hand_over(self, row: WebhookDelivery) -> bool:
        """Put the message of a row into the pipeline; return False while there is no room."""
        receipt = Receipt(self._acknowledge, row.id)
        try:
            topic, hub_id = f"{self._prefix}.{row.topic}", row.webhook.hub_id
            message = from_webhook(row.msg_id, topic, row.body or {}, hub_id, row.received_at, receipt)
        except BadMessage as error:
            self.counts["refused"] += 1
            with self._database.transaction() as session:
                deliveries.mark_handled(session, [row.id], str(error))
            return True
        if not self._put(message):
            return False
        self._in_pipeline.add(row.id)
        self.counts["received"] += 1
        return True

    def _acknowledge(self, ids: Sequence[int]) -> None:
        """Note that messages are committed; called by the pipeline, which must not wait for another transaction."""
        with self._lock:
            self._committed.update(ids)

    def _note_committed(self) -> None:
        with self._lock:
            committed = sorted(self._committed)
        if not committed:
            return
        with self._database.transaction() as session:
            deliveries.mark_handled(session, committed)
        with self._lock:
            self._committed.difference_update(committed)
        self._in_pipeline.difference_update(committed)
        self.counts["handled"] += len(committed)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (redis.RedisError, OSError) as error:
                log.warning("Redis does not answer; deliveries of webhooks are looked for without it: %s", error)
                self._survive(self.look)
                self._stopping.wait(POLL)
        self._survive(self._note_committed)

    def _listen(self) -> None:
        with self._client().pubsub() as subscription:  # type: ignore[no-untyped-call]
            subscription.subscribe(deliveries.CHANNEL)
            while not self._stopping.is_set():
                told = subscription.get_message(timeout=POLL)
                while told is not None:  # several at once need one look
                    self._look_at = 0.0
                    told = subscription.get_message()
                self._survive(self.look if time.monotonic() >= self._look_at else self._note_committed)

    def _survive(self, act: Callable[[], None]) -> None:
        try:
            act()
        except SQLAlchemyError as error:
            log.warning("deliveries of webhooks wait, the database does not answer: %s", error)
            self._stopping.wait(POLL)
        except Exception:  # the thread must survive whatever one row does to it, or none is read ever again
            log.exception("reading deliveries of webhooks failed")
            self._stopping.wait(POLL)
