"""The message bus: what arrives (`Message`) and what leaves (`Publisher`).

Publishing over fedmsg never blocks and never fails, but may lose: the outbox makes up for it.
"""

import hashlib
import json
import logging
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import fedmsg.config
import fedmsg.core
import fedmsg.crypto
import zmq
from fedmsg.crypto.utils import fix_datagrepper_message

from hubs.errors import BadMessage

log = logging.getLogger(__name__)

#: Name under which our own topics start, after prefix and environment.
MODULE = "hubs"
#: Messages that may wait for the bus; beyond it the outbox alone remembers.
WAITING = 10_000
#: Messages that ZeroMQ keeps for a relay that is away; its own default is 1000.
HIGH_WATER_MARK = 100_000

#: Deepest nesting of a message's body.
DEPTH = 64
_LIMITS = {"topic": 255, "msg_id": 64}


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the bus, checked once at the border.

    ``name`` is the topic without prefix and environment: ``pagure.issue.new``. ``body`` is what fedmsg calls ``msg``.
    ``users`` and ``packages`` are filled by the extractor.
    """

    msg_id: str
    topic: str
    sent_at: datetime
    body: dict[str, Any]
    raw: Mapping[str, Any]
    users: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    sentence: str = ""
    link: str = ""
    icon: str = ""
    #: False for what came another way than by the bus, and was not shown to be from whom it says.
    vouched: bool = True
    name: str = field(init=False)
    category: str = field(init=False)

    def __post_init__(self) -> None:
        parts = self.topic.split(".")
        # org.fedoraproject.prod.bodhi.update.comment; io.pagure.prod.pagure.issue.new
        name = ".".join(parts[3:]) if len(parts) > 3 else self.topic
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "category", name.split(".", 1)[0][:64])


def parse(envelope: object) -> Message:
    """Check an envelope as fedmsg delivers it and return the message.

    :raises BadMessage: with the reason, when it is not a dict, or a field is missing, too long or of the wrong type.
    """
    if not isinstance(envelope, Mapping):
        raise BadMessage(f"not an object but {type(envelope).__name__}")
    topic, body = envelope.get("topic"), envelope.get("msg")
    if not isinstance(topic, str) or not topic:
        raise BadMessage("no topic")
    if not isinstance(body, dict):
        raise BadMessage(f"msg is not an object but {type(body).__name__}")
    if _too_deep(body):
        raise BadMessage(f"nested deeper than {DEPTH}")
    msg_id = envelope.get("msg_id") or _made_up_id(envelope)
    if not isinstance(msg_id, str):
        raise BadMessage("msg_id is not a text")
    for name, value in (("topic", topic), ("msg_id", msg_id)):
        if len(value) > _LIMITS[name] or not value.isprintable():
            raise BadMessage(f"{name} is too long or not printable")
    return Message(msg_id=msg_id, topic=topic, sent_at=_moment(envelope.get("timestamp")), body=body, raw=envelope)


def signed(message: Message, config: Mapping[str, Any]) -> bool:
    """Tell whether a message carries a signature that fedmsg, configured like this, would believe on the bus."""
    if not config.get("validate_signatures"):
        return False
    try:
        return bool(fedmsg.crypto.validate(fix_datagrepper_message(dict(message.raw)), **config))
    except Exception as error:  # a forged certificate makes the validation raise anything
        log.warning("%s cannot be validated (%s)", message.msg_id, type(error).__name__)
        return False


def _too_deep(body: dict[str, Any]) -> bool:
    """Tell whether a body is nested so deep that code which recurses would fail on it."""
    level: list[Any] = [body]
    for _ in range(DEPTH):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def _made_up_id(envelope: Mapping[str, Any]) -> str:
    """Name a message that has no id by what it says, so that its copies are recognised."""
    said = json.dumps([envelope.get(name) for name in ("topic", "timestamp", "i", "msg")], sort_keys=True, default=str)
    return f"none-{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:40]}"


def _moment(value: object) -> datetime:
    """Read a timestamp: seconds since 1970, or ISO 8601; the present moment where there is none."""
    try:
        if isinstance(value, bool) or value is None:
            return datetime.now(UTC)
        if isinstance(value, int | float):
            moment = datetime.fromtimestamp(value, UTC)
        elif isinstance(value, str):
            moment = datetime.fromisoformat(value)
        else:
            raise BadMessage("timestamp is neither a number nor a text")
    except (ValueError, OverflowError, OSError):
        raise BadMessage("timestamp is not a moment") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


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
