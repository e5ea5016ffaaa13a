"""Samples of widgets that query upstream services."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from hubs.clients import packager
from hubs.clients.anitya import Release
from hubs.clients.badges import Badge, Earned
from hubs.clients.bodhi import Update
from hubs.clients.bugzilla import Bug
from hubs.clients.community.discourse import Topic, Topics
from hubs.clients.community.matrix import Room
from hubs.clients.community.statuspage import Outage, Status
from hubs.clients.community.weblate import Language, Progress
from hubs.clients.fedocal import Meeting
from hubs.clients.feeds import Entry, Feed
from hubs.clients.forges.checks import FAILED, PASSED, Check, checked
from hubs.clients.forges.tickets import Ticket, Tickets
from hubs.clients.packager import Dashboard, Item
from hubs.testing.samples.sample import SITE, Make, Sample
from hubs.widgets.ci import Branch, Results
from hubs.widgets.json import Table
from hubs.widgets.meetings import Agenda
from hubs.widgets.releases import Versions
from hubs.widgets.shared.closed import Closed
from hubs.widgets.shared.trackers import TrackerTickets
from hubs.widgets.tasks import OpenTasks


def _badges(moment: datetime) -> Sample:
    names = [("Tide watcher", "S"), ("First lantern", "B"), ("Kettle keeper", "D")]
    badges = tuple(
        Badge(name, name, f"Earned as “{name}”.", SITE, moment - timedelta(days=3 * place), rarity)
        for place, (name, rarity) in enumerate(names, 1)
    )
    live, empty = Earned(SITE, 40, 9000, badges), Earned(SITE, 9000, 9000, ())
    return Sample({"username": "ottoline"}, {"GetBadges": live}, {"GetBadges": empty})


def _updates(moment: datetime) -> Sample:
    ready = Update("FEDORA-1", "lantern-2.1-1", SITE, "Fedora 44", 3, 0, 0, moment - timedelta(days=8), True)
    waits = Update("FEDORA-2", "kettle-0.9-2", SITE, "Fedora 44", 1, 2, 4, moment - timedelta(days=3), False)
    return Sample({"username": "ottoline"}, {"GetUpdates": [ready, waits]}, {"GetUpdates": []})


def _reviews(moment: datetime) -> Sample:
    bug = Bug(7, "Review Request: lantern", SITE, "NEW", "ottoline", "", moment - timedelta(days=9), moment)
    return Sample({"email": "ottoline@example.org"}, {"GetReviews": [bug]}, {"GetReviews": []})


def _packager(moment: datetime) -> Sample:
    figures = (
        (packager.AFFECTED, "kettle", "", "", "libwick", 9),
        (packager.BUILD, "kettle", "", "Fedora Rawhide", "", 30),
        (packager.URGENT, "lantern", "The lantern reads files beyond its folder", "Fedora 44", "NEW", 4),
        (packager.PULL, "lantern", "Build with the system's wick", "Fedora Rawhide", "zenobia", 6),
        (packager.UPDATE, "lantern", "lantern-2.0-3.fc44", "Fedora 44", "testing", 2),
        (packager.BUG, "kettle", "Say when the kettle is hot", "Fedora", "ASSIGNED", 60),
    )
    items = tuple(
        Item(kind, package, title, SITE, release, detail, moment - timedelta(days=days))
        for kind, package, title, release, detail, days in figures
    )
    live, empty = Dashboard(items, len(items), 2, SITE), Dashboard((), 0, 2, SITE)
    return Sample({"username": "ottoline"}, {"GetDashboard": live}, {"GetDashboard": empty})


def _meetings(moment: datetime) -> Sample:
    start = (moment + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    tides = Meeting("1", "Tide watch", "tides", start, start + timedelta(hours=1), "#tides", "", ("ottoline",), SITE)
    live, empty = Agenda("tides", SITE, (tides,)), Agenda("tides", SITE, ())
    return Sample({"calendar": "tides"}, {"GetMeetings": live}, {"GetMeetings": empty})


def _topics(moment: datetime) -> Sample:
    titles = (("How do I trim a lamp?", True), ("Who watches the tide on Friday?", False))
    topics = tuple(
        Topic(n, title, SITE, 4 * n, "zenobia", moment - timedelta(hours=n), ("harbour",), False, solved)
        for n, (title, solved) in enumerate(titles, 1)
    )
    live, empty = Topics(topics, SITE), Topics((), SITE)
    return Sample({"address": f"{SITE}/tag/harbour"}, {"GetTopics": live}, {"GetTopics": empty})


def _progress(moment: datetime) -> Sample:
    figures = (("fa", "Persian", 480, 0), ("de", "German", 412, 24), ("pt_BR", "Portuguese (Brazil)", 96, 60))
    languages = tuple(Language(code, name, 480, done, fuzzy, SITE) for code, name, done, fuzzy in figures)
    live, empty = Progress(languages, SITE), Progress((), SITE)
    return Sample({"address": f"{SITE}/projects/tides/"}, {"GetProgress": live}, {"GetProgress": empty})


def _outages(moment: datetime) -> Sample:
    start = (moment + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    current = Outage("The lighthouse is dark", SITE, moment - timedelta(hours=2), None, False)
    planned = Outage("New oil for all lamps", SITE, start, start + timedelta(hours=3), True)
    return Sample({}, {"GetStatus": Status((current, planned), SITE)}, {"GetStatus": Status((), SITE)})


def _room(moment: datetime) -> Sample:
    alias, topic = "#tides:example.org", "High water, low water, and tea in between"
    live, empty = Room(alias, "Tide watch", topic, 42, False), Room(alias, alias, "", 0, False)
    return Sample({"room": alias}, {"GetRoom": live}, {"GetRoom": empty})


def _tickets(function: str, **more: object) -> Make:
    def sample(moment: datetime) -> Sample:
        tickets = (
            Ticket("tides/lamp", "12", "The lantern flickers", SITE, "ottoline", moment - timedelta(hours=2)),
            Ticket("tides/lamp", "9", "Say when the kettle is hot", SITE, "zenobia", moment, ("ottoline",)),
        )
        live, empty = (TrackerTickets(Tickets(items, len(items)), frozenset(), {}) for items in (tickets, ()))
        return Sample({"project": "github:tides/lamp"}, {function: live, **more}, {function: empty, **more})

    return sample


def _checks(moment: datetime) -> Sample:
    lamp = checked(
        "3f1c9a77d2",
        [
            Check("unit tests", FAILED, SITE, moment - timedelta(minutes=20)),
            Check("documentation", PASSED, SITE, moment - timedelta(minutes=24)),
        ],
    )
    kettle = checked("a4410be913", [Check("#48 push", PASSED, SITE, moment - timedelta(hours=7))])
    branches = (Branch("tides/lamp", "main", lamp), Branch("git.example.org/kettles/kettle", "stable", kettle))
    none = Results((Branch("tides/lamp", "main", checked("", ())),), {})
    projects = {"projects": [{"project": "github:tides/lamp", "branch": ""}]}
    return Sample(projects, {"GetChecks": Results(branches, {})}, {"GetChecks": none})


def _releases(moment: datetime) -> Sample:
    releases = (
        Release("lantern", "pypi", "2.0", "2.1rc1", SITE, moment - timedelta(hours=9)),
        Release("kettle", "", "0.9.3", "", SITE, moment - timedelta(days=12)),
    )
    projects = {"projects": [{"name": "lantern"}, {"name": "kettle"}]}
    return Sample(projects, {"GetReleases": Versions(releases)}, {"GetReleases": Versions(())})


def _tasks(moment: datetime) -> Sample:
    tickets = (
        Ticket("tides/lamp", "12", "The lantern flickers", SITE, "ottoline", moment - timedelta(hours=2)),
        Ticket("kettles/kettle", "9", "Say when the kettle is hot", SITE, "zenobia", moment - timedelta(days=3)),
    )
    live, empty = (OpenTasks(Tickets(items, len(items)), {}) for items in (tickets, ()))
    projects = {"projects": [{"project": "github:tides/lamp"}, {"project": "gitlab:git.example.org/kettles"}]}
    return Sample(projects, {"GetTasks": live}, {"GetTasks": empty})


def _feed(moment: datetime) -> Sample:
    entries = tuple(
        Entry(title, SITE, moment - timedelta(days=days), "Ottoline Brand")
        for days, title in enumerate(("High water at noon", "The lantern is lit again", "A new kettle"), 1)
    )
    live, empty = Feed("Tide news", SITE, entries), Feed("Tide news", SITE, ())
    return Sample({"url": SITE}, {"GetFeed": live}, {"GetFeed": empty})


def _table(moment: datetime) -> Sample:
    titles = ("Lamp", "State")
    rows = ((("North", SITE), ("lit", "")), (("South", SITE), ("dark", "")))
    settings = {"url": SITE, "columns": [{"title": title, "path": title.lower()} for title in titles]}
    return Sample(settings, {"GetTable": Table(titles, rows)}, {"GetTable": Table(titles, ())})


SAMPLES: Mapping[str, Make] = {
    "badges": _badges,
    "updates": _updates,
    "package_reviews": _reviews,
    "packager": _packager,
    "meetings": _meetings,
    "discourse": _topics,
    "weblate": _progress,
    "matrix": _room,
    "outages": _outages,
    "issues": _tickets("GetIssues", CountClosed=Closed((1, 0, 2, 1, 0, 0, 1, 3, 1, 0, 2, 1, 0, 4))),
    "pulls": _tickets("GetPullRequests"),
    "tasks": _tasks,
    "ci": _checks,
    "releases": _releases,
    "rss": _feed,
    "json": _table,
}
