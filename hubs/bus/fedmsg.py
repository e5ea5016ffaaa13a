"""fedmsg: publishing through the relay, and the check of signatures.

Publishing never blocks and never fails, but may lose: the outbox makes up for it.
"""

import logging
import queue
import threading
from collections.abc import Mapping
from typing import Any

import fedmsg.config
import fedmsg.core
import fedmsg.crypto
import zmq
from fedmsg.crypto.utils import fix_datagrepper_message

from hubs.bus.message import Message

log = logging.getLogger(__name__)

#: Messages that may wait for the bus; beyond it the outbox alone remembers.
WAITING = 10_000
#: Messages that ZeroMQ keeps for an unavailable relay; its own default is 1000.
HIGH_WATER_MARK = 100_000


def signed(message: Message, config: Mapping[str, Any]) -> bool:
    """Return whether a message carries a signature that fedmsg accepts under this configuration."""
    if not config.get("validate_signatures"):
        return False
    try:
        return bool(fedmsg.crypto.validate(fix_datagrepper_message(dict(message.raw)), **config))
    except Exception as error:  # a forged certificate makes the validation raise anything
        log.warning("%s cannot be validated (%s)", message.msg_id, type(error).__name__)
        return False


class Publisher:
    """Puts messages on the bus through the relay, from a thread of its own.

    The thread and its ZeroMQ context are made by `connect`, or else at the first message, hence after the server
    forked its workers; one context per process, since each costs a pause of half a second and a connection. Without
    `connect` that pause is what the first change of each worker waits for.
    """

    def __init__(self, overrides: Mapping[str, Any] | None = None) -> None:
        self._overrides = dict(overrides or {})
        self._waiting: queue.Queue[tuple[str, dict[str, Any]] | None] = queue.Queue(WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def connect(self) -> None:
        """Connect to the relay in the background, so that no message waits for it; return at once."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                # A thread that did not come along into a forked process still waits in its queue there.
                self._waiting = queue.Queue(WAITING)
                self._thread = threading.Thread(target=self._run, name="bus-publisher", daemon=True)
                self._thread.start()

    def publish(self, topic: str, body: dict[str, Any]) -> None:
        """Hand a message over and return at once; ``topic`` is as in the outbox, ``hubs.widget.updated``."""
        self.connect()
        try:
            self._waiting.put_nowait((topic, body))
        except queue.Full:
            log.warning("the bus takes nothing; %s waits in the outbox", topic)

    def close(self, timeout: float = 2.0) -> None:
        """Publish what waits, then end the thread."""
        if self._thread is not None and self._thread.is_alive():
            self._waiting.put(None, timeout=timeout)
            self._thread.join(timeout)

    def _run(self) -> None:
        context = self._first()
        while (item := self._waiting.get()) is not None:
            try:
                context = context or self._context()
                modname, _, topic = item[0].partition(".")
                # Without modname fedmsg walks the call stack for it: half a millisecond a message.
                context.publish(topic=topic, modname=modname, msg=item[1])
            except Exception:  # whatever fails, the next message gets its try, and the outbox keeps this one
                log.exception("%s could not be published; it waits in the outbox", item[0])
        if context is not None:
            context.destroy()

    def _first(self) -> Any:
        """Return a context before there is a message; None where that fails, for the first message to try again."""
        try:
            return self._context()
        except Exception:  # whatever fails, the thread must be there for the messages
            log.exception("the bus cannot be reached yet")
            return None

    def _context(self) -> Any:
        # load_config hands out its cache, and FedMsgContext writes into what it gets.
        config = dict(fedmsg.config.load_config([], None))
        config.update(active=True, name="relay_inbound", zmq_linger=1000, **self._overrides)
        config["endpoints"] = dict(config["endpoints"])
        context = fedmsg.core.FedMsgContext(**config)
        # The configuration's high_water_mark makes every publisher crash with current pyzmq.
        context.publisher.setsockopt(zmq.SNDHWM, HIGH_WATER_MARK)
        return context


class NullPublisher:
    """Publishes nothing: where there is no bus, the daemon's sweep finds the outbox."""

    def connect(self) -> None:
        """Do nothing."""

    def publish(self, topic: str, body: dict[str, Any]) -> None:
        """Do nothing."""

    def close(self, timeout: float = 2.0) -> None:
        """Do nothing."""
