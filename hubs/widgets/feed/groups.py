"""Groups messages that belong together: a person's about one thing, or of one verb, within an hour of each other."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from hubs.activities.sentences import Part, group_parts, has_many
from hubs.widgets.feed import kinds
from hubs.widgets.feed.cards import Item

#: Longest pause between two messages of a group.
APART = timedelta(hours=1)


@dataclass(slots=True)
class Group:
    """One line of a feed: a message, or several that belong together, newest first."""

    items: list[Item] = field(default_factory=list)
    #: Whether they are about one thing; else they have one verb.
    same_thing: bool = True

    @property
    def newest(self) -> Item:
        """The newest message."""
        return self.items[0]

    @property
    def key(self) -> int:
        """The id of the oldest message, which stays the same while newer ones join the group."""
        return self.items[-1].id

    @property
    def icon(self) -> str:
        """The icon of the newest message."""
        return kinds.icon(self.newest)

    @property
    def failed(self) -> bool:
        """Whether the newest message reports a failure."""
        return kinds.is_failure(self.newest)

    @property
    def place(self) -> str:
        """Where it happened, if that is the same for all of them."""
        places = {item.place for item in self.items}
        return places.pop() if len(places) == 1 else ""

    def parts(self, you: str = "") -> list[Part]:
        """Return the short sentence about all of them, or else about the newest."""
        newest, verbs = self.newest, {item.activity.verb if item.activity else "" for item in self.items}
        if newest.activity and len(self.items) > 1 and len(verbs) == 1:
            number = len(self.items)
            if counted := group_parts(newest.activity, number, newest.names, you, same_thing=self.same_thing):
                return counted
        return newest.parts(you, short=True)


Key = Callable[[Item], Hashable | None]


def grouped(items: Iterable[Item]) -> list[Group]:
    """Group messages (newest first). A group takes the place of its newest message."""
    groups = _joined(([item] for item in items), _same_thing)
    lines = _joined(groups, _same_verb)
    return [Group(line, same_thing=_are_same_thing(line)) for line in lines]


def _joined(runs: Iterable[Sequence[Item]], key_of: Key) -> list[list[Item]]:
    """Join runs with the same key, unless the pause between them is too long or their key is None."""
    joined: list[list[Item]] = []
    open_runs: dict[Hashable, list[Item]] = {}
    for run in runs:
        key = key_of(run[0]) if len(run) == 1 else None
        earlier = open_runs.get(key) if key is not None else None
        if earlier is not None and earlier[-1].received_at - run[0].received_at <= APART:
            earlier.extend(run)
            continue
        joined.append(list(run))
        if key is not None:
            open_runs[key] = joined[-1]
    return joined


def _same_thing(item: Item) -> Hashable | None:
    activity = item.activity
    if activity is None:
        return ("", item.people, item.link or item.fallback, item.category)
    thing, family = activity.thing, activity.verb.partition(".")[0]
    name = thing.number or thing.title or thing.link or (activity.project and family)
    return (activity.actor, family, activity.project, name, activity.target) if name else None


def _are_same_thing(items: Iterable[Item]) -> bool:
    keys = {_same_thing(item) for item in items}
    return len(keys) == 1 and None not in keys


def _same_verb(item: Item) -> Hashable | None:
    activity = item.activity
    if activity is None or not activity.actor or not has_many(activity.verb):
        return None
    return (activity.actor, activity.verb)


def by_day(groups: Iterable[Group]) -> Iterator[tuple[str, list[Group]]]:
    """Yield groups by the day of their newest message in UTC; pages with scripts show the viewer's days instead."""
    day, lines = "", list[Group]()
    for group in groups:
        received = group.newest.received_at.date().isoformat()
        if received != day and lines:
            yield day, lines
            lines = []
        day = received
        lines.append(group)
    if lines:
        yield day, lines
