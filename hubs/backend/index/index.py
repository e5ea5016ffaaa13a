"""Which widgets a message touches: an inverted index, so that the cost depends on what the message names.

The index follows the tables hub by hub: a change on a hub moves its ``updated_on``, and the hub is read again. Lookups
need no lock and no I/O: a list only grows in place; one that gets shorter is replaced.
"""

import logging
import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hubs import urls
from hubs.backend.index import postings
from hubs.backend.index.people import aliases_of, members_of
from hubs.backend.index.subjects import subjects
from hubs.bus import MODULE, Message
from hubs.errors import NeedsSetup
from hubs.models import Hub
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.registry import Registry

log = logging.getLogger(__name__)

# Entries are packed integers: topic-set id | has-filter flag | function index | widget id.
_WIDGET_BITS, _FUNCTION_BITS = 40, 7
_HAS_FILTER = 1 << (_WIDGET_BITS + _FUNCTION_BITS)
_TOPICS_AT = _WIDGET_BITS + _FUNCTION_BITS + 1
_WIDGET_MASK = (1 << _WIDGET_BITS) - 1
_FUNCTION_MASK = (1 << _FUNCTION_BITS) - 1
#: Different lists of topics that fit into an entry. Further ones match any topic: too many builds, never too few.
_TOPICS = 1 << 16
_ANY = ("*",)
#: Message names whose matching topics are cached.
_NAMES = 4096
EVERYTHING = "any:"
#: The stale cached functions by widget id, as numbers in the order of the widget's type.
Touched = dict[int, set[int]]
_Filtered = dict[tuple[int, int], CachedFunction]
_Unindexed = dict[int, list[tuple[int, CachedFunction]]]


@dataclass(slots=True)
class _HubEntry:
    """What the index contains for one hub, so that it can be removed again."""

    path: str
    keys: tuple[str, ...]
    widgets: "array[int]"
    members: tuple[str, ...]
    aliases: tuple[str, ...]
    filtered: tuple[tuple[int, int], ...]
    unindexed: tuple[int, ...]


@dataclass(slots=True)
class _Tables:
    """All lookup tables; one object, so that a whole new index replaces the old one atomically."""

    entries: dict[str, "array[int]"] = field(default_factory=dict)
    teams: dict[str, "array[int]"] = field(default_factory=dict)
    hubs: dict[int, _HubEntry] = field(default_factory=dict)
    paths: dict[str, int] = field(default_factory=dict)
    topics: dict[tuple[str, ...], int] = field(default_factory=lambda: {_ANY: 0})
    matches: dict[str, frozenset[int]] = field(default_factory=dict)
    #: Functions with interests and a filter of their own, which is called for messages that match the interests.
    filtered: _Filtered = field(default_factory=dict)
    #: Functions without interests, by widget id: their filters run on every message.
    unindexed: _Unindexed = field(default_factory=dict)


class Index:
    """Maps (topic, kind, value) to widgets; see `Interest`."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        #: Accounts by chat nick, e-mail address and forge login, from people's hubs; shared with the extractor.
        self.directory: dict[str, str] = {}
        self._lock = threading.Lock()
        self._tables = _Tables()

    def __len__(self) -> int:
        """Return the number of hubs in the index."""
        return len(self._tables.hubs)

    @property
    def unindexed(self) -> int:
        """The number of widgets whose filter runs for every message, because they declare no interests."""
        return len(self._tables.unindexed)

    def hub_of(self, message: Message) -> int | None:
        """Return the id of the hub that one of our own messages is about."""
        if message.category != MODULE:
            return None
        hub_id = message.body.get("hub_id")
        if isinstance(hub_id, int):
            return hub_id
        url = message.body.get("hub_url")
        return self._tables.paths.get(_path(url)) if isinstance(url, str) else None

    def touched(self, message: Message) -> Touched:
        """Return what the message makes stale. Never raises, and opens no socket."""
        tables = self._tables  # one read: a reload may replace it while this runs
        topics = _matching(tables, message.name)
        touched: Touched = {}
        within = self._within(message)
        for key in self.keys(message):
            for entry in tables.entries.get(key, ()):
                if entry >> _TOPICS_AT in topics:
                    widget, number = entry & _WIDGET_MASK, entry >> _WIDGET_BITS & _FUNCTION_MASK
                    if within is not None and widget not in within:
                        continue
                    if entry & _HAS_FILTER and not _is_stale(tables.filtered.get((widget, number)), message.raw):
                        continue
                    touched.setdefault(widget, set()).add(number)
        for widget, functions in tuple(tables.unindexed.items()):
            if within is not None and widget not in within:
                continue
            for number, function in functions:
                if _is_stale(function, message.raw):
                    touched.setdefault(widget, set()).add(number)
        return touched

    def replace(self, hub: Hub) -> None:
        """Replace what the index contains for a hub by its present widgets, roles and names."""
        entries, (filtered, unindexed) = self._entries_of(hub)
        entry = _HubEntry(
            path=urls.hub(hub.kind, hub.name),
            keys=tuple(dict.fromkeys(key for key, _ in entries)),
            widgets=array("Q", dict.fromkeys(packed & _WIDGET_MASK for _, packed in entries)),
            members=members_of(hub),
            aliases=tuple(aliases_of(hub)),
            filtered=tuple(filtered),
            unindexed=tuple(unindexed),
        )
        with self._lock:
            tables = self._tables
            self._take_out(hub.id)
            tables.hubs[hub.id] = entry
            tables.paths[entry.path] = hub.id
            postings.append(tables.entries, entries)
            postings.append(tables.teams, [(name, hub.id) for name in entry.members])
            tables.filtered.update(filtered)
            tables.unindexed.update(unindexed)
            self.directory.update(dict.fromkeys(entry.aliases, hub.name))

    def remove(self, hub_id: int) -> None:
        """Remove a hub."""
        with self._lock:
            self._take_out(hub_id)

    def adopt(self, other: "Index") -> None:
        """Replace the whole content by that of ``other``, which must not be used afterwards."""
        with self._lock:
            self._tables = other._tables
            # In place, since the extractor shares the object.
            self.directory.clear()
            self.directory.update(other.directory)

    def hubs(self) -> list[int]:
        """Return the ids of the hubs in the index."""
        return list(self._tables.hubs)

    def keys(self, message: Message) -> Iterator[str]:
        """Yield the keys that are looked up for a message."""
        yield EVERYTHING
        users, teams = self._concerned(message)
        for username in users:
            yield f"user:{username}"
        for team in teams:
            yield f"team:{team}"
        for package in message.packages:
            yield f"package:{package}"
        for kind, value in subjects(message):
            yield f"{kind}:{value}"
        hub = self.hub_of(message)
        if hub is not None:
            yield f"hub:{hub}"

    def insiders(self, hub_id: int) -> frozenset[str]:
        """Return the owners and members of a team, or the person whose own hub it is."""
        entry = self._tables.hubs.get(hub_id)
        if entry is None:
            return frozenset()
        space, name = entry.path.split("/")[1:3]
        return frozenset((name,) if space == "u" else entry.members)

    def _concerned(self, message: Message) -> tuple[frozenset[str], set[int]]:
        """Return the people and the teams that a message is about; that of a webhook is about its hub."""
        if message.hub_id is not None:
            return message.users | self.insiders(message.hub_id), {message.hub_id}
        teams = {team for username in message.users for team in self._tables.teams.get(username, ())}
        return message.users, teams

    def _within(self, message: Message) -> frozenset[int] | None:
        """Return the only widgets that a message may touch, or None for all."""
        if message.hub_id is None:
            return None
        return frozenset(entry.widgets if (entry := self._tables.hubs.get(message.hub_id)) is not None else ())

    def _entries_of(self, hub: Hub) -> tuple[list[tuple[str, int]], tuple[_Filtered, _Unindexed]]:
        filtered: _Filtered = {}
        unindexed: _Unindexed = {}
        entries: dict[tuple[str, int], None] = {}
        for row in hub.widgets:
            widget_type = self.registry.get(row.plugin)
            for number, function in enumerate(widget_type.bound_functions(row) if widget_type else ()):
                interests = _interests(function)
                if interests is None:
                    unindexed.setdefault(row.id, []).append((number, function))
                    continue
                packed = number << _WIDGET_BITS | row.id
                # Calling the default filter, which accepts everything, would cost more than the lookup.
                if type(function).should_invalidate is not CachedFunction.should_invalidate:
                    filtered[row.id, number] = function
                    packed |= _HAS_FILTER
                for interest in interests:
                    entries[key_of(interest), self._number(interest) << _TOPICS_AT | packed] = None
        return list(entries), (filtered, unindexed)

    def _number(self, interest: Interest) -> int:
        topics = self._tables.topics.get(interest.topics)
        if topics is None:
            with self._lock:
                topics = _number(self._tables, interest.topics)
        return topics

    def _take_out(self, hub_id: int) -> None:
        tables = self._tables
        entry = tables.hubs.pop(hub_id, None)
        if entry is None:
            return
        widgets = frozenset(entry.widgets)
        postings.drop(tables.entries, entry.keys, lambda packed: packed & _WIDGET_MASK in widgets)
        postings.drop(tables.teams, entry.members, lambda team: team == hub_id)
        for alias in entry.aliases:
            self.directory.pop(alias, None)
        for function in entry.filtered:
            tables.filtered.pop(function, None)
        for widget in entry.unindexed:
            tables.unindexed.pop(widget, None)
        if tables.paths.get(entry.path) == hub_id:  # another kind of group may have the same address by now
            del tables.paths[entry.path]


def _matching(tables: _Tables, name: str) -> frozenset[int]:
    """Return the numbers of the lists of topics that the name of a message matches."""
    numbers = tables.matches.get(name)
    if numbers is None:
        if len(tables.matches) >= _NAMES:  # publishers choose the names, so their number must be bounded
            tables.matches.clear()
        numbers = frozenset(number for topics, number in tuple(tables.topics.items()) if matches(topics, name))
        tables.matches[name] = numbers
    return numbers


def _number(tables: _Tables, topics: tuple[str, ...]) -> int:
    if len(tables.topics) >= _TOPICS:
        return tables.topics[_ANY]
    tables.matches = {}  # names seen before may match the new list
    return tables.topics.setdefault(topics, len(tables.topics))


def matches(topics: Iterable[str], name: str) -> bool:
    """Return whether the name of a message, ``pagure.issue.new``, begins with one of ``topics``, in whole parts."""
    return any(topic in ("*", name) or name.startswith(f"{topic}.") for topic in topics)


def key_of(interest: Interest) -> str:
    """Return the key of an interest; see `Index.keys`."""
    return EVERYTHING if interest.kind == "any" else f"{interest.kind}:{interest.value}"


def _interests(function: CachedFunction) -> list[Interest] | None:
    """Return the interests, or None for a function whose filter runs on every message."""
    try:
        interests = function.interests()
        return None if interests is None else list(interests)
    except NeedsSetup:  # its settings cannot be read, and its widget shows that
        return []
    except Exception:  # a third-party widget may fail in any way and must not stop the index
        log.exception("interests of %s cannot be read; it is not rebuilt by messages", type(function).__name__)
        return []


def _is_stale(function: CachedFunction | None, raw: Mapping[str, Any]) -> bool:
    if function is None:  # removed from the index between the two lookups
        return False
    try:
        return bool(function.should_invalidate(raw))
    except Exception:  # a third-party widget may fail in any way; the others get the message
        log.exception("%s.should_invalidate failed on %s", type(function).__name__, raw.get("topic"))
        return False


def _path(url: str) -> str:
    """Return the path of a hub's address, with or without scheme and host."""
    rest = url.split("://", 1)[-1]
    return rest if rest.startswith("/") else "/" + rest.partition("/")[2]
