"""The shared part of hubs' pages: rendered once for all readers of an audience, and kept in the process.

It is rendered for `hubs.permissions.anyone`, a synthetic person made of the key alone. So it can only contain what the
key says about its readers; everything else about them is put into slots (`hubs.views.page_cache.readers`).
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hubs.permissions import Standing
from hubs.views.page_cache.row_versions import Versions
from hubs.views.page_cache.skeleton import FilledSkeleton, Frame, Skeleton

#: Pages per process, and version tags per page. Pages that depend on more are rendered each time.
MAX_PAGES, MAX_TAGS = 500, 64


class PageKey(NamedTuple):
    """Everything about a request and its reader that the shared part of a page depends on."""

    #: The hub that was last known at the path: that of another hub decides nothing about this one.
    hub_id: int
    path: str
    language: str
    standing: Standing
    #: Whether the reader asked to join and waits for the answer.
    is_pending: bool
    #: The language that the account chose; empty if it follows the browser.
    chosen: str
    #: Whether the browser's session names an account, even if that sign-in is over.
    has_session: bool


class Place(NamedTuple):
    """What is known about the hub at a path before any row is read: only hints, which the rows then confirm."""

    hub_id: int
    #: The person whose own hub it is.
    user_id: int | None
    #: Cache keys of the version tags that its pages depend on, and the hubs whose rows they depend on.
    tags: frozenset[str]
    hubs: frozenset[int]


@dataclass(frozen=True, slots=True)
class FilledPage:
    """A page with its fragments in place: valid while the hub's content has the same tag, until one is due."""

    #: The tag, from before the fragments were read; empty if the cache had none.
    content: bytes
    due: float
    skeleton: FilledSkeleton


@dataclass(slots=True)
class SharedPage:
    """The shared part of one page for the readers of one `PageKey`."""

    hub_id: int
    #: Widget ids by the cache key of their fragment.
    keys: Mapping[str, int]
    #: What the frames of the widgets depended on, and whether the readers see the errors of widgets.
    frames: tuple[Frame, ...]
    is_editor: bool
    skeleton: Skeleton
    #: The stream channels of the hub, and whether the page shows the people on it.
    channels: tuple[str, ...]
    shows_presence: bool
    #: The button that adds the hub to the bookmarks, and the one that removes it, in pieces around the CSRF token.
    bookmark: tuple[tuple[bytes, ...], tuple[bytes, ...]]
    #: Whether the hub has announcements, which differ between readers and with time.
    announces: bool
    #: Version tags by cache key, and versions of the hub's row, all from before the page was rendered.
    tags: Mapping[str, bytes] = field(default_factory=dict)
    versions: Versions = field(default_factory=dict)
    #: When the tags were read, and when the rows last had these versions, on the monotonic clock.
    loaded: float = 0.0
    checked: float = 0.0
    filled: FilledPage | None = None


class SharedPages:
    """The shared pages of a process; evicts the least recently used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: OrderedDict[PageKey, SharedPage] = OrderedDict()
        self._places: OrderedDict[str, Place] = OrderedDict()

    def get(self, key: PageKey) -> SharedPage | None:
        """Return a page."""
        with self._lock:
            if key in self._pages:
                self._pages.move_to_end(key)
            return self._pages.get(key)

    def put(self, key: PageKey, page: SharedPage) -> None:
        """Store a page."""
        with self._lock:
            self._pages[key] = page
            self._pages.move_to_end(key)
            if len(self._pages) > MAX_PAGES:
                self._pages.popitem(last=False)

    def place(self, path: str) -> Place | None:
        """Return what is known about the hub at a path."""
        return self._places.get(path)

    def note(self, path: str, place: Place) -> Place:
        """Remember and return what pages at a path depend on, also if no page can be kept yet."""
        with self._lock:
            known = self._places.pop(path, None)
            if known is not None and (known.hub_id, known.user_id) == (place.hub_id, place.user_id):
                place = place._replace(tags=place.tags | known.tags, hubs=place.hubs | known.hubs)
            if len(place.tags) <= MAX_TAGS:
                self._places[path] = place
            if len(self._places) > 4 * MAX_PAGES:
                self._places.popitem(last=False)
            return place
