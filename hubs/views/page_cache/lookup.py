"""What a request finds in the page cache: a page that is ready, or how to keep the one that is now rendered for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from hubs.views.page_cache.copies import MAX_AGE
from hubs.views.page_cache.kept_readers import KeptReader
from hubs.views.page_cache.page_copies import PageCopies
from hubs.views.page_cache.personal import Reader
from hubs.views.page_cache.row_versions import Versions
from hubs.views.page_cache.shared import PageKey, Place, SharedPage, SharedPages
from hubs.views.page_cache.skeleton import FilledSkeleton


@dataclass(frozen=True, slots=True)
class PendingPage:
    """A request that missed: where to store its page, and the tags and versions from before any row was read."""

    pages: SharedPages
    copies: PageCopies
    tags: Mapping[str, bytes]
    versions: Versions | None
    read_at: float
    #: The reader, if they are current.
    reader: Reader | None = None

    def store(
        self, key: PageKey, page: SharedPage, tags: Iterable[str], hubs: Iterable[int], user_id: int | None
    ) -> None:
        """Store a page that depends on the version tags under the cache keys ``tags`` and on the rows of ``hubs``."""
        here = Place(page.hub_id, user_id, frozenset(tags), frozenset(hubs))
        place, keys, rows = self.pages.note(key.path, here), here.tags, set(map(str, here.hubs))
        # A tag or version that was not read before the rows proves nothing about them. Then only the list of what to
        # read is noted, and the next request reads all of it first.
        if self.versions is None or not keys <= self.tags.keys() or not rows <= self.versions.keys():
            return
        versions = {row: self.versions[row] for row in rows}
        known = {tag: self.tags[tag] for tag in keys}
        page = replace(page, tags=known, versions=versions, loaded=self.read_at, checked=self.read_at)
        self.pages.put(key, page)
        self.copies.put(key, page, place, MAX_AGE)


class ReadyPage(NamedTuple):
    """Both parts of a page, which are current, and the shared one with its fragments in place."""

    reader: Reader
    page: SharedPage
    filled: FilledSkeleton


class Lookup(NamedTuple):
    """What the middleware has for a request: a current page, or what the application needs to render and keep one."""

    kept: KeptReader | None
    ready: ReadyPage | None
    pending: PendingPage | None = None
    #: The key of the page to be rendered, if it can be kept.
    missing: PageKey | None = None
