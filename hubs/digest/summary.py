"""Summaries of a span of time: what happened on which hub, in numbers. Data only; pages, JSON and mails render it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from hubs.activities.activity import Activity
from hubs.activities.sentences import label

#: Kinds of facts, the most telling first, and the verbs of the activities that each counts.
KINDS: Mapping[str, tuple[str, ...]] = {
    "joined": ("hub.member_added", "hub.owner_added"),
    "merged": ("pull.merged",),
    "closed": ("issue.closed", "bug.closed"),
    "opened": ("issue.opened", "bug.filed"),
    "updates": ("update.pushed_to_stable", "update.published"),
    "releases": ("release.published",),
    "meetings": ("meeting.finished",),
    "failed": ("build.failed", "compose.failed", "test.failed", "checks.failed"),
    "help": ("meeting.help",),
    "pulls": ("pull.opened",),
    "posts": ("post.published", "topic.opened"),
    "pages": ("wiki.edited",),
    "badges": ("badge.earned",),
    "built": ("build.complete",),
    "testing": ("update.submitted_to_testing", "update.pushed_to_testing"),
}
_KIND_OF = {verb: kind for kind, verbs in KINDS.items() for verb in verbs}
#: Most facts and people of a hub.
FACTS, PEOPLE = 15, 5


@dataclass(frozen=True)
class Happening:
    """One activity on a hub; ``names`` are the display names of its people, by account."""

    hub_id: int
    message_id: int
    at: datetime
    activity: Activity | None
    names: Mapping[str, str] = field(default_factory=dict)
    link: str = ""


@dataclass(frozen=True)
class Fact:
    """How many things of a kind there were. A single one has a title and a link as well."""

    kind: str
    count: int
    title: str = ""
    link: str = ""


@dataclass(frozen=True)
class HubSummary:
    """What happened on one hub: how much, the facts, the most active people, and counts of equal parts of the span."""

    hub_id: int
    total: int
    facts: tuple[Fact, ...]
    people: tuple[tuple[str, str], ...]
    series: tuple[int, ...]


@dataclass(frozen=True)
class Summary:
    """What happened in a span of time, the busiest hub first; ``complete`` is false if there was more than is read."""

    since: datetime
    until: datetime
    hubs: tuple[HubSummary, ...]
    complete: bool = True

    @property
    def total(self) -> int:
        """All activities; one that concerns several hubs counts on each."""
        return sum(hub.total for hub in self.hubs)

    def as_json(self) -> dict[str, Any]:
        """Return the summary as JSON-serialisable values."""
        hubs = [{**asdict(hub), "people": [name for name, _shown in hub.people]} for hub in self.hubs]
        span = {"since": self.since.isoformat(), "until": self.until.isoformat()}
        return {**span, "complete": self.complete, "total": self.total, "hubs": hubs}


def summarise(
    happenings: Iterable[Happening], since: datetime, until: datetime, *, complete: bool = True, parts: int = 7
) -> Summary:
    """Return the summary of the ``happenings`` within ``since`` and ``until``, each of which counts once per hub."""
    by_hub: dict[int, dict[int, Happening]] = {}
    for happening in happenings:
        if since <= happening.at < until:
            by_hub.setdefault(happening.hub_id, {}).setdefault(happening.message_id, happening)
    hubs = [_of_hub(hub_id, list(each.values()), since, until, parts) for hub_id, each in by_hub.items()]
    return Summary(since, until, tuple(sorted(hubs, key=lambda hub: (-hub.total, hub.hub_id))), complete)


def _of_hub(hub_id: int, happenings: Sequence[Happening], since: datetime, until: datetime, parts: int) -> HubSummary:
    series, activity_of = [0] * parts, dict[str, int]()
    names: dict[str, str] = {}
    for happening in happenings:
        series[min(int((happening.at - since) / (until - since) * parts), parts - 1)] += 1
        for account, name in happening.names.items():
            names[account] = name
            activity_of[account] = activity_of.get(account, 0) + 1
    busiest = sorted(activity_of, key=lambda account: (-activity_of[account], account))[:PEOPLE]
    people = tuple((account, names[account]) for account in busiest)
    return HubSummary(hub_id, len(happenings), _facts(happenings), people, tuple(series))


def _facts(happenings: Sequence[Happening]) -> tuple[Fact, ...]:
    """Return the facts in the order of `KINDS`: a thing that was closed twice counts once."""
    things: dict[str, dict[object, Happening]] = {}
    for happening in happenings:
        activity = happening.activity
        kind = _KIND_OF.get(activity.verb) if activity else None
        if activity and kind:
            things.setdefault(kind, {}).setdefault(_identity(kind, happening, activity), happening)
    facts = []
    for kind in KINDS:
        each = list(things.get(kind, {}).values())
        if len(each) == 1:
            facts.append(Fact(kind, 1, _title(kind, each[0]), each[0].link))
        elif each:
            facts.append(Fact(kind, len(each)))
    return tuple(facts[:FACTS])


def _identity(kind: str, happening: Happening, activity: Activity) -> object:
    if kind == "joined":
        return activity.target or activity.actor
    name = activity.thing.number or activity.thing.title or activity.thing.link
    return (activity.project, name) if name else happening.message_id


def _title(kind: str, happening: Happening) -> str:
    activity = happening.activity or Activity("")
    if kind == "joined":
        account = activity.target or activity.actor
        return happening.names.get(account, account)
    return label(activity)
