"""Odd variants of an iCalendar file: each still holds all events of the original, which must all be shown."""

import re
from collections.abc import Callable, Mapping

_EVENT = re.compile(r"BEGIN:VEVENT\n.*?END:VEVENT\n", re.DOTALL)
_ODD = ("", "x" * 5000, "99999999T999999Z", '"', "FREQ=SECONDLY", "\x00")
MANY = 10_000


def _with(text: str, *events: str) -> str:
    return text.replace("END:VCALENDAR\n", "".join(events) + "END:VCALENDAR\n")


def _lines(text: str) -> list[tuple[str, list[str]]]:
    """Return each event under another identifier, with its lines."""
    events = (f"{event.replace('UID:', 'UID:other-')}" for event in _EVENT.findall(text))
    return [(event, event.splitlines()[1:-1]) for event in events]


def _missing_fields(text: str) -> str:
    return _with(text, *(event.replace(f"{line}\n", "", 1) for event, lines in _lines(text) for line in lines))


def _odd_fields(text: str) -> str:
    changed = (
        event.replace(line, f"{line.partition(':')[0]}:{odd}", 1)
        for event, lines in _lines(text)
        for line in lines
        if not line.startswith(("BEGIN", "END", "UID"))
        for odd in _ODD
    )
    return _with(text, *changed)


def _odd_events(text: str) -> str:
    odd = (
        "BEGIN:VEVENT\nEND:VEVENT\n",
        "nonsense\n",
        ":\n",
        "BEGIN:VTODO\nUID:1\nEND:VTODO\n",
        "BEGIN:VEVENT\nUID:2\n",
    )
    return _with("".join((text.partition("BEGIN:VTIMEZONE")[0], *odd, text[text.index("BEGIN:VTIMEZONE") :])), *odd)


def _many(text: str) -> str:
    return _with(text, *(f"BEGIN:VEVENT\nUID:{n}\nDTSTART:19990101T{n:06d}Z\nEND:VEVENT\n" for n in range(MANY)))


VARIANTS: Mapping[str, Callable[[str], str]] = {
    "as documented": lambda text: text.replace("\n", "\r\n"),
    "bare line feeds": lambda text: text,
    "byte order mark": lambda text: "\ufeff\r\n" + text,
    "folded": lambda text: re.sub(r"(.{30})(?=.)", "\\1\r\n ", text),
    "lower case": lambda text: re.sub(r"^[A-Z-]+(?=[;:])", lambda match: match[0].lower(), text, flags=re.MULTILINE),
    "missing fields": _missing_fields,
    "odd fields": _odd_fields,
    "odd events": _odd_events,
    "10,000 items": _many,
    "without an end": lambda text: text.replace("END:VCALENDAR\n", ""),
}
