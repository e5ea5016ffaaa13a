"""How long nothing happened on a hub, in the grades that menus show."""

from datetime import datetime

from hubs.models.base import now

#: Grades and the days from which they hold.
GRADES = (("5years", 1826), ("2years", 731), ("year", 365), ("quarter", 91), ("month", 31), ("week", 7), ("day", 1))
#: Days after which a hub says that it is idle.
IDLE_AFTER_DAYS = 31


def grade(last_activity: datetime | None) -> str:
    """Return the grade of a hub whose last activity was then; ``active`` within a day, ``never`` for none."""
    if last_activity is None:
        return "never"
    days = (now() - last_activity).days
    return next((name for name, start in GRADES if days >= start), "active")
