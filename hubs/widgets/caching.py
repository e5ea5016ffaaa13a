"""Cached functions: a widget's data, when it is stale, and how to compute it again.

Results may be any picklable value, so entries are signed with the instance's key: a foreign or damaged entry is a
miss, never code that runs.
"""

import hashlib
import hmac
import logging
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sqlalchemy.orm import Session, object_session

from hubs.cache import Cache, NullCache, key_of, put
from hubs.clients.all import Clients
from hubs.clients.http.records import Skipped, collected
from hubs.models import Widget
from hubs.settings.secret_key import all_keys
from hubs.widgets.interests import Interest

log = logging.getLogger(__name__)

#: `Interest` is published here.
__all__ = ["BuildContext", "CachedFunction", "Interest", "attach_context", "services_of", "session_of"]

_MISSING = object()
_SIGNATURE = hashlib.sha256().digest_size


@dataclass
class BuildContext:
    """The services that a widget may use while it is built."""

    cache: Cache = field(default_factory=NullCache)
    key: bytes = b""
    ttl: int = 86400
    code: str = ""
    clients: Clients | None = None
    memo: dict[str, Any] = field(default_factory=dict)
    #: Records that upstream services sent but nobody could read, by the function that requested them.
    skipped: dict[str, Sequence[Skipped]] = field(default_factory=dict)
    #: Replacements of the named functions, for tests and the gallery.
    overrides: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    #: Whether the cache may still hold a value that was computed again.
    has_outdated: bool = False

    def sign(self, data: bytes) -> bytes:
        """Return the signature of a cached object."""
        return hmac.digest(self.key, data, "sha256")

    def is_signed(self, data: bytes, signature: bytes) -> bool:
        """Return whether a signature is by the current or a former key of the instance."""
        return any(hmac.compare_digest(signature, hmac.digest(key, data, "sha256")) for key in all_keys(self.key))


class CachedFunction:
    """The data of one widget, computed by `execute` and kept until a message makes it stale.

    Subclasses define `execute` and either `interests`, a table that the index of the daemon works from, or only
    `should_invalidate`, which is then tried on every message.
    """

    #: False for what is quick to compute from our own database: then only the finished fragment is cached.
    stored: ClassVar[bool] = True

    def __init__(self, instance: Widget) -> None:
        self.instance = instance

    @property
    def clients(self) -> Clients:
        """The clients of upstream services."""
        clients = services_of(self.instance).clients
        if clients is None:
            raise RuntimeError(f"{type(self).__name__} needs a client of another service, but its context has none")
        return clients

    def execute(self) -> Any:
        """Compute the value; may be slow."""
        raise NotImplementedError(f"{type(self).__name__} must define execute()")

    def interests(self) -> Iterable[Interest] | None:
        """Return what makes the value stale, or None to have `should_invalidate` called for every message."""
        return None

    def should_invalidate(self, message: Mapping[str, Any]) -> bool:
        """Return whether this message makes the value stale; ``message`` has topic, msg_id, timestamp and msg."""
        return self.interests() is not None

    def __call__(self) -> Any:
        """Return the value, from the cache where it is there."""
        services = services_of(self.instance)
        name = type(self).__name__
        if name in services.memo:
            return services.memo[name]
        value = self._load(services) if self.stored else _MISSING
        if value is _MISSING:
            return self.rebuild()
        services.memo[name] = value
        return value

    def peek(self) -> Any:
        """Return the cached value, or None: nothing is computed."""
        value = self._load(services_of(self.instance)) if self.stored else _MISSING
        return None if value is _MISSING else value

    def rebuild(self) -> Any:
        """Compute the value, store it, and return it. Empty values are stored too."""
        services = services_of(self.instance)
        name = type(self).__name__
        with collected() as skipped:
            value = services.overrides.get(name, self.execute)()
        services.memo[name], services.skipped[name] = value, skipped
        if self.stored:
            data = pickle.dumps((value, skipped))
            entry = services.sign(self._bound(services, data)) + data
            services.has_outdated |= not put(services.cache, self._key(services), entry, services.ttl)
        return value

    def _load(self, services: BuildContext) -> Any:
        entry = services.cache.get(self._key(services))
        if entry is None:
            return _MISSING
        signature, data = entry[:_SIGNATURE], entry[_SIGNATURE:]
        if not services.is_signed(self._bound(services, data), signature):
            log.warning("cached value of %s has a wrong signature; it is computed again", self._key(services))
            return _MISSING
        try:
            value, skipped = pickle.loads(data)  # noqa: S301 - signed by us, see above
        except Exception:  # a class that moved or changed since; anything may be raised
            log.warning("cached value of %s cannot be read; it is computed again", self._key(services), exc_info=True)
            return _MISSING
        services.skipped[type(self).__name__] = skipped
        return value

    def _key(self, services: BuildContext) -> str:
        row = self.instance
        return key_of("d", row.identity, row.version, services.code, type(self).__qualname__)

    def _bound(self, services: BuildContext, data: bytes) -> bytes:
        """Bind the data to its key, so that a signed value cannot be replayed under another key."""
        return self._key(services).encode() + b"\0" + data


def attach_context(row: Widget, services: BuildContext) -> None:
    """Attach the context that the widget's cached functions use."""
    row.__dict__["_services"] = services


def services_of(row: Widget) -> BuildContext:
    """Return the context of a widget; an empty one, without a cache, if none was attached."""
    return row.__dict__.setdefault("_services", BuildContext())  # type: ignore[no-any-return]


def session_of(row: Widget) -> Session:
    """Return the session that the widget's row is in."""
    session = object_session(row)
    if session is None:
        raise RuntimeError(f"widget {row.id} was read in a session that is closed")
    return session
