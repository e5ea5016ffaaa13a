"""Grades of inactivity, which menus show beside idle hubs."""

from datetime import datetime

from hubs.models.base import now

#: Grades and the days of inactivity from which they apply.
GRADES = (("5years", 1826), ("2years", 731), ("year", 365), ("quarter", 91), ("month", 31), ("week", 7), ("day", 1))
#: Days without activity after which a hub is shown as idle.
IDLE_AFTER_DAYS = 31


def grade(last_activity: datetime | None) -> str:
    """Return the grade for a time of last activity; ``active`` within a day, ``never`` for None."""
    if last_activity is None:
        return "never"
    days = (now() - last_activity).days
    return next((name for name, start in GRADES if days >= start), "active")
