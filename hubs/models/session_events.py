"""Effects of a commit: collected by a session while it writes, run once it commits, discarded if it rolls back.

Whatever must follow a change (publish it, revoke streams, notify people, invalidate cached content) is collected here,
so that it happens in the same way whichever program made the change. An effect that fails is logged, and the others
still run: what must not be lost is also a row that the transaction writes, and that the daemon works off.
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
    database: Database, collect: Callable[[Session], Iterable[T]], act: Callable[[set[T]], None], name: object = None
) -> None:
    """Call ``act`` after each commit of ``database`` with all that ``collect`` returned at the session's flushes.

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
    """Return the hubs and people that a flush was about, as ``("hub", id)`` and ``("user", id)``.

    What a statement changes without loading rows is not seen: who runs it calls `touch`.
    """
    return about((*session.new, *session.dirty, *session.deleted))


def touch(session: Session, kind: str, numbers: Iterable[int]) -> None:
    """Let those count as changed whom a statement is about: a ``hub`` or a ``user`` with one of these ids."""
    defer(session, TOUCHED, *((kind, number) for number in numbers))


def about(rows: Iterable[object]) -> set[tuple[str, int]]:
    """Return the hubs and people among rows, and those that rows name by ``hub_id`` and ``user_id``."""
    found: set[tuple[str, object]] = set()
    for row in rows:
        if isinstance(row, Hub | User):
            found.add(("hub" if isinstance(row, Hub) else "user", row.id))
        found.update((kind, getattr(row, f"{kind}_id", None)) for kind in ("hub", "user"))
    return {(kind, number) for kind, number in found if isinstance(number, int)}


def note_reads(database: Database) -> None:
    """Let sessions of ``database`` note which rows they load, those for which `begin_reading` is called."""

    def note(session: Session, row: object) -> None:
        if _READ in session.info:
            session.info[_READ].append(row)

    event.listen(database.maker, "loaded_as_persistent", note)


def begin_reading(session: Session) -> None:
    """Note from here on which rows the session loads; of no use once it has loaded some."""
    session.info[_READ] = []


def end_reading(session: Session) -> set[tuple[str, int]]:
    """Return which hubs and people the rows are about that were loaded since `begin_reading`."""
    return about(session.info.pop(_READ, []))
