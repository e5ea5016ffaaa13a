"""Re-encrypts every stored secret with the first key of the instance, so that the former keys can be removed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import JSON, Column, RowMapping, Table, Text, cast, select, update
from sqlalchemy.orm import Session

from hubs.models import Database
from hubs.models.base import Base
from hubs.widgets.secrets import SecretBox, Unreadable, is_sealed

#: Rows that are locked and rewritten in one transaction.
CHUNK = 200


@dataclass
class Outcome:
    """What a rotation did: numbers of secrets, and the places of those that no key opens."""

    rotated: int = 0
    current: int = 0
    unreadable: list[str] = field(default_factory=list)


def rotate(database: Database, box: SecretBox) -> Outcome:
    """Encrypt all stored secrets with the first key of ``box``: those of widgets, drafts, webhooks and hubs.

    Every JSON column of every table is read, so that no kind of secret can be forgotten. Rows are locked while they
    are rewritten; they keep their version, because their content does not change.
    """
    outcome = Outcome()
    for table in Base.metadata.sorted_tables:
        if columns := [column for column in table.columns if isinstance(column.type, JSON)]:
            for keys in _chunks(database, table, columns):
                with database.session() as session:
                    _rotate_rows(session, table, columns, keys, box, outcome)
                    session.commit()
    return outcome


def _chunks(database: Database, table: Table, columns: list[Column[Any]]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the primary keys of the rows that contain a secret, in batches."""
    has_secret = [cast(column, Text).contains('"sealed"') for column in columns]
    condition = has_secret[0]
    for other in has_secret[1:]:
        condition = condition | other
    with database.session() as session:
        keys = [tuple(row) for row in session.execute(select(*table.primary_key.columns).where(condition))]
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]


def _rotate_rows(
    session: Session,
    table: Table,
    columns: list[Column[Any]],
    keys: list[tuple[Any, ...]],
    box: SecretBox,
    outcome: Outcome,
) -> None:
    for key in keys:
        is_row = [column == value for column, value in zip(table.primary_key.columns, key, strict=True)]
        # The row may have changed or gone since its key was read.
        row = session.execute(select(*columns).where(*is_row).with_for_update()).mappings().first()
        changed = _changed(row, columns, box, outcome, f"{table.name} {key}") if row else {}
        if changed:
            session.execute(update(table).where(*is_row).values(changed))


def _changed(
    row: RowMapping, columns: list[Column[Any]], box: SecretBox, outcome: Outcome, place: str
) -> dict[str, Any]:
    """Return the columns of a row whose secrets have to be stored again, with their new values."""

    def renew(sealed: Any) -> Any:
        if box.is_current(sealed):
            outcome.current += 1
            return sealed
        try:
            renewed = box.encrypt(box.open(sealed))
        except Unreadable:
            outcome.unreadable.append(place)
            return sealed
        outcome.rotated += 1
        return renewed

    values = {column.name: _replace(row[column.name], renew) for column in columns}
    return {name: value for name, value in values.items() if value != row[name]}


def _replace(value: Any, renew: Callable[[Any], Any]) -> Any:
    """Return a JSON value in which every secret is replaced by ``renew`` of it."""
    if is_sealed(value):
        return renew(value)
    if isinstance(value, dict):
        return {name: _replace(part, renew) for name, part in value.items()}
    if isinstance(value, list):
        return [_replace(part, renew) for part in value]
    return value
