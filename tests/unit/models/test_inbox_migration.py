"""The migration that gives notifications reasons, subjects and marks."""

from sqlalchemy import text

from hubs.models import Database, Hub, User, migrations

#: Kind, the person who caused it, its message, whether it is read.
OLD = [
    ("join-request", "ottoline", None, False),
    ("join-request", "pernille", None, True),
    ("invitation", "ottoline", None, False),
    ("request-denied", "ottoline", None, True),
    ("request-approved", "ottoline", None, False),
    ("mention", "", 1, False),
]
NEW = [
    (1, "requested", 1, "join:1:ottoline", 0),
    (2, "requested", 1, "join:1:pernille", 1),
    (3, "invited", 1, "invitation:1", 0),
    # Of two notifications about one membership the newer one is kept.
    (5, "role-changed", 0, "membership:1", 0),
    (6, "followed", 0, "message:1", 0),
]


def test_notifications_are_kept_with_a_reason_and_a_subject(database: Database) -> None:
    with database.transaction() as session:
        session.add_all([User(id=1, username="ottoline"), Hub(id=1, kind="team", name="otters")])
    migrations.downgrade(database, "0037")
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO messages (id, msg_id, topic, category, sent_at, received_at, sentence, link, icon)"
                " VALUES (1, 'm1', 'a.b.dev.c', 'c', '2026-01-01', '2026-01-01', '', '', '')"
            )
        )
        statement = (
            "INSERT INTO notices (id, user_id, hub_id, kind, about, message_id, created_on, read)"
            " VALUES (:id, 1, 1, :kind, :about, :message, '2026-01-01', :read)"
        )
        for number, (kind, about, message, read) in enumerate(OLD, 1):
            values = {"id": number, "kind": kind, "about": about, "message": message, "read": read}
            connection.execute(text(statement), values)
    migrations.upgrade(database)
    with database.engine.connect() as connection:
        rows = connection.execute(text("SELECT id, reason, needs_you, subject, read FROM notices ORDER BY id"))
        assert [tuple(row) for row in rows] == NEW
        moved = connection.execute(text("SELECT count(*) FROM notices WHERE moved_on <> created_on"))
        assert moved.scalar_one() == 0
    migrations.check(database)
    migrations.downgrade(database, "0037")
    with database.engine.connect() as connection:
        kinds = connection.execute(text("SELECT kind FROM notices ORDER BY id")).scalars().all()
    assert kinds == [OLD[number - 1][0] for number, *_ in NEW]
    migrations.upgrade(database)
