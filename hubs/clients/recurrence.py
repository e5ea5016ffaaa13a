"""Which recurrence rules are expanded, and the time zones that a calendar defines by such rules.

A rule is a small program that a stranger wrote: one that occurs each second, or that can never be met, would keep a
processor busy for minutes.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from icalendar import Component, Timezone
from icalendar.timezone import tzp

#: Most days, times the occurrences of each, from the start of a rule to the end of what is read of it.
STEPS = 200_000
#: Longest meeting that recurs, and how far an exception may move: both widen the span in which a rule is expanded.
LONGEST, FARTHEST = timedelta(days=32), timedelta(days=366)
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TIMES = ("DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE")
_TZID = re.compile(r"^TZID(?=[;:])", re.MULTILINE | re.IGNORECASE)


def is_affordable(component: Component, end: date) -> bool:
    """Return whether the recurrence of a component can be expanded up to ``end`` in little time."""
    rules, start = values(component, "RRULE"), _day(component, "DTSTART")
    moved_from = _day(component, "RECURRENCE-ID")
    if start is None or (moved_from and abs(moved_from - start) > FARTHEST):
        return False
    if not rules:
        return True
    last = _day(component, "DTEND") or start
    return last - start <= LONGEST and len(rules) <= 2 and all(_is_good(rule, start, end) for rule in rules)


def defined_zones(texts: Sequence[str], end: date) -> dict[str, tzinfo]:
    """Return the time zones that a calendar defines under names that are not public, by these names.

    They are kept out of the library's cache: two calendars may call different zones "Custom".
    """
    zones: dict[str, tzinfo] = {}
    for text in texts[:100]:
        try:
            # Under its own name the library would remember the zone for all calendars.
            component = Timezone.from_ical(_TZID.sub("X-TZID", text))
            name = str(component["X-TZID"])
            if tzp.timezone(name) is None and all(is_affordable(part, end) for part in component.subcomponents):
                component["TZID"] = component.pop("X-TZID")
                zones[name] = tzp.create_timezone(component)
        except Exception:  # noqa: S112 - the library raises many kinds of errors about odd definitions
            continue
    return zones


def localise(event: Component, zones: Mapping[str, tzinfo], floating: tzinfo) -> None:
    """Give the times of an event their zones: those of the calendar, and ``floating`` where none is named."""
    for name in _TIMES:
        for prop in values(event, name):
            zone = zones.get(str(getattr(prop, "params", {}).get("TZID", "")), floating)
            for entry in getattr(prop, "dts", [prop]):
                if isinstance(entry.dt, datetime) and entry.dt.tzinfo is None:
                    entry.dt = entry.dt.replace(tzinfo=zone)


def values(component: Component, name: str) -> list[Any]:
    """Return all values of a property, which the library stores alone or in a list."""
    value = component.get(name, [])
    return value if isinstance(value, list) else [value]


def moment(component: Component, name: str) -> date | None:
    """Return the day, or the time, that a property holds; None if there is none."""
    value = getattr(component.get(name), "dt", None)
    return value if isinstance(value, date) else None


def _day(component: Component, name: str) -> date | None:
    value = moment(component, name)
    return value.date() if isinstance(value, datetime) else value


def _is_good(rule: Mapping[str, Sequence[Any]], start: date, end: date) -> bool:
    frequency = str(next(iter(rule.get("FREQ", ())), "")).upper()
    per_day = 1
    for part in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        per_day *= len(rule.get(part, ())) or 1
    return (
        frequency in _FREQUENCIES
        and (end - start).days * per_day <= STEPS
        and _has_days(rule.get("BYMONTH", ()), rule.get("BYMONTHDAY", ()))
        # A rule that is never met is expanded until the year 9999, which takes half a minute day by day.
        and not (frequency in ("DAILY", "WEEKLY") and rule.keys() & {"BYSETPOS", "BYYEARDAY", "BYWEEKNO"})
    )


def _has_days(months: Sequence[Any], days: Sequence[Any]) -> bool:
    longest = max((_DAYS_OF_MONTH[int(month) - 1] for month in months if 1 <= int(month) <= 12), default=31)
    return not days or any(1 <= abs(int(day)) <= longest for day in days)
