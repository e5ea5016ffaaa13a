"""A message, whatever its source, and its identity."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from hubs.activities.activity import Activity

#: First part of our own topics, after prefix and environment.
MODULE = "hubs"
#: Severity of a message without one: fedora-messaging's INFO.
INFO = 20
#: The sources of messages.
FEDMSG, AMQP, WEBHOOK, HISTORY = ORIGINS = ("fedmsg", "amqp", "webhook", "history")

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: A UUID, optionally with the year that fedmsg and the bridges between the buses prepend.
_IDENTITY = re.compile(rf"(?:[0-9]{{4}}-)?({_UUID})", re.IGNORECASE)


class Receipt(NamedTuple):
    """How to inform a source: ``acknowledge`` is called with ``tag`` once the message is committed."""

    acknowledge: Callable[[Sequence[int]], None]
    tag: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message, validated once when it is received.

    ``name`` is the topic without prefix and environment: ``pagure.issue.new``. ``body`` holds the message's own
    fields, without the wrappers that publishers and bridges put around them. ``users``, ``packages`` and ``groups`` are
    those that the publisher listed, until the extractor has completed and checked them.
    """

    msg_id: str
    topic: str
    #: When the message was sent, by its sender's clock, but never later than it was received: only for display.
    sent_at: datetime
    body: dict[str, Any]
    #: What `hubs.widgets.caching.CachedFunction.should_invalidate` gets: topic, msg_id, timestamp and msg.
    raw: Mapping[str, Any]
    users: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    #: The name of the publisher's message class, as fedora-messaging calls it.
    schema: str = ""
    severity: int = INFO
    origin: str = FEDMSG
    #: When it was received, by our clock: this orders messages.
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    #: What happened, if a reader understands messages of this kind.
    activity: "Activity | None" = None
    sentence: str = ""
    link: str = ""
    icon: str = ""
    #: Whether the sender is proven; messages from other sources than fedmsg need a proof of their own.
    authenticated: bool = True
    #: The hub that a webhook speaks for: nothing outside of it shows the message. None for all other ways.
    hub_id: int | None = None
    receipt: Receipt | None = field(default=None, compare=False, repr=False)
    name: str = field(init=False)
    category: str = field(init=False)

    def __post_init__(self) -> None:
        parts = self.topic.split(".")
        # org.fedoraproject.prod.bodhi.update.comment; io.pagure.prod.pagure.issue.new
        name = ".".join(parts[3:]) if len(parts) > 3 else self.topic
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "category", name.split(".", 1)[0][:64])
        if self.sent_at > self.received_at:
            object.__setattr__(self, "sent_at", self.received_at)

    @property
    def classified(self) -> bool:
        """Whether a message class listed users, packages and groups, so that nothing needs to be added."""
        return self.schema not in ("", "base.message")


def identity(msg_id: str) -> str:
    """Return the key of a message, which is the same for every source.

    fedmsg, and the bridges between it and AMQP, prepend a year to the UUID that AMQP and the history service use.
    """
    match = _IDENTITY.fullmatch(msg_id)
    return match[1].lower() if match else msg_id


def acknowledge(messages: Iterable[Message]) -> None:
    """Inform the sources of ``messages`` that these are committed, each source once."""
    tags: dict[Callable[[Sequence[int]], None], list[int]] = {}
    for message in messages:
        if message.receipt is not None:
            tags.setdefault(message.receipt.acknowledge, []).append(message.receipt.tag)
    for source, committed in tags.items():
        source(committed)


def content_id(*values: object) -> str:
    """Return an id for a message without one, derived from its content, so that copies of it are recognised."""
    text = json.dumps(values, sort_keys=True, default=str)
    return f"none-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:40]}"
