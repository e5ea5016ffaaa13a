"""Reads messages from an AMQP broker into the pipeline, without losing any.

One thread owns the connection. A delivery is acknowledged once its message is committed or recorded as refused; if any
process dies before that, the broker delivers it again, and the second copy is recognised by its id. While the pipeline
is full nothing is read: the broker's queue is the buffer.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pika.exceptions import AMQPConnectionError, AMQPError, AMQPHeartbeatTimeout

from hubs.backend.amqp.connection import HEARTBEAT, backoff, connect, declare, reason
from hubs.bus import Message, Receipt
from hubs.bus.amqp import Broker, parse_delivery
from hubs.errors import BadMessage

log = logging.getLogger(__name__)

#: Seconds that a connection must have lasted to reset the backoff.
STABLE = 30.0
#: Seconds between two checks whether to stop, and between two attempts to hand a message to a full pipeline.
POLL, FULL = 0.5, 0.05

#: Records a refused delivery (topic, message id, reason, body) and calls the last argument afterwards;
#: False while the pipeline is full.
Refuse = Callable[[str, str, str, bytes, Callable[[], None]], bool]


class AmqpIngress:
    """Reads the queue of ``broker`` from `start` until `stop`; ``on_connected`` is called in its thread."""

    label = "amqp"

    def __init__(
        self,
        broker: Broker,
        put: Callable[[Message], bool],
        refuse: Refuse,
        limit: int,
        on_connected: Callable[[], None] = lambda: None,
    ) -> None:
        self._broker, self._put, self._refuse, self._limit = broker, put, refuse, limit
        self._on_connected = on_connected
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="amqp", daemon=True)
        self._session: _Session | None = None
        #: Events since the start: received, refused, acknowledged, connected.
        self.counts: Counter[str] = Counter()
        #: When the connection was lost, on the monotonic clock; None while it is open.
        self.lost_at: float | None = time.monotonic()

    @property
    def cut_off(self) -> float:
        """For how many seconds there has been no connection; 0 while there is one."""
        lost_at = self.lost_at
        return 0.0 if lost_at is None else time.monotonic() - lost_at

    def start(self) -> None:
        """Start the thread. It connects, and retries while the broker is unavailable."""
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """Acknowledge committed deliveries, close the connection, and end the thread."""
        self._stopping.set()
        session = self._session
        if session is not None:
            session.wake()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        waits = backoff()
        while not self._stopping.is_set():
            started, silent = time.monotonic(), 0
            try:
                self._read()
            except (AMQPError, OSError) as error:
                # The broker stood still, with the connection open: it has been missing for at least that long.
                silent = HEARTBEAT if isinstance(error, AMQPHeartbeatTimeout) else 0
                log.warning("the connection to %s failed: %s", self._broker.address, reason(error))
            except Exception:  # the thread must survive any error of a library, or nothing is read any more
                log.exception("reading from %s failed", self._broker.address)
            self._session = None
            self.lost_at = self.lost_at or time.monotonic() - silent
            if time.monotonic() - started > STABLE:
                waits = backoff()
            self._stopping.wait(next(waits))

    def _read(self) -> None:
        """Connect and read until the connection breaks or `stop` is called."""
        connection = connect(self._broker)
        try:
            channel = connection.channel()
            declare(channel, self._broker)
            session = self._session = _Session(connection, channel, self.counts)
            self.lost_at = None
            self._on_connected()
            self.counts["connected"] += 1
            log.info("reading %s at %s", self._broker.queue, self._broker.address)
            for method, properties, body in channel.consume(self._broker.queue, inactivity_timeout=POLL):
                if self._stopping.is_set():
                    break
                if method is not None:
                    self._receive(session, method, properties, body)
                session.flush()
            session.drain()
        finally:
            if connection.is_open:
                connection.close()

    def _receive(self, session: "_Session", method: Any, properties: Any, body: bytes) -> None:
        """Hand one delivery to the pipeline; wait while it is full."""
        self.counts["received"] += 1
        tag = session.newest = method.delivery_tag
        try:
            receipt = Receipt(session.acknowledge, tag)
            message = parse_delivery(method.routing_key, properties, body, self._limit, receipt)
        except BadMessage as error:
            self.counts["refused"] += 1
            done = partial(session.acknowledge, [tag])
            msg_id, reason = str(properties.message_id or ""), str(error)
            # Waiting here stops reading, so the broker keeps further messages.
            while not self._refuse(method.routing_key, msg_id, reason, body, done) and not self._stopping.is_set():
                session.sleep(FULL)
            return
        while not self._put(message) and not self._stopping.is_set():
            session.sleep(FULL)


class _Session:
    """One connection with its unacknowledged deliveries; delivery tags are only valid on their own connection."""

    def __init__(self, connection: Any, channel: Any, counts: Counter[str]) -> None:
        self._connection, self._channel, self._counts = connection, channel, counts
        self._lock = threading.Lock()
        self._committed: set[int] = set()
        #: The newest delivery, and the one up to which all are acknowledged.
        self.newest = self._through = 0

    def acknowledge(self, tags: Sequence[int]) -> None:
        """Record that deliveries are committed, from any thread; they are acknowledged soon."""
        with self._lock:
            self._committed.update(tags)
        self.wake()

    def wake(self) -> None:
        """Make the connection's thread send acknowledgements: pika's connections are not thread-safe."""
        try:
            self._connection.add_callback_threadsafe(self.flush)
        except AMQPConnectionError:
            log.debug("the connection is closed; the broker delivers unacknowledged messages again")

    def flush(self) -> None:
        """Acknowledge all deliveries up to the first one that is not committed, in one frame."""
        with self._lock:
            before = self._through
            while self._through + 1 in self._committed:
                self._through += 1
                self._committed.discard(self._through)
            through = self._through
        if through > before:
            self._channel.basic_ack(through, multiple=True)
            self._counts["acknowledged"] += through - before

    def sleep(self, seconds: float) -> None:
        """Wait, answering the broker's heartbeats meanwhile."""
        self._connection.sleep(seconds)

    def drain(self, timeout: float = 1.0) -> None:
        """Wait at most ``timeout`` seconds until all deliveries are committed and acknowledged."""
        end = time.monotonic() + timeout
        while self._through < self.newest and time.monotonic() < end:
            self._connection.sleep(FULL)
            self.flush()
