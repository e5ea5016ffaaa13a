"""Samples of widgets that read messages of the bus."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from hubs.activities.activity import Activity, Thing
from hubs.testing.samples.sample import SITE, Make, Sample
from hubs.widgets.builds.states import BUILDING, COMPLETE, COPR, FAILED, KOJI, Build
from hubs.widgets.feed.cards import Item
from hubs.widgets.halp.requests import Request
from hubs.widgets.karma.cookies import Cookies

#: Relative activity of each weekday, Monday first.
_WEEK = (6, 8, 7, 9, 5, 1, 2)
#: Categories of messages in a busy week, with their number.
_KINDS = {"pagure": 21, "buildsys": 13, "bodhi": 9, "irc": 8, "meetbot": 6, "wiki": 4, "fedbadges": 3, "mailman": 2}


def _feed(moment: datetime) -> Sample:
    ticket = Thing("issue", "The lantern flickers", "#12", f"{SITE}tides/lamp/12")
    activities = [
        (timedelta(minutes=4), "pagure", "zenobia", Activity("issue.commented", project="tides/lamp", thing=ticket)),
        (timedelta(minutes=50), "pagure", "ottoline", Activity("issue.opened", project="tides/lamp", thing=ticket)),
        (timedelta(hours=2), "buildsys", "isidor", _did("build.complete", "lantern-2.1-1.fc44")),
        (timedelta(hours=5), "bodhi", "mirabel", replace(_did("update.commented", "kettle-0.9-2.fc44"), detail="+1")),
        (timedelta(days=1), "meetbot", "ottoline", _did("meeting.finished", title="Tide watch")),
        (timedelta(days=1, hours=3), "wiki", "isidor", _did("wiki.edited", title="Tide tables")),
        (timedelta(days=2), "badges", "zenobia", _did("badge.earned", title="First lantern")),
    ]
    items = [
        Item(
            len(activities) - place,
            category,
            "",
            activity.thing.link,
            moment - ago,
            moment - ago,
            {name: name.title()},
            replace(activity, actor=name),
        )
        for place, (ago, category, name, activity) in enumerate(activities)
    ]
    return Sample({}, {"GetItems": items}, {"GetItems": []})


def _did(verb: str, number: str = "", title: str = "") -> Activity:
    return Activity(verb, thing=Thing(number=number, title=title, link=f"{SITE}{verb}"))


def _activity(moment: datetime) -> Sample:
    this = _monday(moment.date())
    weeks = {this - timedelta(weeks=ago): ago for ago in reversed(range(12))}
    live = {
        week: Counter({kind: most * _swell(ago * 5 + place) // 8 for place, (kind, most) in enumerate(_KINDS.items())})
        for week, ago in weeks.items()
    }
    return Sample({}, {"CountWeeks": live}, {"CountWeeks": {week: Counter() for week in weeks}})


def _heatmap(moment: datetime) -> Sample:
    today = moment.date()
    start = _monday(today - timedelta(days=365))
    days = [start + timedelta(days=number) for number in range((today - start).days + 1)]
    live = {day: _WEEK[day.weekday()] * _swell(number) // 5 for number, day in enumerate(days)}
    return Sample({}, {"CountDays": live}, {"CountDays": dict.fromkeys(days, 0)})


def _builds(moment: datetime) -> Sample:
    parts = {"fedora-44-x86_64": FAILED, "fedora-44-aarch64": COMPLETE}
    builds = [
        Build(KOJI, 3, "lantern-2.1-1.fc44", BUILDING, moment - timedelta(minutes=6), "isidor", f"{SITE}build/3"),
        Build(COPR, 2, "tide-tables-7", FAILED, moment - timedelta(hours=3), "ottoline", f"{SITE}build/2", parts),
        Build(KOJI, 1, "kettle-0.9-2.fc44", COMPLETE, moment - timedelta(days=1), "mirabel", f"{SITE}build/1"),
    ]
    no_answer: tuple[list[Build], dict[str, str]] = ([], {})
    return Sample({}, {"GetBuilds": builds, "AskServices": no_answer}, {"GetBuilds": [], "AskServices": no_answer})


def _halp(moment: datetime) -> Sample:
    lines = [
        (timedelta(hours=20), "Somebody who can draw a better lantern for the front page", "ottoline"),
        (timedelta(hours=20, minutes=9), "Testers for kettle 0.9 on aarch64", "mirabel"),
        (timedelta(days=8), "A second pair of eyes on the tide tables for next year", "isidor"),
    ]
    requests = [
        Request(len(lines) - place, line, nick, "Tide watch", "#tides", f"{SITE}log/{place}", moment - ago)
        for place, (ago, line, nick) in enumerate(lines)
    ]
    return Sample({}, {"GetRequests": (requests, [])}, {"GetRequests": ([], [])})


def _karma(moment: datetime) -> Sample:
    first, newest = moment - timedelta(days=400), moment - timedelta(hours=9)
    live = Cookies(12, 31, first, newest, 47, [("zenobia", 5), ("isidor", 3), ("mirabel", 1)])
    return Sample({"username": "ottoline"}, {"CountCookies": live}, {"CountCookies": Cookies(0, 0, None, None, None)})


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _swell(number: int) -> int:
    """Return a pseudo-random number from 0 to 11 that is the same every time."""
    return (number**3 + number**2 * 37) % 101 // 9


SAMPLES: Mapping[str, Make] = {
    "feed": _feed,
    "activity": _activity,
    "heatmap": _heatmap,
    "builds": _builds,
    "halp": _halp,
    "karma": _karma,
}
