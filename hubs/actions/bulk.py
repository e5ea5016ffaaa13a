"""What PostgreSQL does with a whole batch of messages in one statement: a third of the time of one insert per table.

The values travel as arrays, one per column. Rows keep the order of the arrays.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

_STORE = """
WITH said AS (
    SELECT * FROM unnest(
        %(msg_id)s::text[], %(topic)s::text[], %(category)s::text[], %(sent_at)s::timestamptz[],
        %(received_at)s::timestamptz[], %(sentence)s::text[], %(link)s::text[], %(icon)s::text[], %(body)s::text[]
    ) AS said (msg_id, topic, category, sent_at, received_at, sentence, link, icon, body)
), fresh AS (
    INSERT INTO messages (msg_id, topic, category, sent_at, received_at, sentence, link, icon, body)
    SELECT msg_id, topic, category, sent_at, received_at, sentence, link, icon, body::json FROM said
    ON CONFLICT (msg_id) DO NOTHING
    RETURNING id, msg_id, sent_at, category
), people AS (
    INSERT INTO message_people (message_id, username, sent_at, category)
    SELECT fresh.id, named.username, fresh.sent_at, fresh.category
    FROM unnest(%(people_of)s::text[], %(people)s::text[]) AS named (msg_id, username) JOIN fresh USING (msg_id)
), packages AS (
    INSERT INTO message_packages (message_id, package, sent_at)
    SELECT fresh.id, named.package, fresh.sent_at
    FROM unnest(%(packages_of)s::text[], %(packages)s::text[]) AS named (msg_id, package) JOIN fresh USING (msg_id)
)
SELECT msg_id FROM fresh
"""
#: Rows are locked in the order of their ids: two daemons that update the same ones would else wait for each other.
_PEOPLE = """
WITH seen AS (
    SELECT * FROM unnest(%(username)s::text[], %(moment)s::timestamptz[]) AS seen (username, moment)
), due AS (
    SELECT users.id, seen.moment FROM users JOIN seen USING (username)
    WHERE last_active IS NULL OR last_active < seen.moment - %(step)s ORDER BY users.id FOR UPDATE OF users
)
UPDATE users SET last_active = due.moment FROM due WHERE users.id = due.id
"""
_HUBS = """
WITH seen AS (
    SELECT * FROM unnest(%(username)s::text[], %(moment)s::timestamptz[]) AS seen (username, moment)
), newest AS (
    SELECT roles.hub_id, max(seen.moment) AS moment
    FROM seen JOIN users USING (username) JOIN roles ON roles.user_id = users.id
    WHERE roles.role IN ('owner', 'member') GROUP BY roles.hub_id
), due AS (
    SELECT hubs.id, newest.moment FROM hubs JOIN newest ON newest.hub_id = hubs.id
    WHERE last_activity IS NULL OR last_activity < newest.moment - %(step)s ORDER BY hubs.id FOR UPDATE OF hubs
)
UPDATE hubs SET last_activity = due.moment FROM due WHERE hubs.id = due.id
"""


def store(
    session: Session,
    rows: Sequence[Mapping[str, Any]],
    people: Sequence[tuple[str, str]],
    packages: Sequence[tuple[str, str]],
) -> set[str]:
    """Insert the messages that are new with whom and what they name; return the ids of those.

    :param rows: values by column; ``people`` and ``packages`` are pairs of message id and name.
    """
    columns = {name: [row[name] for row in rows] for name in rows[0] if name != "body"}
    for name in ("sent_at", "received_at"):
        columns[name] = [moment.isoformat() for moment in columns[name]]
    columns["body"] = [json.dumps(row["body"]) for row in rows]
    values = {
        **columns,
        "people_of": [msg_id for msg_id, _ in people],
        "people": [username for _, username in people],
        "packages_of": [msg_id for msg_id, _ in packages],
        "packages": [package for _, package in packages],
    }
    return {msg_id for (msg_id,) in session.connection().exec_driver_sql(_STORE, values)}


def note_activity(session: Session, seen: Mapping[str, datetime], step: timedelta) -> None:
    """Move the last activity of people, and of the hubs where they are owner or member, forward by ``step`` or more."""
    values = {"username": list(seen), "moment": [moment.isoformat() for moment in seen.values()], "step": step}
    session.connection().exec_driver_sql(_PEOPLE, values)
    session.connection().exec_driver_sql(_HUBS, values)
