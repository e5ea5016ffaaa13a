"""The text of iCalendar files (RFC 5545), taken apart into components before any of them is parsed.

A component that a program wrote badly then costs only itself.
"""

import re
from dataclasses import dataclass, field

#: Longest component in characters; a longer one counts as broken.
LONGEST = 60_000
_FOLD = re.compile(r"\r?\n[ \t]")
#: A property with its parameters, whose quoted values may contain colons.
_PROPERTY = re.compile(r'^([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"\n]*"|[^":;\n]*))*):(.*)$', re.MULTILINE)


@dataclass
class CalendarText:
    """The parts of a file: properties of the calendar, and the unfolded texts of its time zones and events.

    ``broken`` counts events that have no end, or are too long.
    """

    properties: dict[str, str] = field(default_factory=dict)
    zones: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    broken: int = 0


def split(text: str, is_cut: bool = False) -> CalendarText | None:
    """Return the parts of a file, or None if it is no calendar; with ``is_cut`` its end is missing."""
    lines = _FOLD.sub("", text.lstrip("\ufeff \r\n\t")).splitlines()
    if not lines or lines[0].strip().upper() != "BEGIN:VCALENDAR":
        return None
    parts = CalendarText()
    component: list[str] = []
    for line in lines[1:]:
        mark = line.strip().upper()
        if mark in ("BEGIN:VEVENT", "BEGIN:VTIMEZONE", "BEGIN:VTODO", "BEGIN:VJOURNAL", "BEGIN:VFREEBUSY"):
            # Components of a calendar are not nested, so the previous one has no end.
            parts.broken += bool(component) and component[0].upper().endswith("VEVENT")
            component = [line.strip()]
        elif component:
            component.append(line)
            if mark == f"END:{component[0][6:].upper()}":
                _add(parts, "\n".join(component))
                component = []
        else:
            name, _colon, value = line.partition(":")
            parts.properties.setdefault(name.partition(";")[0].upper(), value.strip())
    parts.broken += bool(component) and not is_cut and component[0].upper().endswith("VEVENT")
    return parts


def value(component: str, name: str) -> str:
    """Return the value of the first property called ``name`` of a component itself, or an empty text."""
    own = component[len("BEGIN:") :].partition("\nBEGIN:")[0]
    return next((match[3].strip() for match in _PROPERTY.finditer(own) if match[1].upper() == name), "")


def _add(parts: CalendarText, component: str) -> None:
    kind = component.partition("\n")[0].upper()
    if len(component) > LONGEST:
        parts.broken += kind == "BEGIN:VEVENT"
    elif kind == "BEGIN:VEVENT":
        parts.events.append(component)
    elif kind == "BEGIN:VTIMEZONE":
        parts.zones.append(component)
