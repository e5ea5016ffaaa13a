"""Copies of shared pages in the cache: what one process has rendered, the others and later ones need not render again.

A copy carries the version tags and row versions from before it was rendered, which are checked with each request as
they are for the pages of the process.
"""

import time
from functools import cache

from pydantic import TypeAdapter

from hubs.views.page_cache.copies import Copies
from hubs.views.page_cache.shared import PageKey, Place, SharedPage


class PageCopies:
    """The pages among the copies, and what is known about their hubs."""

    def __init__(self, copies: Copies) -> None:
        self._copies = copies

    def place(self, path: str) -> Place | None:
        """Return what another process knows about the hub at a path."""
        place = self._copies.get(_places(), "place", path)
        return None if place is None else Place(*place)

    def get(self, key: PageKey) -> SharedPage | None:
        """Return the copy of a page."""
        entry = self._copies.get(_entries(), "page", *_ordered(key))
        if entry is None:
            return None
        rendered, page = entry
        # Each process has a monotonic clock of its own.
        page.loaded = time.monotonic() - max(0.0, time.time() - rendered)
        return page

    def put(self, key: PageKey, page: SharedPage, place: Place, lifetime: float) -> None:
        """Store a copy of a page, and what is known about its hub, for ``lifetime`` seconds."""
        rendered = time.time() - (time.monotonic() - page.loaded)
        own = {1: {"filled", "loaded", "checked"}}
        self._copies.put(_entries(), (rendered, page), lifetime, "page", *_ordered(key), exclude=own)
        hints = (place.hub_id, place.user_id, place.tags, place.hubs)
        self._copies.put(_places(), hints, lifetime, "place", key.path)


def _ordered(key: PageKey) -> tuple[object, ...]:
    # Sets have no order of their own.
    return key._replace(standing=key.standing._replace(roles=sorted(key.standing.roles)))  # type: ignore[arg-type]


# Built when they are first used: that takes milliseconds, which commands should not spend.
@cache
def _places() -> TypeAdapter[tuple[int, int | None, frozenset[str], frozenset[int]]]:
    return TypeAdapter(tuple[int, int | None, frozenset[str], frozenset[int]])


@cache
def _entries() -> TypeAdapter[tuple[float, SharedPage]]:
    return TypeAdapter(tuple[float, SharedPage])
