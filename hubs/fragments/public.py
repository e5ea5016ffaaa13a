"""Complete responses for public fragments, stored apart in the cache so that nginx can serve them directly.

An entry is the response to `/w/<id>/fragment?lang=<locale>`: a comment with the fragment's metadata and a signature,
then its HTML. The application verifies the signature; nginx cannot, and trusts memcached. The key holds only the
widget's id and the locale, since nginx knows no versions. So an entry is removed after each commit that may change its
content or its audience, and whenever the fragment is built.

A request that read the rows before such a commit may still write a stale entry. A per-widget *generation*, read before
the rows and checked after the write, detects that: if it has changed, the entry is removed again. All of this
fails unnoticed while the cache is unavailable, so an entry lives for only `LIFETIME` seconds, less than the five after
which access must have ended.
"""

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.cache import Cache
from hubs.fragments.versions import ANYTHING, VersionTags
from hubs.models import Database, Hub, Page, Widget
from hubs.models.session_events import TOUCHED, after_commit, touched
from hubs.signed_cache import SignedCache

#: Lifetime in seconds of an entry, and of a generation, which must outlast any request.
LIFETIME, GENERATION = 4, 86400
#: The metadata of a fragment that are part of a response.
META = ("version", "built_at", "state", "digest")
_START, _END = b"<!--hubs ", b"-->\n"
_SIGNED_HEAD = re.compile(rb'(\{.*),"signature":"([0-9a-f]{64})"\}', re.DOTALL)


class CachedResponse(NamedTuple):
    """The response for a fragment: its metadata, and its body, which begins with them."""

    meta: Mapping[str, Any]
    body: bytes

    def headers(self) -> list[tuple[str, str]]:
        """Return the metadata as headers, and an entity tag."""
        version, built_at, state, digest = (str(self.meta[name]) for name in META)
        return [
            ("X-Hubs-Version", version),
            ("X-Hubs-Built", built_at),
            ("X-Hubs-State", state),
            ("X-Hubs-Digest", digest),
            # The time of the build is in the body, so the tag must change with it.
            ("ETag", f'"{version}-{digest}-{built_at}"'),
        ]


class PublicFragmentCache:
    """Reads, stores and removes the entries in ``cache``."""

    def __init__(self, cache: Cache, secret: bytes) -> None:
        self._cache, self._signed = cache, SignedCache(cache, secret)
        #: The version tags of hubs and people in the same cache.
        self.stamps = VersionTags(cache)

    @staticmethod
    def key(widget_id: int, locale: str) -> str:
        """Return the key of an entry; deploy/nginx builds the same one."""
        return f"public:{widget_id}:{locale}"

    def encode(self, widget_id: int, locale: str, fragment: Mapping[str, Any]) -> CachedResponse:
        """Return the response for the public form of a fragment (`Fragment.public`)."""
        meta = {name: fragment[name] for name in META}
        # No field contains the end of a comment; removing it anyway keeps the comment closed where it should be.
        head, html = json.dumps(meta, separators=(",", ":")).replace("-->", "").encode(), fragment["html"].encode()
        signature = self._signature(widget_id, locale, head, html)
        return CachedResponse(meta, b'%s%s,"signature":"%s"}%s%s' % (_START, head[:-1], signature, _END, html))

    def decode(self, widget_id: int, locale: str, entry: bytes) -> CachedResponse | None:
        """Parse a cache entry; None if it is damaged, or was not stored by this instance for this widget and locale."""
        end = entry.find(_END)
        match = _SIGNED_HEAD.fullmatch(entry[len(_START) : end]) if entry.startswith(_START) and end >= 0 else None
        if match is None:
            return None
        head = match[1] + b"}"
        value, signature = b"%s\0%s" % (head, entry[end + len(_END) :]), bytes.fromhex(match[2].decode())
        is_ours = self._signed.is_signed(self.key(widget_id, locale), value, signature)
        return CachedResponse(json.loads(head), entry) if is_ours else None

    def read(self, widget_id: int, locale: str) -> CachedResponse | None:
        """Return the cached response of a widget, or None. Only public fragments have one."""
        entry = self._cache.get(self.key(widget_id, locale))
        return self.decode(widget_id, locale, entry) if entry is not None else None

    def generation(self, widget_id: int) -> bytes | None:
        """Return the generation to pass to `store`; call it before the widget's row is read."""
        return self._cache.get(f"public-generation:{widget_id}")

    def store(self, widget_id: int, locale: str, response: CachedResponse, generation: bytes | None) -> None:
        """Store a public response unless the widget or its hub has changed since ``generation``."""
        if self.generation(widget_id) != generation:
            return
        self._cache.set(self.key(widget_id, locale), response.body, LIFETIME)
        # The change may have come between the check and the write.
        if self.generation(widget_id) != generation:
            self._cache.delete(self.key(widget_id, locale))

    def forget(self, widget_ids: Iterable[int]) -> None:
        """Remove the responses of widgets, and prevent requests in progress from storing older ones."""
        for number in widget_ids:
            self._cache.set(f"public-generation:{number}", secrets.token_hex(8).encode(), GENERATION)
            self._cache.delete(*(self.key(number, locale) for locale in i18n.locales()))

    def _signature(self, widget_id: int, locale: str, head: bytes, html: bytes) -> bytes:
        return self._signed.signature(self.key(widget_id, locale), b"%s\0%s" % (head, html)).hex().encode()


def forget_after_commit(database: Database, public: PublicFragmentCache) -> None:
    """Invalidate cached responses and version tags after each commit in sessions of ``database``.

    A changed hub or page invalidates the responses of all the hub's widgets: the change may narrow their audience.
    """
    after_commit(database, _changed, public.forget)
    after_commit(database, touched, lambda things: public.stamps.invalidate([*things, ANYTHING]), TOUCHED)


def _changed(session: Session) -> set[int]:
    rows = [*session.dirty, *session.deleted]
    hubs = {row.id if isinstance(row, Hub) else row.hub_id for row in rows if isinstance(row, Hub | Page)}
    on_hubs = session.connection().scalars(select(Widget.id).where(Widget.hub_id.in_(hubs))) if hubs else ()
    return {row.id for row in rows if isinstance(row, Widget)}.union(on_hubs)
