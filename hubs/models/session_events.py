"""Effects of a commit: collected by a session while it writes, run once it commits, discarded if it rolls back.

Whatever must follow a change (publish it, revoke streams, notify people, invalidate cached content) is collected here,
so that it happens in the same way whichever program made the change. An effect that fails is logged, and the others
still run. Effects that must not be lost are also rows of the transaction, which the daemon processes later.
"""

import logging
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.orm import Session

from hubs.models.database import Database
from hubs.models.hub import Hub
from hubs.models.user import User

log = logging.getLogger(__name__)

T = TypeVar("T", bound=Hashable)
_READ, TOUCHED = "hubs.models.read", "hubs.models.touched"


def defer(session: Session, effect: Hashable, *values: object) -> None:
    """Collect ``values`` for the function that `run_after_commit` registered under the name ``effect``."""
    session.info.setdefault(effect, []).extend(values)


def run_after_commit(database: Database, effect: Hashable, act: Callable[[Sequence[Any]], object]) -> None:
    """Call ``act`` after each commit of ``database`` with the values that the session deferred under ``effect``.

    Effects run in the order of their registration. The session cannot be used in them: its transaction is over.
    """

    def commit(session: Session) -> None:
        if not session.in_nested_transaction() and (values := session.info.pop(effect, None)):
            _attempt(effect, act, values)

    def discard(session: Session) -> None:
        if not session.in_nested_transaction():
            session.info.pop(effect, None)

    event.listen(database.maker, "after_commit", commit)
    event.listen(database.maker, "after_rollback", discard)


def run_each_after_commit(database: Database, effect: Hashable, act: Callable[[Any], object]) -> None:
    """Do what `run_after_commit` does, one value at a time: one that fails does not affect the others."""

    def act_on_each(values: Sequence[Any]) -> None:
        for value in values:
            _attempt(effect, act, value)

    run_after_commit(database, effect, act_on_each)


def after_commit(
    database: Database, collect: Callable[[Session], Iterable[T]], act: Callable[[set[T]], object], name: object = None
) -> None:
    """Call ``act`` after each commit of ``database`` with everything that ``collect`` returned at the flushes.

    More can be added with `defer` under ``name``, as `touch` does.
    """
    effect = name or act

    def note(session: Session, context: object) -> None:
        defer(session, effect, *collect(session))

    event.listen(database.maker, "after_flush", note)
    run_after_commit(database, effect, lambda values: act(set(values)))


def _attempt(effect: Hashable, act: Callable[[Any], object], values: Any) -> None:
    try:
        act(values)
    except Exception:  # the change is committed: nothing may keep its other effects from running
        log.exception("an effect of a committed change failed: %s", effect)


def touched(session: Session) -> set[tuple[str, int]]:
    """Return the hubs and people that a flush concerns, as ``("hub", id)`` and ``("user", id)``.

    Bulk statements bypass the flush: code that runs one calls `touch`.
    """
    return about((*session.new, *session.dirty, *session.deleted))


def touch(session: Session, kind: str, ids: Iterable[int]) -> None:
    """Mark hubs or people (``kind`` is ``hub`` or ``user``) as changed by a bulk statement."""
    defer(session, TOUCHED, *((kind, subject_id) for subject_id in ids))


def about(rows: Iterable[object]) -> set[tuple[str, int]]:
    """Return the hubs and people among rows, and those that rows name by ``hub_id`` and ``user_id``."""
    subjects: set[tuple[str, object]] = set()
    for row in rows:
        if isinstance(row, Hub | User):
            subjects.add(("hub" if isinstance(row, Hub) else "user", row.id))
        subjects.update((kind, getattr(row, f"{kind}_id", None)) for kind in ("hub", "user"))
    return {(kind, subject_id) for kind, subject_id in subjects if isinstance(subject_id, int)}


def track_reads(database: Database) -> None:
    """Make sessions of ``database`` able to record the rows that they load; `start_tracking` turns it on."""

    def note(session: Session, row: object) -> None:
        if _READ in session.info:
            session.info[_READ].append(row)

    event.listen(database.maker, "loaded_as_persistent", note)


def start_tracking(session: Session) -> None:
    """Start recording the rows that the session loads; rows it loaded earlier are not seen."""
    session.info[_READ] = []


def note_reads(session: Session, kind: str, ids: Iterable[int]) -> None:
    """Record hubs or people (``kind`` is ``hub`` or ``user``) that were read as columns instead of objects."""
    if _READ in session.info:
        session.info[_READ].extend((kind, subject_id) for subject_id in ids)


def stop_tracking(session: Session) -> set[tuple[str, int]]:
    """Return the hubs and people that the rows read since `start_tracking` concern."""
    rows = session.info.pop(_READ, [])
    return about(rows) | {row for row in rows if isinstance(row, tuple)}
