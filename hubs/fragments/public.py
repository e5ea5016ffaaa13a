"""Ready answers for fragments that everybody may see: kept apart in the cache, where nginx finds them by itself.

An entry is what `/w/<id>/fragment?lang=<locale>` answers: a comment with what is known about the fragment, then its
HTML. Its key is made of the widget's id and the locale alone, since nginx knows no version, so an entry is removed
after the commit of everything that may change who sees it or what it says, and whenever the fragment is built.

A request that read the rows before such a commit may still be about to keep an entry. So each widget has a
*generation*: it is read before the rows, changed before an entry is removed, and checked after an entry was kept; if it
changed, the entry is removed again. Where the cache was unavailable at that time, all this fails unnoticed, so an entry
lives for `LIFETIME` seconds only: less than the five after which access must have ended.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.cache import Cache
from hubs.fragments.versions import VersionTags
from hubs.models import Database, Hub, Widget
from hubs.models.session_events import TOUCHED, after_commit, touched

#: Seconds for which an entry is kept; seconds for which a generation is, which must outlast any request.
LIFETIME, GENERATION = 4, 86400
#: Of what is known about a fragment, what its answer tells.
META = ("version", "built_at", "state", "digest")
_START, _END = b"<!--hubs ", b"-->\n"


class CachedResponse(NamedTuple):
    """A fragment's answer: what it tells, and its body with that in front."""

    meta: Mapping[str, Any]
    body: bytes

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers that tell the same as the comment, and an entity tag."""
        version, built_at, state, digest = (str(self.meta[name]) for name in META)
        return [
            ("X-Hubs-Version", version),
            ("X-Hubs-Built", built_at),
            ("X-Hubs-State", state),
            ("X-Hubs-Digest", digest),
            # The moment of the build is in the body, so it is part of what the tag stands for.
            ("ETag", f'"{version}-{digest}-{built_at}"'),
        ]


def encode(known: Mapping[str, Any]) -> CachedResponse:
    """Return the answer for a fragment, from its public form (`Fragment.public`)."""
    meta = {name: known[name] for name in META}
    head = json.dumps(meta, separators=(",", ":")).replace("-->", "")  # states and digests have none
    return CachedResponse(meta, _START + head.encode() + _END + known["html"].encode())


def decode(entry: bytes) -> CachedResponse | None:
    """Read an entry of the cache; None for one that is damaged."""
    end = entry.find(_END)
    if not entry.startswith(_START) or end < 0:
        return None
    try:
        meta = json.loads(entry[len(_START) : end])
    except ValueError:
        return None
    return CachedResponse(meta, entry) if isinstance(meta, dict) and set(meta) == set(META) else None


class PublicFragmentCache:
    """The entries in ``cache``."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        #: Of the hubs and people in the same cache.
        self.stamps = VersionTags(cache)

    @staticmethod
    def key(widget_id: int, locale: str) -> str:
        """Spell an entry's key, as deploy/nginx does."""
        return f"public:{widget_id}:{locale}"

    def read(self, widget_id: int, locale: str) -> CachedResponse | None:
        """Return a widget's answer if one is kept: then everybody may see it."""
        entry = self._cache.get(self.key(widget_id, locale))
        return decode(entry) if entry is not None else None

    def generation(self, widget_id: int) -> bytes | None:
        """Return what `keep` needs to know from before the widget's row was read."""
        return self._cache.get(f"public-generation:{widget_id}")

    def keep(self, widget_id: int, locale: str, answer: CachedResponse, generation: bytes | None) -> None:
        """Keep an answer that everybody may see, unless something changed since ``generation``."""
        if self.generation(widget_id) != generation:
            return
        self._cache.set(self.key(widget_id, locale), answer.body, LIFETIME)
        if self.generation(widget_id) != generation:
            self._cache.delete(self.key(widget_id, locale))

    def forget(self, widget_ids: Iterable[int]) -> None:
        """Remove the answers of widgets, and keep those away that are on their way."""
        for number in widget_ids:
            self._cache.set(f"public-generation:{number}", secrets.token_hex(8).encode(), GENERATION)
            for locale in i18n.locales():
                self._cache.delete(self.key(number, locale))


def forget_after_commit(database: Database, public: PublicFragmentCache) -> None:
    """Let the sessions of ``database`` forget what is kept of the rows that they changed, once they commit.

    That is the answers of widgets, where a change of a hub, such as of who may see it, counts for all widgets on it;
    and by their stamps all that is made of hubs and people, wherever it is kept.
    """
    after_commit(database, _changed, public.forget)
    after_commit(database, touched, public.stamps.invalidate, TOUCHED)


def _changed(session: Session) -> set[int]:
    rows = [*session.dirty, *session.deleted]
    hubs = [row.id for row in rows if isinstance(row, Hub)]
    on_them = session.connection().scalars(select(Widget.id).where(Widget.hub_id.in_(hubs))) if hubs else ()
    return {row.id for row in rows if isinstance(row, Widget)}.union(on_them)
