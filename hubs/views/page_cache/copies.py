"""Signed copies in the cache of what one process has read or rendered, which the others and later ones can use.

A copy proves nothing by itself: whoever uses one checks with each request whether it is current, as for what the
process has made itself. So an outdated copy, or an old one that somebody put back, is not used, and a damaged one is as
good as none.
"""

import hashlib
import json
import logging
import zlib
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from hubs.cache import key_of
from hubs.fragments.store import FragmentStore
from hubs.settings import Settings
from hubs.urls.files import hash_of_files

log = logging.getLogger(__name__)

T = TypeVar("T")
#: Maximum age of both parts in seconds: bounds how old their content can be if the cache was down when a commit was to
#: replace their tags. What a person may see does not depend on it. In a crowd of a thousand readers on a busy machine,
#: most come back only once a minute: a much shorter life would have almost every page rendered.
MAX_AGE = 300.0
_PACKAGE: Final = Path(__file__).parents[2]
#: Level of zlib: a page is compressed to a fifth in a third of a millisecond; higher levels take longer for little.
_LEVEL: Final = 1


class Copies:
    """The copies in the cache that ``fragments`` are in, for processes with the same code and ``settings``."""

    def __init__(self, fragments: FragmentStore, settings: Settings) -> None:
        self._signed = fragments.signed
        self._fingerprint, self._settings = fragments.fingerprint, settings.model_dump(mode="json")
        self._version = ""

    def get(self, adapter: TypeAdapter[T], kind: str, *parts: object) -> T | None:
        """Return the copy of a ``kind`` that ``parts`` name; None if there is none, or if it is of another form."""
        entry = self._signed.get(self.key(kind, *parts))
        if entry is None:
            return None
        try:
            return adapter.validate_json(zlib.decompress(entry))
        except (ValidationError, zlib.error) as error:
            log.warning("a copy of a %s is not used: %s", kind, error)
            return None

    def put(
        self, adapter: TypeAdapter[T], value: T, lifetime: float, kind: str, *parts: object, exclude: Any = None
    ) -> None:
        """Store a copy of a value for ``lifetime`` seconds, without what pydantic is to ``exclude``."""
        text = adapter.dump_json(value, exclude=exclude)
        self._signed.set(self.key(kind, *parts), zlib.compress(text, _LEVEL), int(lifetime))

    def key(self, kind: str, *parts: object) -> str:
        """Return the cache key of a copy, from which nobody can tell of what it is one."""
        if not self._version:
            self._version = self._fingerprint([_code(), self._settings])
        return key_of(kind, hashlib.sha256(json.dumps([self._version, parts]).encode()).hexdigest())


@cache
def _code() -> str:
    """Return a hash of the application's code, templates and texts."""
    return hash_of_files(_PACKAGE, (path for path in _PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"))
