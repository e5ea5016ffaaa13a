"""The migration that finds the hub of each of our own messages by current and former names."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from hubs.models import Database, FormerName, Hub, StoredMessage, User, Visibility, migrations

TIDES, OTTERS, NEW_OTTERS, HERONS, OWN = 1, 2, 3, 4, 5
BODIES = {
    "by-id": {"hub_id": TIDES, "hub_url": "https://h.example/t/renamed-often/"},
    "by-name": {"hub_url": "https://h.example/t/tides/"},
    "own-hub": {"hub_url": "https://h.example/u/tides/"},
    # OTTERS was renamed; NEW_OTTERS took its name later.
    "former-name": {"hub_url": "https://h.example/t/otters/"},
    "new-holder": {"hub_url": "https://h.example/t/otters/"},
    "hidden": {"hub_url": "https://h.example/t/herons/", "username": "rana"},
    "nul": {"hub_url": "https://h.example/t/tides/", "a": "\0"},
    "unknown": {"hub_url": "https://h.example/t/gone/"},
    "no-address": {"username": "rana"},
    "odd": {"hub_url": 17, "hub_id": "x"},
}
EXPECTED = {
    "by-id": TIDES,
    "by-name": TIDES,
    "own-hub": OWN,
    "former-name": OTTERS,
    "new-holder": NEW_OTTERS,
    "nul": TIDES,
    "unknown": None,
    "no-address": None,
    "odd": None,
    "foreign": None,
    "without-body": None,
}


@pytest.fixture
def filled(database: Database) -> Database:
    """Return a database of the revision before, with messages."""
    first, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    with database.transaction() as session:
        session.add(User(id=1, username="rana"))
        session.add_all(
            [
                Hub(id=TIDES, kind="team", name="tides", created_on=first),
                Hub(id=OTTERS, kind="team", name="sea-otters", created_on=first),
                Hub(id=NEW_OTTERS, kind="team", name="otters", created_on=later),
                Hub(id=HERONS, kind="team", name="herons", created_on=first, visibility=Visibility.MEMBERS),
                Hub(id=OWN, kind="user", name="tides", created_on=first),
            ]
        )
        session.flush()
        session.add(FormerName(space="t", name="otters", hub_id=OTTERS))
    migrations.downgrade(database, "0031")
    with database.engine.begin() as connection:
        rows = [(name, "hubs", json.dumps(body)) for name, body in BODIES.items()]
        rows += [("foreign", "tides", json.dumps(BODIES["by-id"])), ("without-body", "hubs", None)]
        for number, (name, category, body) in enumerate(rows, 1):
            at = "2026-04-01" if name == "new-holder" else "2026-02-01"
            statement = (
                "INSERT INTO messages (id, msg_id, topic, category, sent_at, received_at, sentence, link, icon, body)"
                " VALUES (:id, :name, 'a.b.dev.hubs.x', :category, :at, :at, '', '', '', :body)"
            )
            values = {"id": number, "name": name, "category": category, "at": f"{at} 10:00:00+00:00", "body": body}
            connection.execute(text(statement), values)
        people = (
            "INSERT INTO message_people (message_id, username, sent_at, received_at, category)"
            " SELECT id, 'rana', sent_at, received_at, category FROM messages"
        )
        connection.execute(text(people))
    return database


def test_older_messages_get_their_hub_and_those_of_hidden_hubs_go(filled: Database) -> None:
    migrations.upgrade(filled)
    with filled.session() as session:
        assert {row.msg_id: row.about_hub_id for row in session.query(StoredMessage)} == EXPECTED
        assert all(row.people for row in session.query(StoredMessage))
        left = session.execute(text("SELECT count(*) FROM message_people")).scalar()
    assert left == len(EXPECTED)
    migrations.check(filled)
