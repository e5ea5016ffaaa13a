"""Which widgets a message touches: an index, not a loop, so that the cost depends on what the message names.

The index follows the tables hub by hub: what changes on a hub moves its ``updated_on``, and the hub is read again.
Looking up needs no lock and no I/O: lists are replaced, never changed.
"""

import logging
import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hubs import urls
from hubs.backend.subjects import subjects
from hubs.bus import MODULE, Message
from hubs.models import Hub, RoleName, Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.registry import Registry

log = logging.getLogger(__name__)

# An entry is one number: which topics, which of the widget's functions, which widget.
_WIDGET_BITS, _FUNCTION_BITS = 40, 8
_WIDGET_MASK = (1 << _WIDGET_BITS) - 1
_FUNCTION_MASK = (1 << _FUNCTION_BITS) - 1
#: Names of messages for which the matching topics are remembered.
_NAMES = 4096
EVERYTHING = "any:"

#: What is stale: the numbers of the cached functions (in the order of the widget's type) by widget id.
Touched = dict[int, set[int]]
_Exact = dict[tuple[int, int], CachedFunction]
_Asked = dict[int, list[tuple[int, CachedFunction]]]


@dataclass
class _Filed:
    """What the index holds of one hub, so that it can be taken out again."""

    path: str
    entries: list[tuple[str, int]] = field(default_factory=list)
    members: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    exact: tuple[tuple[int, int], ...] = ()
    asked: tuple[int, ...] = ()


class Index:
    """Maps (topic, kind, value) to widgets; see `Interest`."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        #: Chat nicks and e-mail addresses of people, as their hubs tell them; shared with the extractor.
        self.directory: dict[str, str] = {}
        self._lock = threading.Lock()
        self._entries: dict[str, array[int]] = {}
        self._teams: dict[str, array[int]] = {}
        self._hubs: dict[int, _Filed] = {}
        self._paths: dict[str, int] = {}
        self._topics: dict[tuple[str, ...], int] = {}
        self._matches: dict[str, frozenset[int]] = {}
        #: Functions that have interests and a word of their own: asked about what the interests let through.
        self._exact: _Exact = {}
        #: Functions that only know how to be asked, by widget id: tried on every message.
        self._asked: _Asked = {}

    def __len__(self) -> int:
        """Return the number of hubs in the index."""
        return len(self._hubs)

    @property
    def asked(self) -> int:
        """The number of widgets that are asked about every message, since they declare no interests."""
        return len(self._asked)

    def hub_of(self, message: Message) -> int | None:
        """Return the id of the hub that a message of ours is about."""
        if message.category != MODULE:
            return None
        found = message.body.get("hub_id")
        if isinstance(found, int):
            return found
        url = message.body.get("hub_url")
        return self._paths.get(_path(url)) if isinstance(url, str) else None

    def touched(self, message: Message) -> Touched:
        """Return what the message makes stale. Never raises, and opens no socket."""
        topics = self._matching(message.name)
        found: Touched = {}
        for key in self._keys(message):
            for entry in self._entries.get(key, ()):
                if entry >> (_WIDGET_BITS + _FUNCTION_BITS) in topics:
                    widget, number = entry & _WIDGET_MASK, entry >> _WIDGET_BITS & _FUNCTION_MASK
                    exact = self._exact.get((widget, number))
                    if exact is None or _says_stale(exact, message.raw):
                        found.setdefault(widget, set()).add(number)
        for widget, functions in tuple(self._asked.items()):
            for number, function in functions:
                if _says_stale(function, message.raw):
                    found.setdefault(widget, set()).add(number)
        return found

    def replace(self, hub: Hub) -> None:
        """Put a hub with its widgets, roles and person as they are now in the place of what the index has of it."""
        filed, (exact, asked) = self._file(hub)
        with self._lock:
            before = self._hubs.get(hub.id)
            self._take_out(hub.id, before)
            self._hubs[hub.id] = filed
            self._paths[filed.path] = hub.id
            _append(self._entries, filed.entries)
            _append(self._teams, [(name, hub.id) for name in filed.members])
            self.directory.update(dict.fromkeys(filed.aliases, hub.name))
            self._exact.update(exact)
            self._asked.update(asked)

    def remove(self, hub_id: int) -> None:
        """Forget a hub."""
        with self._lock:
            self._take_out(hub_id, self._hubs.pop(hub_id, None))

    def hubs(self) -> list[int]:
        """Return the ids of the hubs in the index."""
        return list(self._hubs)

    def _keys(self, message: Message) -> Iterator[str]:
        yield EVERYTHING
        teams: set[int] = set()
        for username in message.users:
            yield f"user:{username}"
            teams.update(self._teams.get(username, ()))
        for team in teams:
            yield f"team:{team}"
        for package in message.packages:
            yield f"package:{package}"
        for kind, value in subjects(message):
            yield f"{kind}:{value}"
        hub = self.hub_of(message)
        if hub is not None:
            yield f"hub:{hub}"

    def _matching(self, name: str) -> frozenset[int]:
        found = self._matches.get(name)
        if found is None:
            if len(self._matches) >= _NAMES:  # names come from strangers
                self._matches.clear()
            found = frozenset(number for topics, number in tuple(self._topics.items()) if matches(topics, name))
            self._matches[name] = found
        return found

    def _file(self, hub: Hub) -> tuple[_Filed, tuple[_Exact, _Asked]]:
        exact: _Exact = {}
        asked: _Asked = {}
        entries: dict[tuple[str, int], None] = {}
        for row in hub.widgets:
            found = self.registry.get(row.plugin)
            for number, function in enumerate(found.bound_functions(row) if found else ()):
                interests = _interests(function)
                for interest in interests or ():
                    entries[_key(interest), self._entry(interest, number, row)] = None
                if interests is None:
                    asked.setdefault(row.id, []).append((number, function))
                elif type(function).should_invalidate is not CachedFunction.should_invalidate:
                    exact[row.id, number] = function
        members = {role.user.username for role in hub.roles if role.role in (RoleName.OWNER, RoleName.MEMBER)}
        filed = _Filed(
            path=urls.hub(hub.kind, hub.name),
            entries=list(entries),
            members=tuple(sorted(members)) if hub.kind != "user" else (),
            aliases=tuple(_aliases(hub)),
            exact=tuple(exact),
            asked=tuple(asked),
        )
        return filed, (exact, asked)

    def _entry(self, interest: Interest, number: int, row: Widget) -> int:
        topics = self._topics.get(interest.topics)
        if topics is None:
            with self._lock:
                topics = self._topics.setdefault(interest.topics, len(self._topics))
                self._matches = {}
        return topics << (_WIDGET_BITS + _FUNCTION_BITS) | number << _WIDGET_BITS | row.id

    def _take_out(self, hub_id: int, before: _Filed | None) -> None:
        if before is None:
            return
        _drop(self._entries, before.entries)
        _drop(self._teams, [(name, hub_id) for name in before.members])
        for alias in before.aliases:
            self.directory.pop(alias, None)
        for function in before.exact:
            self._exact.pop(function, None)
        for widget in before.asked:
            self._asked.pop(widget, None)
        self._paths.pop(before.path, None)


def matches(topics: Iterable[str], name: str) -> bool:
    """Tell whether the name of a message, ``pagure.issue.new``, begins with one of ``topics``, in whole parts."""
    return any(topic in ("*", name) or name.startswith(f"{topic}.") for topic in topics)


def _key(interest: Interest) -> str:
    return EVERYTHING if interest.kind == "any" else f"{interest.kind}:{interest.value}"


def _aliases(hub: Hub) -> Iterator[str]:
    if hub.kind == "user":
        for name in ("chat_nick", "bugzilla_email"):
            alias = (hub.extras or {}).get(name)
            if isinstance(alias, str) and alias:
                yield alias.lower()


def _interests(function: CachedFunction) -> list[Interest] | None:
    """Return the interests, or None for a function that wants to be asked about every message."""
    try:
        found = function.interests()
        return None if found is None else list(found)
    except Exception:  # an outside widget may fail in any way and must not stop the index
        log.exception("interests of %s cannot be read; it is not rebuilt by messages", type(function).__name__)
        return []


def _says_stale(function: CachedFunction, raw: Mapping[str, Any]) -> bool:
    try:
        return bool(function.should_invalidate(raw))
    except Exception:  # an outside widget may fail in any way; the message goes on to the others
        log.exception("%s.should_invalidate failed on %s", type(function).__name__, raw.get("topic"))
        return False


def _append(lists: dict[str, "array[int]"], entries: Iterable[tuple[str, int]]) -> None:
    for key, entry in entries:
        held = lists.get(key)
        lists[key] = array("Q", [entry]) if held is None else held + array("Q", [entry])


def _drop(lists: dict[str, "array[int]"], entries: Iterable[tuple[str, int]]) -> None:
    for key, entry in entries:
        left = array("Q", (one for one in lists.get(key, ()) if one != entry))
        if left:
            lists[key] = left
        else:
            lists.pop(key, None)


def _path(url: str) -> str:
    """Return the path of a hub's address, with or without scheme and host."""
    rest = url.split("://", 1)[-1]
    return rest if rest.startswith("/") else "/" + rest.partition("/")[2]
