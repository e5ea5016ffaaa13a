"""Summaries of messages by their publisher's own class, for messages that no reader understands.

Publishers on AMQP ship a Python package with a class per kind of message, registered as an entry point under the name
that each message carries. Which of these packages are installed is up to the operator.
"""

import logging
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from hubs.bus import Message

log = logging.getLogger(__name__)

GROUP = "fedora.messages"
#: The class of messages without one of their own; its summary says nothing.
BASE = "base.message"
#: Longest sentence in characters.
LENGTH = 300


def describe(message: Message) -> dict[str, str]:
    """Return sentence and link of a message by its class, as far as it has them; never raises."""
    message_class = None if message.schema in ("", BASE) else _class(message.schema)
    if message_class is None:
        return {}
    try:
        instance = message_class(body=message.body, topic=message.topic)
        texts = {"sentence": _line(instance.summary), "link": _line(instance.url)}
    except Exception:  # the code of a publisher's package, on a body that anybody may have sent
        log.debug("the class of %s cannot describe %s", message.schema, message.topic, exc_info=True)
        return {}
    if not texts["link"].startswith(("https://", "http://")):
        del texts["link"]
    return {name: text for name, text in texts.items() if text}


def _line(value: object) -> str:
    """Return a text on one line; empty if it is none, or names a missing value."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "" if "None" in text.split() else text[:LENGTH]


@lru_cache(256)  # the senders of messages choose the names
def _class(schema: str) -> Any:
    entry_point = _entry_points().get(schema)
    if entry_point is None:
        return None
    try:
        return entry_point.load()
    except Exception:  # a broken package must not stop the daemon
        log.warning("the message class %s cannot be loaded", schema, exc_info=True)
        return None


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {entry_point.name: entry_point for entry_point in entry_points(group=GROUP)}
