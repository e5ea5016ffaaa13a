"""The messages that make a cached function stale, as a declaration that checks itself.

A mistake in `interests()` would otherwise pass silently: the index would file the widget under a key that no message
has, and the widget would never be rebuilt. So a declaration that cannot match is an error that says what to write.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from hubs.activities import table

#: The beginning of a message's name, in whole parts.
_TOPIC = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
#: A whole topic, with the prefix and the environment that are not part of the name.
_WHOLE_TOPIC = re.compile(r"\w+\.\w+(?:-\w+)*\.(?:dev|stg|prod)\.(.+)")


@dataclass(frozen=True, slots=True)
class Interest:
    """Messages that make a cached function stale: of one of ``topics``, about one thing.

    A topic is the beginning of a message's name, in whole parts (``pagure.issue`` matches ``pagure.issue.new``), or
    ``*``. ``kind`` is ``user`` (the message names this person), ``package``, ``team`` (it names a member of the hub
    with this id), ``hub`` (it is about the hub with this id), ``project`` (``github:owner/name``,
    ``pagure:namespace/name``, ``forgejo:host/owner/name``, ``forgejo:host/owner``, ``bugzilla:product/component``,
    ``anitya:name``, ``weblate:project/component``, or a list on Discourse: ``discourse:host``, ``discourse:host/c/5``,
    ``discourse:host/tag/docs``), ``account`` (an issue or a pull request of this person there: ``github:login``),
    ``calendar`` (by name), or ``any``, which takes no value.
    Projects, accounts and calendars are written in lower case.

    :raises ValueError: if no message can match; the text says what to write instead.
    """

    topics: tuple[str, ...]
    kind: str
    value: str = ""

    def __post_init__(self) -> None:
        topics: Any = self.topics
        if isinstance(topics, str) or not isinstance(topics, Iterable):
            raise ValueError(f"the topics of an Interest are a tuple: write ({topics!r},) with a comma")
        if type(topics) is not tuple:  # the index uses them as a key
            object.__setattr__(self, "topics", tuple(topics))
        _check_topics(self.topics)
        check = _KINDS.get(self.kind)
        if check is None:
            raise ValueError(f"an Interest has no kind {self.kind!r}; {_hint(self.kind, _KINDS)}")
        value: Any = self.value
        if not isinstance(value, str):
            raise ValueError(f"the value of an Interest is a text: write str({value!r})")
        if problem := check(value):
            raise ValueError(f"an Interest of the kind {self.kind!r} {problem}, not {self.value!r}")


def misspelt_topics(interests: Iterable[Interest]) -> list[str]:
    """Return a sentence for each topic whose first part resembles a known family but is none.

    Only for the author's tools: on an instance, a family without a reader is no mistake.
    """
    families = {topic.partition(".")[0] for interest in interests for topic in interest.topics if topic != "*"}
    return [
        f"no known message begins with {family!r}; did you mean {close[0]!r}?"
        for family in sorted(families - set(table.READERS))
        if (close := get_close_matches(family, table.READERS, n=1, cutoff=0.75))
    ]


@lru_cache(4096)
def _check_topics(topics: tuple[str, ...]) -> None:
    if not topics:
        raise ValueError('an Interest needs topics; write ("*",) for messages of any topic')
    for topic in topics:
        if topic == "*":
            continue
        if not isinstance(topic, str) or not _TOPIC.fullmatch(topic):
            hint = topic.rstrip(".*#") if isinstance(topic, str) else ""
            raise ValueError(f"{topic!r} is not the beginning of a topic; write {hint or 'pagure.issue'!r} or '*'")
        if whole := _WHOLE_TOPIC.fullmatch(topic):
            raise ValueError(f"{topic!r} has a prefix and an environment; write only {whole[1]!r}")


def _hint(kind: str, known: Iterable[str]) -> str:
    close = get_close_matches(str(kind), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(known)}"


def _nothing(value: str) -> str:
    return "takes no value" if value else ""


def _text(value: str) -> str:
    return "" if value.strip() else "needs a value"


def _number(value: str) -> str:
    return "" if value.isascii() and value.isdigit() else "needs the id of a hub"


def _lower(value: str) -> str:
    return _text(value) or ("" if value == value.lower() else f"is written in lower case: {value.lower()!r}")


def _project(value: str) -> str:
    forge, _colon, path = value.partition(":")
    if not (forge and path.strip("/") and "/" not in forge):
        return "needs a forge and a path, such as 'github:owner/name'"
    return _lower(value)


def _account(value: str) -> str:
    forge, _colon, name = value.partition(":")
    return _lower(value) if forge and name else "needs a forge and a name, such as 'github:login'"


#: The check of the value for each kind; it returns what is wrong, or an empty text.
_KINDS: dict[str, Callable[[str], str]] = {
    "user": _text,
    "package": _text,
    "team": _number,
    "hub": _number,
    "project": _project,
    "account": _account,
    "calendar": _lower,
    "any": _nothing,
}
