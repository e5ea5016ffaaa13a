"""A message of the bus, and the check of its envelope."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hubs.errors import BadMessage

#: Name under which our own topics start, after prefix and environment.
MODULE = "hubs"

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
