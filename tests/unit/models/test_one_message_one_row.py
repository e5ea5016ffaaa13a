"""The migration that merges duplicates of a message into one row with a plain UUID."""

from sqlalchemy import text

from hubs.models import Database, Hub, User, migrations

UUIDS = [f"8d116ece-1738-47d9-bd9c-17241{number:07d}" for number in range(3)]
MESSAGES = {
    1: (f"2026-{UUIDS[0]}", "2026-01-01 10:00:00", "2026-01-01 10:00:05"),
    2: (UUIDS[0].upper(), "2099-01-01 10:00:00", "2026-01-01 10:00:06"),
    3: (f"2025-{UUIDS[1]}", "2026-01-02 10:00:00", "2026-01-02 10:00:00"),
    4: ("demo-Seven-1", "2099-01-01 10:00:00", "2026-01-03 10:00:00"),
    5: (f"none-{UUIDS[2]}", "2026-01-04 10:00:00", "2026-01-04 10:00:00"),
}
PEOPLE = [(1, "ottoline"), (2, "ottoline"), (2, "pernille"), (3, "ottoline"), (4, "ottoline")]


def test_duplicates_are_merged_with_their_dependent_rows(database: Database) -> None:
    with database.transaction() as session:
        session.add_all([User(id=1, username="ottoline"), Hub(id=1, kind="team", name="otters")])
    migrations.downgrade(database, "0021")
    with database.engine.begin() as connection:
        for number, (msg_id, sent, received) in MESSAGES.items():
            values = {"id": number, "msg_id": msg_id, "sent": sent, "received": received}
            statement = (
                "INSERT INTO messages (id, msg_id, topic, category, sent_at, received_at, sentence, link, icon)"
                " VALUES (:id, :msg_id, 'a.b.dev.c', 'c', :sent, :received, '', '', '')"
            )
            connection.execute(text(statement), values)
        for number, name in PEOPLE:
            statement = (
                "INSERT INTO message_people (message_id, username, sent_at, category) VALUES (:id, :name, :at, 'c')"
            )
            connection.execute(text(statement), {"id": number, "name": name, "at": MESSAGES[number][1]})
        for number in (1, 2):
            statement = (
                "INSERT INTO notices (user_id, hub_id, kind, about, message_id, created_on, read)"
                " VALUES (1, 1, 'mention', '', :id, '2026-01-01', false)"
            )
            connection.execute(text(statement), {"id": number})
        connection.execute(
            text(
                "INSERT INTO stream_marks (user_id, message_id, saved, hidden, created_on)"
                " VALUES (1, 2, true, false, '2026-01-01')"
            )
        )
    migrations.upgrade(database)
    with database.engine.connect() as connection:

        def rows(statement: str) -> list[tuple[object, ...]]:
            return [tuple(row) for row in connection.execute(text(statement))]

        assert rows("SELECT id, msg_id FROM messages ORDER BY id") == [
            (1, UUIDS[0]),
            (3, UUIDS[1]),
            (4, "demo-Seven-1"),
            (5, f"none-{UUIDS[2]}"),
        ]
        assert rows("SELECT message_id, username FROM message_people ORDER BY 1, 2") == [
            (1, "ottoline"),
            (1, "pernille"),
            (3, "ottoline"),
            (4, "ottoline"),
        ]
        assert rows("SELECT message_id FROM notices") == [(1,)]
        assert rows("SELECT message_id, saved FROM stream_marks") == [(1, 1)]
        # What was dated in the future is as old as its receipt; the rest keeps its place.
        moments = rows(
            "SELECT id, substr(CAST(received_at AS text), 1, 19), sent_at = received_at FROM messages ORDER BY id"
        )
        assert moments[0] == (1, "2026-01-01 10:00:00", 1)
        assert moments[2] == (4, "2026-01-03 10:00:00", 1)
        unequal = "SELECT count(*) FROM message_people p JOIN messages m ON m.id = p.message_id"
        assert rows(f"{unequal} WHERE p.received_at <> m.received_at") == [(0,)]
    migrations.check(database)
