"""Revisions and the audit log."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions import audit, outbox, widgets
from hubs.actions import hubs as hub_actions
from hubs.actions.layout import documents, revisions
from hubs.actions.people import roles
from hubs.errors import Conflict, NotAllowed, NotFound
from hubs.models import AuditEntry, Database, Hub, Revision, RoleName, Widget, now
from hubs.widgets.registry import Registry
from tests.templates import Templates
from tests.unit.conftest import as_person, copy_of, make_team, user_of


@pytest.fixture
def database(templates: Templates, tmp_path: Path) -> Iterator[Database]:
    """Give an empty database: the first revision of `team` is recorded when it is made."""
    with copy_of(templates, tmp_path, filled=False) as database:
        yield database


@pytest.fixture
def session(database: Database, registry: Registry) -> Iterator[Session]:
    """Return a session that records revisions."""
    revisions.record_on_commit(database, registry)
    with database.session() as session:
        yield session


@pytest.fixture
def team(session: Session, registry: Registry) -> Hub:
    """Return a team whose making was recorded."""
    return make_team(session, registry)


def row_of(hub: Hub, plugin: str) -> Widget:
    return next(row for row in hub.widgets if row.plugin == plugin)


def recorded(session: Session, hub: Hub) -> list[tuple[int, str, list[str]]]:
    history = revisions.newest_first(session, hub)
    return [(revision.number, revision.agent, [str(change) for change in changes]) for revision, changes in history]


def test_every_commit_that_changes_a_hub_records_one_revision(session: Session, registry: Registry, team: Hub) -> None:
    owner = as_person(session, "owner")
    hub_actions.update(session, owner, team, {"summary": "We dive."})
    widgets.update(session, registry, owner, row_of(team, "sticky"), {"text": "Fish!", "colour": "blue"})
    session.commit()
    widgets.move(session, registry, owner, row_of(team, "feed"), "up")
    session.commit()
    assert recorded(session, team) == [
        (3, "owner", ["↕ feed: moved within left"]),
        (
            2,
            "owner",
            [
                "~ hub: summary: We swim. → We dive.",
                "~ sticky: colour: nothing → blue",
                "~ sticky: text: nothing → Fish!",
            ],
        ),
        (1, "owner", []),
    ]


def test_a_rollback_leaves_no_revision(session: Session, registry: Registry, team: Hub) -> None:
    hub_actions.update(session, as_person(session, "owner"), team, {"summary": "Never."})
    session.rollback()
    session.commit()
    assert [number for number, *_ in recorded(session, team)] == [1]


def test_revisions_do_not_contain_roles(session: Session, team: Hub) -> None:
    roles.give_role(session, as_person(session, "owner"), team, user_of(session, "stranger"), RoleName.MEMBER)
    session.commit()
    assert [number for number, *_ in recorded(session, team)] == [1]


def test_an_older_revision_can_be_restored(session: Session, registry: Registry, team: Hub) -> None:
    owner = as_person(session, "owner")
    widgets.remove(session, registry, owner, row_of(team, "rules"))
    hub_actions.update(session, owner, team, {"summary": "We dive."})
    session.commit()
    revisions.restore(session, registry, owner, team, 1)
    session.commit()
    assert team.summary == "We swim."
    assert row_of(team, "rules").key == "rules"
    assert [number for number, *_ in recorded(session, team)] == [3, 2, 1]
    with pytest.raises(NotFound):
        revisions.restore(session, registry, owner, team, 99)


@pytest.mark.parametrize("username", ["member", "subscriber", "stranger"])
def test_only_owners_restore_revisions(session: Session, registry: Registry, team: Hub, username: str) -> None:
    with pytest.raises(NotAllowed):
        revisions.restore(session, registry, as_person(session, username), team, 1)


def test_only_the_newest_revisions_are_kept(
    session: Session, registry: Registry, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "KEPT", 3)
    for number in range(5):
        hub_actions.update(session, as_person(session, "owner"), team, {"summary": f"Take {number}"})
        session.commit()
    query = select(Revision.number).where(Revision.hub_id == team.id).order_by(Revision.number)
    assert session.scalars(query).all() == [4, 5, 6]


def test_the_audit_log_records_agent_action_hub_and_origin(session: Session, registry: Registry, team: Hub) -> None:
    session.info[outbox.ORIGIN] = "192.0.2.7"
    owner = as_person(session, "owner")
    widgets.update(session, registry, owner, row_of(team, "sticky"), {"text": "Fish!", "colour": "blue"})
    roles.give_role(session, owner, team, user_of(session, "stranger"), RoleName.MEMBER)
    session.commit()
    last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(2)).all()
    assert [(entry.agent, entry.origin, entry.action, entry.hub_id) for entry in last] == [
        ("owner", "192.0.2.7", "hubs.user.role.added", team.id),
        ("owner", "192.0.2.7", "hubs.widget.updated", team.id),
    ]
    assert last[0].detail == {"username": "stranger", "role": "member"}
    assert last[1].detail["changed_keys"] == ["colour", "text"]
    assert "Fish!" not in str(last[1].detail)


def test_a_change_that_makes_the_page_too_large_is_refused(
    session: Session, registry: Registry, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "SIZE", 3000)
    widgets.add(session, registry, as_person(session, "owner"), team, "about", "left", {"text": "x" * 3000})
    with pytest.raises(Conflict, match="too much text"):
        session.commit()
    session.rollback()
    assert not any(row.plugin == "about" for row in team.widgets)


def test_a_new_hub_does_not_show_the_audit_log_of_a_removed_one_with_its_id(session: Session, team: Hub) -> None:
    assert audit.newest_first(session, team)[0] != []
    team.created_on = now() + timedelta(seconds=1)  # as another hub that was given its number would say
    session.commit()
    assert audit.newest_first(session, team)[0] == []
