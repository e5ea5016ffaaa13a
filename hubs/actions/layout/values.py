"""What changed within a value, for the history of a hub: removed and added words, or lines of a long text."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from hubs.i18n import N_, _
from hubs.parameters.declaration import Parameter

#: Longest texts, in characters, that are compared word by word; longer ones are compared line by line.
_WORDS = 600
#: Most words or lines that are compared: the time grows with their square.
_COMPARED = 300
#: Most characters that are shown of a piece.
_SHOWN = 600
#: Unchanged characters that are shown beside a change.
_CONTEXT = 40
_SWITCH = {True: N_("Yes"), False: N_("No")}

Kind = Literal["same", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text that is in both versions, or in one of them."""

    kind: Kind
    text: str


def text_of(parameter: Parameter | None, value: Any) -> str:
    """Return a stored value as people read it, with the labels of choices in the current language."""
    if parameter is not None and value is None:
        value = parameter.default
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return _(_SWITCH[value])
    labels = {str(name): _(label) for name, label in parameter.choices} if parameter else {}
    if isinstance(value, list | tuple):
        return "\n".join(_row(item, labels) for item in value)
    return _row(value, labels)


def _row(value: Any, labels: dict[str, str]) -> str:
    if isinstance(value, dict):
        return " · ".join(str(text) for text in value.values() if text not in ("", None))
    if isinstance(value, list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return labels.get(str(value), str(value))


def pieces(before: str, after: str) -> list[Piece]:
    """Return the pieces that lead from one text to the other, in reading order; long unchanged parts are shortened."""
    if not before or not after:
        return list(_replaced(before, after))
    words = max(len(before), len(after)) <= _WORDS
    old, new = _split(before, words), _split(after, words)
    if max(len(old), len(new)) > _COMPARED:
        return list(_replaced(before, after))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if words and matcher.ratio() < 0.4:  # hardly a word in common: fragments would be harder to read
        return list(_replaced(before, after))
    parts: list[Piece] = []
    codes = matcher.get_opcodes()
    for number, (code, start, end, new_start, new_end) in enumerate(codes):
        if code == "equal":
            parts.append(Piece("same", _shortened("".join(old[start:end]), number > 0, number < len(codes) - 1)))
        else:
            parts.extend(_replaced("".join(old[start:end]), "".join(new[new_start:new_end])))
    return parts


def _split(text: str, words: bool) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text) if words else text.splitlines(keepends=True)


def _replaced(before: str, after: str) -> Iterator[Piece]:
    if before:
        yield Piece("removed", _cut(before))
    if after:
        yield Piece("added", _cut(after))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _shortened(text: str, follows: bool, precedes: bool) -> str:
    """Return an unchanged part without what is far from a change: ``follows`` one, or ``precedes`` one."""
    if len(text) <= 2 * _CONTEXT + 10:
        return text
    start = text[:_CONTEXT] if follows else ""
    return f"{start}…{text[-_CONTEXT:] if precedes else ''}"
