"""What follows the commit of a session: collected while it writes, done once it commits, forgotten if it rolls back."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from sqlalchemy import event
from sqlalchemy.orm import Session

from hubs.models.database import Database
from hubs.models.hub import Hub
from hubs.models.user import User

T = TypeVar("T", bound=Hashable)
_READ, TOUCHED = "hubs.models.read", "hubs.models.touched"


def after_commit(
    database: Database, collect: Callable[[Session], Iterable[T]], act: Callable[[set[T]], None], name: object = None
) -> None:
    """Let every session of ``database`` call ``act`` after its commit with all that ``collect`` told at its flushes.

    What was collected is in the session's notes under ``name``, for who must add something, such as `touch`.
    """
    name = name or object()

    def note(session: Session, context: object) -> None:
        session.info.setdefault(name, set()).update(collect(session))

    def commit(session: Session) -> None:
        if not session.in_nested_transaction():
            found = session.info.pop(name, None)
            if found:
                act(found)

    def drop(session: Session) -> None:
        if not session.in_nested_transaction():
            session.info.pop(name, None)

    event.listen(database.maker, "after_flush", note)
    event.listen(database.maker, "after_commit", commit)
    event.listen(database.maker, "after_rollback", drop)


def touched(session: Session) -> set[tuple[str, int]]:
    """Return the hubs and people that a flush was about, as ``("hub", id)`` and ``("user", id)``.

    What a statement changes without loading rows is not seen: who runs it calls `touch`.
    """
    return about((*session.new, *session.dirty, *session.deleted))


def touch(session: Session, kind: str, numbers: Iterable[int]) -> None:
    """Let those count as changed whom a statement is about: a ``hub`` or a ``user`` with one of these ids."""
    session.info.setdefault(TOUCHED, set()).update((kind, number) for number in numbers)


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
