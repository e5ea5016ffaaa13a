"""fedmsg: publishing through the relay, and verifying signatures.

Publishing never blocks and never fails, but may lose messages: the daemon then finds them in the outbox.
"""

import logging
import queue
import threading
from collections.abc import Mapping
from typing import Any

from hubs.bus.message import Message

log = logging.getLogger(__name__)

#: Messages that may wait for the bus; further ones are only in the outbox.
WAITING = 10_000
#: Messages that ZeroMQ keeps for an unavailable relay; its own default is 1000.
HIGH_WATER_MARK = 100_000


def signed(message: Message, config: Mapping[str, Any]) -> bool:
    """Return whether a message carries a signature that fedmsg accepts under this configuration."""
    if not config.get("validate_signatures"):
        return False
    import fedmsg.crypto  # noqa: PLC0415 - takes long to load
    from fedmsg.crypto.utils import fix_datagrepper_message  # noqa: PLC0415

    try:
        return bool(fedmsg.crypto.validate(fix_datagrepper_message(dict(message.raw)), **config))
    except Exception as error:  # with a forged certificate the validation may raise anything
        log.warning("%s cannot be validated (%s)", message.msg_id, type(error).__name__)
        return False


class Publisher:
    """Publishes messages through the relay, from a thread of its own.

    `connect`, or else the first message, creates the thread and its ZeroMQ context, hence after the server forked its
    workers. There is one context per process, since each costs half a second and a connection; without `connect`, the
    first change in each worker waits that long.
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
                # After a fork the parent's thread does not exist here, but its queue would look as if it were read.
                self._waiting = queue.Queue(WAITING)
                self._thread = threading.Thread(target=self._run, name="bus-publisher", daemon=True)
                self._thread.start()

    def publish(self, topic: str, body: dict[str, Any]) -> None:
        """Queue a message and return at once; ``topic`` is as in the outbox, ``hubs.widget.updated``."""
        self.connect()
        try:
            self._waiting.put_nowait((topic, body))
        except queue.Full:
            log.warning("the queue to the bus is full; %s waits in the outbox", topic)

    def close(self, timeout: float = 2.0) -> None:
        """Publish waiting messages, then end the thread."""
        if self._thread is not None and self._thread.is_alive():
            self._waiting.put(None, timeout=timeout)
            self._thread.join(timeout)

    def _run(self) -> None:
        context = self._first_context()
        while (item := self._waiting.get()) is not None:
            try:
                context = context or self._context()
                modname, _, topic = item[0].partition(".")
                # Without modname fedmsg inspects the call stack, which takes half a millisecond per message.
                context.publish(topic=topic, modname=modname, msg=item[1])
            except Exception:  # the thread must survive; the outbox keeps this message
                log.exception("%s could not be published; it waits in the outbox", item[0])
        if context is not None:
            context.destroy()

    def _first_context(self) -> Any:
        """Return a context before there is a message; None if that fails, so that the first message retries."""
        try:
            return self._context()
        except Exception:  # the thread must survive
            log.exception("the bus cannot be reached yet")
            return None

    def _context(self) -> Any:
        # Loading these takes longer than anything else in the web application, whose workers start without them.
        import fedmsg.config  # noqa: PLC0415
        import fedmsg.core  # noqa: PLC0415
        import zmq  # noqa: PLC0415

        # load_config returns its cache, and FedMsgContext modifies its argument.
        config = dict(fedmsg.config.load_config([], None))
        config.update(active=True, name="relay_inbound", zmq_linger=1000, **self._overrides)
        config["endpoints"] = dict(config["endpoints"])
        context = fedmsg.core.FedMsgContext(**config)
        # Setting high_water_mark in the configuration makes every publisher crash with current pyzmq.
        context.publisher.setsockopt(zmq.SNDHWM, HIGH_WATER_MARK)
        return context


class NullPublisher:
    """Publishes nothing: without a bus, the daemon's sweep reads the outbox."""

    def connect(self) -> None:
        """Do nothing."""

    def publish(self, topic: str, body: dict[str, Any]) -> None:
        """Do nothing."""

    def close(self, timeout: float = 2.0) -> None:
        """Do nothing."""
