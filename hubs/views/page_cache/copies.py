"""Copies of shared pages in the cache: what one process has rendered, the others and later ones need not render again.

A copy proves nothing by itself. It carries the version tags and row versions from before it was rendered, which are
checked with each request as they are for the pages of the process. So an outdated copy, or an old one that somebody put
back, is not used, and a damaged one is as good as none.
"""

import hashlib
import json
import logging
import time
import zlib
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from pydantic import TypeAdapter, ValidationError

from hubs.cache import key_of
from hubs.fragments.store import FragmentStore
from hubs.settings import Settings
from hubs.urls.files import hash_of_files
from hubs.views.page_cache.shared import PageKey, Place, SharedPage

log = logging.getLogger(__name__)

_PACKAGE: Final = Path(__file__).parents[2]
#: Level of zlib: a page is compressed to a fifth in a third of a millisecond; higher levels take longer for little.
_LEVEL: Final = 1


class PageCopies:
    """The copies in the cache that ``fragments`` are in, for processes with the same code and ``settings``."""

    def __init__(self, fragments: FragmentStore, settings: Settings) -> None:
        self._signed = fragments.signed
        self._fingerprint, self._settings = fragments.fingerprint, settings.model_dump(mode="json")
        self._version = ""

    def place(self, path: str) -> Place | None:
        """Return what another process knows about the hub at a path."""
        place = _decode(_places(), self._signed.get(self._key("place", path)))
        return None if place is None else Place(*place)

    def get(self, key: PageKey) -> SharedPage | None:
        """Return the copy of a page."""
        entry = _decode(_entries(), self._signed.get(self._page_key(key)))
        if entry is None:
            return None
        rendered, page = entry
        # Each process has a monotonic clock of its own.
        page.loaded = time.monotonic() - max(0.0, time.time() - rendered)
        return cast("SharedPage", page)

    def put(self, key: PageKey, page: SharedPage, place: Place, lifetime: float) -> None:
        """Store a copy of a page, and what is known about its hub, for ``lifetime`` seconds."""
        rendered = time.time() - (time.monotonic() - page.loaded)
        text = _entries().dump_json((rendered, page), exclude={1: {"filled", "loaded", "checked"}})
        self._signed.set(self._page_key(key), zlib.compress(text, _LEVEL), int(lifetime))
        hints = (place.hub_id, place.user_id, place.tags, place.hubs)
        known = zlib.compress(_places().dump_json(hints), _LEVEL)
        self._signed.set(self._key("place", key.path), known, int(lifetime))

    def _page_key(self, key: PageKey) -> str:
        # Sets have no order of their own.
        stands = key.standing._replace(roles=sorted(key.standing.roles))  # type: ignore[arg-type]
        return self._key("page", *key._replace(standing=stands))

    def _key(self, kind: str, *parts: object) -> str:
        if not self._version:
            self._version = self._fingerprint([_code(), self._settings])
        return key_of(kind, hashlib.sha256(json.dumps([self._version, parts]).encode()).hexdigest())


@cache
def _code() -> str:
    """Return a hash of the application's code, templates and texts."""
    return hash_of_files(_PACKAGE, (path for path in _PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"))


# Built when they are first used: that takes milliseconds, which commands should not spend.
@cache
def _places() -> TypeAdapter[tuple[int, int | None, frozenset[str], frozenset[int]]]:
    return TypeAdapter(tuple[int, int | None, frozenset[str], frozenset[int]])


@cache
def _entries() -> TypeAdapter[tuple[float, SharedPage]]:
    return TypeAdapter(tuple[float, SharedPage])


def _decode(adapter: TypeAdapter[Any], entry: bytes | None) -> Any:
    """Return the value in an entry; None if there is none, or if it is of another form."""
    if entry is None:
        return None
    try:
        return adapter.validate_json(zlib.decompress(entry))
    except (ValidationError, zlib.error) as error:
        log.warning("the copy of a page is not used: %s", error)
        return None
