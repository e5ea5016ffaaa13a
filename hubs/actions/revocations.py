"""Revocations: whoever may see less after a change hears less, within seconds and whatever fails meanwhile.

What ends access is recognised where rows are written, so no entry point can forget it: a role, a session, an account
or a hub that goes, and a hub or widget whose audience changes. The revocation is a row of the same transaction. After
the commit it is sent to Redis, which the event servers ask; the row is confirmed once Redis took it, and the daemon
repeats those that are not (`confirm_pending`). If Redis loses its data, its copy is restored from the rows.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import delete, event, inspect, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.events.log import EventLog
from hubs.events.message import hub_channel, session_scope, user_channel
from hubs.events.revocations import Incomplete
from hubs.models import Database, Hub, Revocation, Role, SignIn, User, Visibility, Widget, now
from hubs.models.session_events import defer, run_after_commit
from hubs.permissions import INSIDE

log = logging.getLogger(__name__)

#: The effect that sends revocations to Redis.
REVOKED = "revoke streams"
#: Where a session finds for how long a token is good, in seconds.
TOKEN_TTL = "token_ttl"  # noqa: S105 - the name of a setting
_DEFAULT_TTL = 6 * 3600
#: How long the program that made a change has to confirm its revocations before the daemon repeats them.
PATIENCE = timedelta(seconds=1)
#: Revocations that are repeated at once, and scopes that are restored at once.
BATCH = 1000


def revoke(session: Session, scope: str) -> None:
    """Refuse every token from before this transaction's commit that names ``scope``, and end its streams."""
    lifetime = timedelta(seconds=session.info.get(TOKEN_TTL, _DEFAULT_TTL))
    row = Revocation(scope=scope, created_on=now(), expires_on=now() + lifetime)
    session.add(row)
    defer(session, REVOKED, row)


def revoke_after_commit(database: Database, events: EventLog) -> None:
    """Record what the sessions of ``database`` end, and send it to Redis once they commit."""

    def record(session: Session, context: object, instances: object) -> None:
        for scope in _ended(session):
            revoke(session, scope)

    event.listen(database.maker, "before_flush", record)
    run_after_commit(database, REVOKED, partial(confirm, database, events))
    events.revocations.restore = partial(restore, database, events)


def confirm(database: Database, events: EventLog, rows: Sequence[Revocation]) -> bool:
    """Send revocations to Redis, and note in the database that it took them; return whether it did."""
    moment = now()
    scopes = list(dict.fromkeys(row.scope for row in rows))
    if not events.revoke(*scopes, moment=moment.timestamp()) or not events.forget(_logged(scopes)):
        return False
    with database.transaction() as session:
        pending = update(Revocation).where(Revocation.id.in_([row.id for row in rows]), Revocation.revoked_at.is_(None))
        session.execute(pending.values(revoked_at=moment))
    return True


def confirm_pending(database: Database, events: EventLog) -> int:
    """Repeat the revocations that Redis did not confirm; return how many are confirmed now."""
    with database.session() as session:
        waiting = Revocation.revoked_at.is_(None), Revocation.created_on < now() - PATIENCE
        rows = session.scalars(select(Revocation).where(*waiting).order_by(Revocation.id).limit(BATCH)).all()
    if not rows or not confirm(database, events, rows):
        return 0
    log.warning("%d revocations were not confirmed by Redis before", len(rows))
    return len(rows)


def restore(database: Database, events: EventLog) -> None:
    """Write all revocations to a Redis that lost its data.

    :raises redis.RedisError: when that cannot be done now.
    """
    epoch, count = events.revocations.epoch(), 0
    try:
        with database.session() as session:
            for rows in session.execute(_valid()).yield_per(BATCH).partitions():
                events.revocations.write(_newest(rows))
                count += len(rows)
    except SQLAlchemyError as error:
        raise Incomplete(f"revocations cannot be read: {type(error).__name__}") from error
    events.revocations.mark_complete(epoch)
    log.warning("Redis has new data, epoch %s: %d revocations were restored", epoch, count)


def purge(session: Session) -> None:
    """Remove the revocations of tokens that have all expired."""
    session.execute(delete(Revocation).where(Revocation.expires_on < now()))


def _valid() -> Any:
    good = select(Revocation.scope, Revocation.revoked_at, Revocation.expires_on)
    return good.where(or_(Revocation.expires_on > now(), Revocation.revoked_at.is_(None))).order_by(Revocation.id)


def _newest(rows: Iterable[Any]) -> dict[str, tuple[float, float]]:
    """Return the newest revocation of each scope, and for how many seconds it is kept."""
    newest: dict[str, tuple[float, float]] = {}
    for scope, revoked_at, expires_on in rows:
        # One that is not confirmed yet takes effect now.
        moment = (revoked_at or now()).timestamp(), (expires_on - now()).total_seconds()
        newest[scope] = max(moment, newest.get(scope, moment))
    return newest


def _logged(scopes: Iterable[str]) -> list[str]:
    """Return the channels of the hubs among ``scopes``, whose logs may tell what some may no longer see."""
    hubs = [int(scope.removeprefix("hub:")) for scope in scopes if scope.startswith("hub:")]
    return [hub_channel(hub, level, locale) for hub in hubs for level in Visibility for locale in i18n.locales()]


def _ended(session: Session) -> set[str]:
    """Return the scopes of those who may see less once what ``session`` is about to flush is committed."""
    hubs = {row.id for row in session.deleted if isinstance(row, Hub)}
    scopes = {f"hub:{number}" for number in hubs}
    for row in session.deleted:
        if isinstance(row, Role) and row.role in INSIDE and row.hub_id not in hubs:
            scopes.add(user_channel(row.user_id))
        elif isinstance(row, User):
            scopes.add(user_channel(row.id))
        elif isinstance(row, SignIn):
            scopes.add(session_scope(row.digest))
    for row in session.dirty:
        if isinstance(row, Hub) and (_changed(row, "visibility") or _changed(row, "deleted_on")):
            # Also a wider one: those who hear the hub must hear its new audience.
            scopes.add(f"hub:{row.id}")
        elif isinstance(row, Widget) and _changed(row, "visibility"):
            scopes.add(f"hub:{row.hub_id}")
        elif isinstance(row, Role) and _changed(row, "role"):
            scopes.add(user_channel(row.user_id))
    return scopes


def _changed(row: object, column: str) -> bool:
    return bool(inspect(row, raiseerr=True).attrs[column].history.has_changes())
