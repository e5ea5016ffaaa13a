"""Stores a batch of messages on PostgreSQL in one statement, in a third of the time of one insert per table.

Each column is passed as an array. `hubs.actions.messages` decides what is stored, for both databases; the same tests
run on both.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, DateTime, String
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

from hubs.models import StoredMessage
from hubs.models.database import to_json

_STORE = """
WITH said AS (
    SELECT * FROM unnest({arrays}) AS said ({names})
), fresh AS (
    INSERT INTO messages ({names}) SELECT {values} FROM said
    ON CONFLICT DO NOTHING
    RETURNING id, msg_id, sent_at, received_at, category, hub_id
), people AS (
    INSERT INTO message_people (message_id, username, sent_at, received_at, category, hub_id)
    SELECT fresh.id, named.username, fresh.sent_at, fresh.received_at, fresh.category, fresh.hub_id
    FROM unnest(%(people_of)s::text[], %(people)s::text[]) AS named (msg_id, username) JOIN fresh USING (msg_id)
), packages AS (
    INSERT INTO message_packages (message_id, package, sent_at, received_at)
    SELECT fresh.id, named.package, fresh.sent_at, fresh.received_at
    FROM unnest(%(packages_of)s::text[], %(packages)s::text[]) AS named (msg_id, package) JOIN fresh USING (msg_id)
)
SELECT msg_id FROM fresh
"""


def store(
    session: Session,
    rows: Sequence[Mapping[str, Any]],
    people: Sequence[tuple[str, str]],
    packages: Sequence[tuple[str, str]],
) -> set[str]:
    """Insert the messages that are new, with the people and packages that they name; return the ids of the new ones.

    :param rows: values by column.
    :param people: pairs of message id and username; ``packages`` alike.
    """
    names = tuple(rows[0])
    values: dict[str, Any] = {}
    for name in names:
        encode = _type(name)[1]
        values[name] = [encode(row[name]) for row in rows]
    values["people_of"] = [msg_id for msg_id, _ in people]
    values["people"] = [username for _, username in people]
    values["packages_of"] = [msg_id for msg_id, _ in packages]
    values["packages"] = [package for _, package in packages]
    return {msg_id for (msg_id,) in session.connection().exec_driver_sql(_statement(names), values)}


@cache
def _statement(names: tuple[str, ...]) -> str:
    types = {name: _type(name)[0] for name in names}
    # psycopg2 cannot pass arrays of JSON, so they are passed as text.
    arrays = (f"%({name})s::{'text' if kind == 'json' else kind}[]" for name, kind in types.items())
    values = (f"{name}::json" if kind == "json" else name for name, kind in types.items())
    return _STORE.format(arrays=", ".join(arrays), names=", ".join(names), values=", ".join(values))


def _type(name: str) -> tuple[str, Callable[[Any], Any]]:
    """Return the SQL type of the array that passes a column's values, and the function that encodes a value."""
    declared = StoredMessage.__table__.c[name].type
    kind = declared.impl if isinstance(declared, TypeDecorator) else declared
    if isinstance(kind, JSON):
        return "json", lambda value: None if value is None else to_json(value)
    if isinstance(kind, DateTime):
        return "timestamptz", lambda moment: moment and moment.isoformat()
    if isinstance(kind, String):  # a cast to varchar(n) would truncate long values instead of failing
        return "text", lambda text: text
    return str(kind), lambda value: value
