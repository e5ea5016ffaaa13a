"""Tables, datetimes, migrations, idle grades."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.util.exc import CommandError
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from hubs.models import Database, Hub, User, Visibility, Widget, digest, idle, migrations, now
from tests.migrated import lost_by_returning, lost_by_upgrading


def test_datetimes_are_read_back_aware_and_in_utc(session: Session) -> None:
    moment = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=5)))
    session.add(User(username="a", last_active=moment))
    session.commit()
    session.expire_all()
    stored = session.query(User).one().last_active
    assert stored == moment
    assert stored.tzinfo is UTC


def test_a_naive_datetime_is_refused(session: Session) -> None:
    session.add(User(username="a", last_active=datetime(2026, 3, 1)))
    with pytest.raises(StatementError, match="no time zone"):
        session.flush()


def test_migrations_produce_the_tables_of_the_models(database: Database) -> None:
    migrations.check(database)
    migrations.downgrade(database, "base")
    with pytest.raises(CommandError):
        migrations.check(database)
    migrations.upgrade(database)
    migrations.check(database)


def test_no_migration_loses_data(database: Database) -> None:
    assert lost_by_upgrading(database) == {}
    migrations.check(database)


def test_a_return_to_the_first_schema_and_back_loses_no_data(database: Database) -> None:
    assert lost_by_upgrading(database) == {}
    assert lost_by_returning(database) == {}
    migrations.check(database)


def test_a_widget_is_as_visible_as_its_hub_by_default(session: Session) -> None:
    session.add(Hub(kind="team", name="x", widgets=[Widget(plugin="about")]))
    session.flush()
    assert session.query(Widget).one().visibility == Visibility.PUBLIC
    with pytest.raises(IntegrityError):
        session.execute(text("UPDATE widgets SET visibility = 'nobody'"))


def test_a_widget_has_every_declared_parameter() -> None:
    row = Widget(settings={"a": 1})
    row.declared = {"a": 0, "b": None}
    assert dict(row.config) == {"a": 1, "b": None}


def test_the_database_enforces_its_constraints(session: Session) -> None:
    session.add(Hub(kind="team", name="x", left_width=12))
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    with pytest.raises(IntegrityError):
        session.execute(text("INSERT INTO widgets (hub_id, plugin, side) VALUES (99, 'x', 'left')"))


def test_columns_are_in_order() -> None:
    rows = [Widget(id=n, side=side, position=p) for n, side, p in ((1, "left", 2), (2, "left", 0), (3, "right", 1))]
    assert [row.id for row in Hub(widgets=rows).column("left")] == [2, 1]


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest("t", {"a": 1, "b": [2]}) == digest("t", {"b": [2], "a": 1})
    assert digest("t", {"a": 1}) != digest("u", {"a": 1})


@pytest.mark.parametrize(
    ("days", "grade"),
    [
        (0, "active"),
        (1, "day"),
        (7, "week"),
        (31, "month"),
        (91, "quarter"),
        (365, "year"),
        (731, "2years"),
        (1826, "5years"),
        (9999, "5years"),
    ],
)
def test_idle_grades(days: int, grade: str) -> None:
    assert idle.grade(now() - timedelta(days=days, minutes=5)) == grade


def test_a_hub_without_activity_has_a_grade_of_its_own() -> None:
    assert idle.grade(None) == "never"


def test_the_oldest_of_two_hubs_keeps_a_shared_address(database: Database) -> None:
    migrations.downgrade(database, "0013")
    columns = "display_name, summary, description, avatar, banner, visibility, join_mode, join_conditions, group_name"
    rest = "archived, left_width, extras, managed_in, version, created_on, updated_on"
    values = "'', '', '', '', '', 'public', 'request', '', '', false, 8, '{}', '', 1, '2026-01-01', '2026-01-01'"
    hubs = [("team", "otters"), ("regional", "otters"), ("project", "otters"), ("user", "otters"), ("team", "seals")]
    with database.engine.begin() as connection:
        for kind, name in [*hubs, ("team", "otters-regional")]:
            statement = f"INSERT INTO hubs (kind, name, {columns}, {rest}) VALUES (:kind, :name, {values})"
            connection.execute(text(statement), {"kind": kind, "name": name})
    migrations.upgrade(database)
    with database.session() as session:
        addresses = [(hub.kind, hub.name) for hub in session.query(Hub).order_by(Hub.id)]
        assert addresses == [
            ("team", "otters"),
            ("regional", "otters-regional-2"),
            ("project", "otters-project"),
            ("user", "otters"),
            ("team", "seals"),
            ("team", "otters-regional"),
        ]
        session.add(Hub(kind="event", name="seals"))
        with pytest.raises(IntegrityError):
            session.flush()
