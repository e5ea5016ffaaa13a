"""Names that differ only in case: the migration reports them, they keep working, and new ones are refused."""

import logging

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from hubs.actions import hubs, lifecycle
from hubs.actions.people import roles
from hubs.errors import Conflict
from hubs.models import Base, Database, Hub, User, migrations
from hubs.permissions import OPERATOR
from hubs.widgets.registry import Registry
from tests.unit.conftest import user_of

#: Kinds and names of hubs, and names of people; some differ only in case.
NAMES = (("team", "Docs"), ("sig", "docs"), ("user", "DOCS"), ("team", "otters"))
PEOPLE = ("Adalind", "adalind", "rana")


def test_clashes_are_reported_and_keep_working(
    database: Database, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    with database.transaction() as session:
        session.add_all([Hub(kind=kind, name=f"clash-{number}") for number, (kind, _name) in enumerate(NAMES)])
        session.add_all([User(username=f"clash-{name}-{number}") for number, name in enumerate(PEOPLE)])
    migrations.downgrade(database, "0033")
    # Names alone: the models have columns that this version of the tables has not.
    with database.engine.begin() as connection:
        for number, (_kind, name) in enumerate(NAMES):
            values = {"name": name, "former": f"clash-{number}"}
            connection.execute(text("UPDATE hubs SET name = :name WHERE name = :former"), values)
        for number, name in enumerate(PEOPLE):
            values = {"name": name, "former": f"clash-{name}-{number}"}
            connection.execute(text("UPDATE users SET username = :name WHERE username = :former"), values)
    with caplog.at_level(logging.WARNING):
        migrations.upgrade(database)
    assert "/t/Docs, /t/docs" in caplog.text
    assert "/u/Adalind, /u/adalind" in caplog.text
    assert "DOCS" not in caplog.text
    assert "otters" not in caplog.text
    with database.session() as session:
        assert [hubs.at_address(session, "team", name).name for name in ("Docs", "docs")] == ["Docs", "docs"]  # type: ignore[union-attr]
        assert [user_of(session, name).username for name in ("Adalind", "adalind")] == ["Adalind", "adalind"]
        assert roles.find_account(session, "Adalind").username == "Adalind"  # type: ignore[union-attr]
        founder = user_of(session, "rana")
        for name in ("DOCS", "Otters"):
            with pytest.raises(Conflict, match=f"The name {name} is taken"):
                hubs.create(session, registry, founder, "team", name)
        assert hubs.at_address(session, "team", "docs") is not None
        renamed = hubs.at_address(session, "team", "docs")
        assert renamed is not None
        with pytest.raises(Conflict):
            lifecycle.rename(session, OPERATOR, renamed, "OTTERS")
        assert lifecycle.rename(session, OPERATOR, renamed, "herons")
    migrations.check(database)


@pytest.mark.parametrize(
    ("model", "first", "second"),
    [
        (Hub, {"kind": "team", "name": "Docs"}, {"kind": "sig", "name": "docs"}),
        (Hub, {"kind": "user", "name": "Docs"}, {"kind": "user", "name": "docs"}),
        (User, {"username": "Rana"}, {"username": "rana"}),
    ],
    ids=["teams", "people's hubs", "people"],
)
def test_the_database_itself_refuses_concurrent_clashes(
    database: Database, model: type[Base], first: dict[str, str], second: dict[str, str]
) -> None:
    with database.transaction() as session:
        session.add(model(**first))
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.add(model(**second))


def test_a_hub_may_change_the_case_of_its_own_name(database: Database, registry: Registry) -> None:
    with database.session() as session:
        hub = hubs.create(session, registry, roles.sign_up(session, registry, "rana"), "team", "docs")
        assert lifecycle.rename(session, OPERATOR, hub, "Docs")
        assert hub.name == "Docs"
        # A person's hub and a team may share a name: their addresses differ.
        hubs.create(session, registry, user_of(session, "rana"), "team", "Rana")


def test_an_account_is_found_by_its_name_in_any_case(database: Database, registry: Registry) -> None:
    with database.session() as session:
        rana = roles.sign_up(session, registry, "rana")
        assert roles.sign_up(session, registry, "Rana") is rana
        assert roles.find_account(session, "RANA") is rana
        assert roles.find_account(session, "ran") is None
