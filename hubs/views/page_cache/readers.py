"""Reads the readers of hubs' pages, and keeps them in the process for the cookies of their browsers.

A reader is read with a few statements that were built once, without Flask and without objects of the mapper. Whether
one that is kept is still current, `hubs.views.page_cache.middleware` checks with each request.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import Integer, Select, String, bindparam, literal, literal_column, select, true, union_all
from sqlalchemy import cast as cast_
from sqlalchemy.exc import SQLAlchemyError

from hubs import i18n
from hubs.actions.people import bookmarks
from hubs.actions.people.sessions import digest_of
from hubs.fragments import versions
from hubs.models import Hub, JoinRequest, RequestState, Role, RoleName, SignIn, User, now
from hubs.permissions import person
from hubs.views.page_cache.copies import MAX_AGE, Copies
from hubs.views.page_cache.kept_readers import KeptReader, ReaderCopies
from hubs.views.page_cache.personal import Account, Reader, SignedIn, reader_of
from hubs.views.page_cache.row_versions import SHOWN, reader_row
from hubs.views.web.context import AppContext, privileges, touch_interval

#: Readers per process.
MAX_READERS = 1000
_PENDING = "pending"


class Readers:
    """The readers of a process; forgets the least recently used."""

    def __init__(self, app: Flask, context: AppContext, copies: Copies) -> None:
        self._app, self._context, self._copies = app, context, ReaderCopies(copies)
        self._lock = threading.Lock()
        self._readers: OrderedDict[tuple[str | None, str], KeptReader] = OrderedDict()
        self._touch_interval = touch_interval(context.settings)

    def get(self, cookie: str | None, language: str) -> KeptReader | None:
        """Return the reader with a session cookie, if it is kept; ``language`` is that of the browser."""
        with self._lock:
            if (cookie, language) in self._readers:
                self._readers.move_to_end((cookie, language))
            return self._readers.get((cookie, language))

    def copied(self, cookie: str | None, language: str) -> KeptReader | None:
        """Return the account with a session cookie as another process has read it; the caller checks and keeps it."""
        data = self._session(cookie) if cookie else None
        session = self._signed_in(data) if data and "_flashes" not in data else None
        return None if session is None else self._copies.get(session, language)

    def keep(self, cookie: str | None, language: str, kept: KeptReader) -> KeptReader:
        """Keep and return a reader."""
        with self._lock:
            self._readers[cookie, language] = kept
            self._readers.move_to_end((cookie, language))
            if len(self._readers) > MAX_READERS:
                self._readers.popitem(last=False)
        return kept

    def load(self, cookie: str | None, language: str) -> KeptReader | None:
        """Read a reader, and keep it.

        None if the cookie has no valid session, if the session must be renewed or has messages to show, or if the
        database does not answer: then the application handles the request.
        """
        began = time.monotonic()
        data = self._session(cookie) if cookie else {}
        if data is None or "_flashes" in data:
            return None
        if "user" not in data:
            visitor = Reader(language, has_cookie=bool(data), secret=str(data.get("csrf_token", "")))
            return self.keep(cookie, language, KeptReader(visitor, {}, {}, frozenset(), began))
        session = self._signed_in(data)
        try:
            kept = None if session is None else self._account(session, language, began)
        except SQLAlchemyError:
            return None
        if kept is None:
            return None
        if all(kept.tags.values()):
            self._copies.put(kept, language, MAX_AGE)
        return self.keep(cookie, language, kept)

    def is_usable(self, kept: KeptReader) -> bool:
        """Return whether a session neither ended nor must be renewed."""
        if kept.reader.expires_on is None:
            return True
        return int(time.time()) - kept.seen <= self._touch_interval and kept.reader.expires_on > now()

    def _session(self, cookie: str) -> dict[str, Any] | None:
        interface = self._app.session_interface
        serializer = (
            interface.get_signing_serializer(self._app) if isinstance(interface, SecureCookieSessionInterface) else None
        )
        try:
            age = int(self._app.permanent_session_lifetime.total_seconds())
            data = serializer.loads(cookie, max_age=age) if serializer else None
        except BadSignature:
            return None
        return data if isinstance(data, dict) and data else None

    def _signed_in(self, data: Mapping[str, Any]) -> SignedIn | None:
        """Return the session of an account, if the content of a cookie is one."""
        user_id, key, secret, seen = (data.get(name) for name in ("user", "key", "csrf_token", "seen"))
        if not (
            isinstance(user_id, int) and isinstance(key, str) and isinstance(secret, str) and isinstance(seen, int)
        ):
            return None
        return SignedIn(user_id, secret, self._token(secret), digest_of(key), seen)

    def _account(self, signed_in: SignedIn, language: str, began: float) -> KeptReader | None:
        user_id, digest = signed_in.user_id, signed_in.digest
        store, tag = self._context.fragments, versions.key("user", user_id)
        # Before the rows: a commit in between makes the reader outdated.
        tags = store.public.stamps.ensure([tag], store.cache.get_many([tag]))
        database = self._context.database
        with database.maker(bind=database.autocommit) as session:
            rows = session.execute(_signed_in(), {"user_id": user_id, "digest": digest, "present": now()}).all()
            if not rows:
                return None
            account = Account(*rows[0][: len(Account._fields)])
            held: Any = [_Held(row.hub_id, RoleName(row.role)) for row in rows if row.role not in (None, _PENDING)]
            who = person(account.id, account.username, held, **privileges(self._context.settings, account.username))
            bar = bookmarks.read(session, who)
        pending = frozenset(row.hub_id for row in rows if row.role == _PENDING)
        with i18n.use(account.locale if account.locale in i18n.locales() else language):
            reader = reader_of(self._app.jinja_env, account, who, signed_in, rows[0].expires_on, bar, pending)
        # Where a hub was read twice, the earlier tag counts: the roles are from then.
        hubs = {**bar.tags, **{row.hub_id: row.reader_tag for row in rows if row.reader_tag is not None}}
        read = {**{reader_row(hub_id): (0, of_hub) for hub_id, of_hub in hubs.items()}, digest: (0, rows[0].shown)}
        return KeptReader(reader, {tag: tags.get(tag, b"")}, read, frozenset(hubs), began, signed_in.seen)

    def _token(self, secret: str) -> str:
        """Return a CSRF token as `flask_wtf` signs it."""
        serializer = URLSafeTimedSerializer(self._app.config["WTF_CSRF_SECRET_KEY"], salt="wtf-csrf-token")
        return str(serializer.dumps(secret))


@dataclass(frozen=True, slots=True)
class _Held:
    hub_id: int
    role: RoleName


@cache
def _signed_in() -> Select[Any]:
    """Return the query for an account by its sign-in: a row for each role and each request to join."""
    user_id = bindparam("user_id", type_=Integer)
    pending = (JoinRequest.user_id == user_id, JoinRequest.state == RequestState.PENDING)
    held = union_all(
        select(Role.hub_id, cast_(Role.role, String).label("role")).where(Role.user_id == user_id),
        select(JoinRequest.hub_id, literal(_PENDING)).where(*pending),
    ).subquery()
    columns = [getattr(User, name) for name in Account._fields]
    shown = literal_column(SHOWN, String).label("shown")
    query = select(*columns, shown, SignIn.expires_on, held.c.hub_id, held.c.role, Hub.reader_tag)
    query = (
        query.join(SignIn, SignIn.user_id == User.id).outerjoin(held, true()).outerjoin(Hub, Hub.id == held.c.hub_id)
    )
    is_current = (SignIn.digest == bindparam("digest"), SignIn.expires_on > bindparam("present"))
    return query.where(User.id == user_id, *is_current)
