"""Revocations: people who lose access to something stop receiving it within seconds, whatever fails meanwhile.

Losses of access are detected when rows are flushed, so that no entry point can forget them: a role, a session, an
account or a hub that is deleted, and a hub, page or widget whose audience changes. The revocation is a row of the same
transaction. After the commit it is sent to Redis, where the event servers look it up. The row is confirmed once Redis
accepted it; the daemon repeats the unconfirmed ones (`confirm_pending`). If Redis loses its data, its copy is restored
from the rows.
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
from hubs.models import Database, Hub, Page, Revocation, Role, SignIn, User, Visibility, Widget, now
from hubs.models.session_events import defer, run_after_commit
from hubs.permissions import INSIDE

log = logging.getLogger(__name__)

#: The effect that sends revocations to Redis.
REVOKED = "revoke streams"
#: Key of ``Session.info`` for the lifetime of stream tokens, in seconds.
TOKEN_TTL = "token_ttl"  # noqa: S105 - the name of a setting
_DEFAULT_TTL = 6 * 3600
#: How long the program that made a change has to confirm its revocations before the daemon repeats them.
PATIENCE = timedelta(seconds=1)
#: Most revocations that are repeated in one go, and that are restored in one write.
BATCH = 1000
#: What decides whether a person is counted as being on a page: the tokens of streams say so (`hubs.events.presence`).
_COUNTS = ("activity", "unlisted")


def revoke(session: Session, scope: str) -> None:
    """Revoke every token for ``scope`` issued before this transaction commits, and end its streams."""
    lifetime = timedelta(seconds=session.info.get(TOKEN_TTL, _DEFAULT_TTL))
    row = Revocation(scope=scope, created_on=now(), expires_on=now() + lifetime)
    session.add(row)
    defer(session, REVOKED, row)


def revoke_after_commit(database: Database, events: EventLog) -> None:
    """Record the revocations that the sessions of ``database`` cause, and send them to Redis after the commit."""

    def record(session: Session, context: object, instances: object) -> None:
        for scope in _ended(session):
            revoke(session, scope)

    event.listen(database.maker, "before_flush", record)
    run_after_commit(database, REVOKED, partial(confirm, database, events))
    events.revocations.restore = partial(restore, database, events)


def confirm(database: Database, events: EventLog, rows: Sequence[Revocation]) -> bool:
    """Send revocations to Redis, and mark them as confirmed if it accepts them; return whether it did."""
    # Now, not when the rows were written: tokens that were issued in between may rest on rows from before the change.
    moment = now()
    scopes = list(dict.fromkeys(row.scope for row in rows))
    if not events.revoke(*scopes, moment=moment.timestamp()) or not events.forget(_logged(scopes)):
        return False
    with database.transaction() as session:
        pending = update(Revocation).where(Revocation.id.in_([row.id for row in rows]), Revocation.revoked_at.is_(None))
        session.execute(pending.values(revoked_at=moment))
    return True


def confirm_pending(database: Database, events: EventLog) -> int:
    """Repeat the revocations that Redis has not confirmed; return how many it confirms now."""
    with database.session() as session:
        pending = Revocation.revoked_at.is_(None), Revocation.created_on < now() - PATIENCE
        rows = session.scalars(select(Revocation).where(*pending).order_by(Revocation.id).limit(BATCH)).all()
    if not rows or not confirm(database, events, rows):
        return 0
    log.warning("%d revocations were not confirmed by Redis before", len(rows))
    return len(rows)


def restore(database: Database, events: EventLog) -> None:
    """Write all revocations to a Redis that lost its data, or that may lack those of the time it was unavailable.

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
    log.warning("Redis lost data or was unavailable; %d revocations were written again, epoch %s", count, epoch)


def purge(session: Session) -> None:
    """Remove revocations that only concern expired tokens."""
    session.execute(delete(Revocation).where(Revocation.expires_on < now()))


def _valid() -> Any:
    query = select(Revocation.scope, Revocation.revoked_at, Revocation.expires_on)
    return query.where(or_(Revocation.expires_on > now(), Revocation.revoked_at.is_(None))).order_by(Revocation.id)


def _newest(rows: Iterable[Any]) -> dict[str, tuple[float, float]]:
    """Return the time of the newest revocation of each scope, and for how many seconds to keep it."""
    newest: dict[str, tuple[float, float]] = {}
    for scope, revoked_at, expires_on in rows:
        # A revocation that is not confirmed yet takes effect now.
        moment = (revoked_at or now()).timestamp(), (expires_on - now()).total_seconds()
        newest[scope] = max(moment, newest.get(scope, moment))
    return newest


def _logged(scopes: Iterable[str]) -> list[str]:
    """Return the channels of the hubs among ``scopes``: their logs may contain events that some may no longer see."""
    hubs = [int(scope.removeprefix("hub:")) for scope in scopes if scope.startswith("hub:")]
    return [hub_channel(hub, level, locale) for hub in hubs for level in Visibility for locale in i18n.locales()]


def _ended(session: Session) -> set[str]:
    """Return the scopes that lose access through the changes that ``session`` is about to flush."""
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
        if isinstance(row, User) and _changed(row, *_COUNTS):
            scopes.add(user_channel(row.id))
        elif isinstance(row, Hub) and _changed(row, "visibility", "deleted_on", "presence"):
            # Also if it becomes wider: open streams do not listen to the channel of the new audience yet.
            scopes.add(f"hub:{row.id}")
        elif isinstance(row, Page | Widget) and (_changed(row, "visibility") or _changes_audience(row)):
            scopes.add(f"hub:{row.hub_id}")
        elif isinstance(row, Role) and _changed(row, "role"):
            scopes.add(user_channel(row.user_id))
    return scopes


def _changes_audience(row: Page | Widget) -> bool:
    """Return whether a widget moves to a page that others may see."""
    if isinstance(row, Page):
        return False
    # The history of a relation leaves out None, which is the home page.
    pages = inspect(row, raiseerr=True).attrs["page"].history
    before, after = ([*side, None][0] for side in (pages.deleted, pages.added))
    return pages.has_changes() and _level(before) != _level(after)


def _level(page: Page | None) -> Visibility:
    return Visibility.PUBLIC if page is None else page.visibility


def _changed(row: object, *columns: str) -> bool:
    attributes = inspect(row, raiseerr=True).attrs
    return any(attributes[column].history.has_changes() for column in columns)
