"""What the gallery shows in widgets whose content comes from other services: invented, and the same everywhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hubs.clients.badges import Badge, Earned
from hubs.clients.bodhi import Update
from hubs.clients.bugzilla import Bug
from hubs.clients.fedocal import Meeting
from hubs.clients.feeds import Entry, Feed
from hubs.clients.tickets import Ticket, Tickets
from hubs.models import now
from hubs.widgets.json import Table
from hubs.widgets.meetings import Agenda
from hubs.widgets.trackers import Found

_SITE = "https://example.org/"


@dataclass(frozen=True)
class Sample:
    """Settings of a widget, and what its cached functions return where it has content, and where it has none."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    live: Mapping[str, Any] = field(default_factory=dict)
    empty: Mapping[str, Any] = field(default_factory=dict)


def sample(plugin: str) -> Sample:
    """Return the sample of a widget; an empty one for what needs none, since it shows what is in the database."""
    return _SAMPLES[plugin](now()) if plugin in _SAMPLES else Sample()


def _badges(moment: datetime) -> Sample:
    told = [("Tide watcher", "S"), ("First lantern", "B"), ("Kettle keeper", "D")]
    badges = tuple(
        Badge(name, name, f"Earned as “{name}”.", _SITE, moment - timedelta(days=3 * place), rarity)
        for place, (name, rarity) in enumerate(told, 1)
    )
    live, empty = Earned(_SITE, 40, 9000, badges), Earned(_SITE, 9000, 9000, ())
    return Sample({"username": "ottoline"}, {"GetBadges": live}, {"GetBadges": empty})


def _updates(moment: datetime) -> Sample:
    ready = Update("FEDORA-1", "lantern-2.1-1", _SITE, "Fedora 44", 3, 0, 0, moment - timedelta(days=8), True)
    waits = Update("FEDORA-2", "kettle-0.9-2", _SITE, "Fedora 44", 1, 2, 4, moment - timedelta(days=3), False)
    return Sample({"username": "ottoline"}, {"GetUpdates": [ready, waits]}, {"GetUpdates": []})


def _reviews(moment: datetime) -> Sample:
    bug = Bug(7, "Review Request: lantern", _SITE, "NEW", "ottoline", "", moment - timedelta(days=9), moment)
    return Sample({"email": "ottoline@example.org"}, {"GetReviews": [bug]}, {"GetReviews": []})


def _meetings(moment: datetime) -> Sample:
    start = (moment + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    tides = Meeting("1", "Tide watch", "tides", start, start + timedelta(hours=1), "#tides", "", ("ottoline",), _SITE)
    live, empty = Agenda("tides", _SITE, (tides,)), Agenda("tides", _SITE, ())
    return Sample({"calendar": "tides"}, {"GetMeetings": live}, {"GetMeetings": empty})


def _tickets(function: str) -> Callable[[datetime], Sample]:
    def made(moment: datetime) -> Sample:
        tickets = (
            Ticket("tides/lamp", "12", "The lantern flickers", _SITE, "ottoline", moment - timedelta(hours=2)),
            Ticket("tides/lamp", "9", "Say when the kettle is hot", _SITE, "zenobia", moment, ("ottoline",)),
        )
        live, empty = (Found(Tickets(items, len(items)), frozenset(), {}) for items in (tickets, ()))
        return Sample({"project": "github:tides/lamp"}, {function: live}, {function: empty})

    return made


def _feed(moment: datetime) -> Sample:
    entries = tuple(
        Entry(title, _SITE, moment - timedelta(days=days), "Ottoline Brand")
        for days, title in enumerate(("High water at noon", "The lantern is lit again", "A new kettle"), 1)
    )
    live, empty = Feed("Tide news", _SITE, entries), Feed("Tide news", _SITE, ())
    return Sample({"url": _SITE}, {"GetFeed": live}, {"GetFeed": empty})


def _table(moment: datetime) -> Sample:
    titles = ("Lamp", "State")
    rows = ((("North", _SITE), ("lit", "")), (("South", _SITE), ("dark", "")))
    settings = {"url": _SITE, "columns": [{"title": title, "path": title.lower()} for title in titles]}
    return Sample(settings, {"GetTable": Table(titles, rows)}, {"GetTable": Table(titles, ())})


def _pushed(moment: datetime) -> Sample:
    fields = [{"name": "queue", "value": "3", "link": "", "severity": "good"}]
    texts = {"title": "All builds are good", "severity": "good", "text": "", "link": "", "link_text": ""}
    return Sample({}, {"GetContent": {**texts, "fields": fields, "pushed_at": moment}}, {"GetContent": None})


_SAMPLES: Mapping[str, Callable[[datetime], Sample]] = {
    "badges": _badges,
    "updates": _updates,
    "package_reviews": _reviews,
    "meetings": _meetings,
    "issues": _tickets("GetIssues"),
    "pulls": _tickets("GetPullRequests"),
    "rss": _feed,
    "json": _table,
    "push": _pushed,
    "karma": lambda moment: Sample({"username": "ottoline"}),
    "about": lambda moment: Sample({"text": "We watch the **tides** and keep the lanterns lit."}),
    "sticky": lambda moment: Sample({"text": "The kettle is hot."}),
    "library": lambda moment: Sample({"items": [{"title": "Tide tables", "link": _SITE, "note": "For this year."}]}),
}
