"""Events for browsers: their wire format, and the names of channels and scopes."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One event as the log holds it; ``data`` is JSON text on one line, ``channel`` is where it was published."""

    id: str
    type: str
    data: str
    channel: str = ""


class ReplayUnavailable(Exception):
    """The log cannot replay what a reader missed; the text is the reason that ``reset`` carries."""


def hub_channel(hub_id: int, audience: str, locale: str) -> str:
    """Return the channel of a hub for the fragments that ``audience`` may see, in one language.

    ``audience`` is a `hubs.models.Visibility`. Readers of a narrower audience subscribe to the wider ones as well.
    """
    return f"hub:{hub_id}:{audience}:{locale}"


def user_channel(user_id: int) -> str:
    """Return the channel of one person."""
    return f"user:{user_id}"


def hub_scope(channel: str) -> str:
    """Return the scope that covers all channels of the hub of ``channel``: ``hub:<id>``; empty for other channels."""
    space, _, rest = channel.partition(":")
    return f"hub:{rest.partition(':')[0]}" if space == "hub" else ""


def session_scope(digest: str) -> str:
    """Return the scope of the tokens of one browser, given the fingerprint of its session's key."""
    return f"session:{digest[:32]}"


def encode(event: Event) -> bytes:
    """Return the event in the format of ``text/event-stream``.

    The field ``channel`` is ours, for clients that read one stream for several pages; others ignore unknown fields.
    """
    head = (f"id: {event.id}\n" if event.id else "") + (f"channel: {event.channel}\n" if event.channel else "")
    return f"{head}event: {event.type}\ndata: {event.data}\n\n".encode()


def decode(payload: bytes | str, channel: str = "") -> Event:
    """Decode an event as Redis delivers it (the format that flask-sse publishes).

    :raises ValueError: when it is not an event.
    """
    fields = json.loads(payload)
    if not isinstance(fields, dict) or not isinstance(fields.get("data"), str):
        raise ValueError("not an event")
    if any("\n" in str(fields.get(name, "")) or "\r" in str(fields.get(name, "")) for name in ("id", "type", "data")):
        raise ValueError("a line break would let an event forge another")
    return Event(str(fields.get("id", "")), str(fields.get("type", "message")), fields["data"], channel)


def reset(reason: str) -> Event:
    """Return the event that makes a page reload its content."""
    return Event("", "reset", json.dumps({"reason": reason}))


def number_of(event_id: str) -> int:
    """Return the number in an event's id; 0 where there is none."""
    number = event_id.rpartition("-")[2]
    return int(number) if number.isdigit() else 0
