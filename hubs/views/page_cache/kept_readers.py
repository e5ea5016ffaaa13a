"""Readers with what tells whether they are current, and their copies in the cache.

A copy is for one sign-in, which its key names as a hash. It has nothing that is secret about that: the CSRF secret and
the digest of the sign-in are those of the cookie that a request brings. As a reader whom the process has read itself,
it is used only while the account's version tag and the rows have not changed.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from pydantic import TypeAdapter

from hubs.views.page_cache.copies import Copies
from hubs.views.page_cache.personal import Reader, SignedIn
from hubs.views.page_cache.row_versions import Versions


@dataclass(frozen=True, slots=True)
class KeptReader:
    """A reader, with what tells whether it is still current."""

    reader: Reader
    #: The version tag of the account by its cache key, from before its rows were read.
    tags: Mapping[str, bytes]
    #: The version of the sign-in, and the reader tags of the hubs of roles, bookmarks and notifications, as read.
    versions: Versions
    #: The hubs among them.
    hubs: frozenset[int]
    #: When the tag was read, on the monotonic clock.
    loaded: float
    #: Time of the session's last use that its cookie tells; 0 for visitors.
    seen: int = 0


class ReaderCopies:
    """The readers among the copies."""

    def __init__(self, copies: Copies) -> None:
        self._copies = copies

    def get(self, session: SignedIn, language: str) -> KeptReader | None:
        """Return the copy of an account for a session in a language of the browser."""
        entry = self._copies.get(_entries(), "reader", session.user_id, session.digest, language)
        if entry is None:
            return None
        read_on, kept = entry
        versions = {row or session.digest: version for row, version in kept.versions.items()}
        # Each process has a monotonic clock of its own.
        loaded = time.monotonic() - max(0.0, time.time() - read_on)
        return replace(kept, reader=kept.reader.of(session), versions=versions, loaded=loaded, seen=session.seen)

    def put(self, kept: KeptReader, language: str, lifetime: float) -> None:
        """Store a copy of an account's reader for ``lifetime`` seconds."""
        digest = kept.reader.sign_in
        versions = {"" if row == digest else row: version for row, version in kept.versions.items()}
        nobody = kept.reader.of(SignedIn(0, "", "", ""))
        value = time.time() - (time.monotonic() - kept.loaded), replace(kept, reader=nobody, versions=versions, seen=0)
        parts = kept.reader.person.id, digest, language
        self._copies.put(_entries(), value, lifetime, "reader", *parts)


# Built when it is first used: that takes milliseconds, which commands should not spend.
@cache
def _entries() -> TypeAdapter[tuple[float, KeptReader]]:
    return TypeAdapter(tuple[float, KeptReader])
