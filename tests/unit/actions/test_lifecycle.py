"""Renaming, deleting, restoring and purging hubs."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import lifecycle
from hubs.actions.privacy import account_data
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.models import AuditEntry, FormerName, Hub, OutboxMessage, RoleName, User, Visibility, Widget
from hubs.permissions import OPERATOR, VISITOR, Person, can
from hubs.widgets.halp.requests import followed
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of

PEOPLE = ("stranger", "subscriber", "member")


def person_called(session: Session, username: str) -> Person:
    session.expire_all()
    return as_person(session, username)


def last(session: Session) -> OutboxMessage:
    return session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(1)).one()


def test_only_owners_rename_and_delete(session: Session, team: Hub) -> None:
    for person in (VISITOR, *(person_called(session, name) for name in PEOPLE)):
        with pytest.raises(NotAllowed):
            lifecycle.rename(session, person, team, "sea-otters")
        with pytest.raises(NotAllowed):
            lifecycle.discard(session, person, team)
    assert (team.name, team.deleted_on) == ("otters", None)


def test_a_rename_is_published_and_the_old_name_is_kept(session: Session, team: Hub) -> None:
    owner, version = person_called(session, "owner"), team.version
    assert lifecycle.rename(session, owner, team, "sea-otters")
    assert not lifecycle.rename(session, owner, team, "sea-otters")
    message = last(session)
    assert (message.topic, message.body["changed_keys"]) == ("hubs.hub.updated", ["name"])
    assert message.body["hub_url"].endswith("/t/sea-otters/")
    assert team.version > version
    assert session.get_one(FormerName, ("t", "otters")).hub_id == team.id
    # Back again: the name is no former one any more.
    assert lifecycle.rename(session, owner, team, "otters")
    assert session.get(FormerName, ("t", "otters")) is None
    assert session.get_one(FormerName, ("t", "sea-otters")).hub_id == team.id


def test_used_and_invalid_names_are_refused(session: Session, registry: Registry, team: Hub) -> None:
    owner = person_called(session, "owner")
    hub_actions.create(session, registry, user_of(session, "stranger"), "regional", "voles")
    with pytest.raises(Conflict):
        lifecycle.rename(session, owner, team, "voles")
    with pytest.raises(InvalidInput):
        lifecycle.rename(session, owner, team, "a/b")
    mine = account_data.own_hub(session, user_of(session, "owner"))
    assert mine is not None
    with pytest.raises(InvalidInput, match="name of its person"):
        lifecycle.rename(session, owner, mine, "somebody")
    team.archived = True
    with pytest.raises(NotAllowed):
        lifecycle.rename(session, owner, team, "sea-otters")


def test_the_number_of_former_names_is_limited(session: Session, team: Hub) -> None:
    owner = person_called(session, "owner")
    for number in range(lifecycle.FORMER + 3):
        lifecycle.rename(session, owner, team, f"otters-{number}")
    assert len(session.scalars(select(FormerName)).all()) == lifecycle.FORMER
    assert session.get(FormerName, ("t", "otters")) is None


def test_settings_that_name_a_hub_still_refer_to_it_after_a_rename(
    session: Session, registry: Registry, team: Hub
) -> None:
    mine = account_data.own_hub(session, user_of(session, "stranger"))
    assert mine is not None
    lifecycle.rename(session, person_called(session, "owner"), team, "sea-otters")
    assert followed(session, mine, ["t/otters"]) == [team]
    assert followed(session, mine, ["t/otters", "t/sea-otters"]) == [team]
    other = hub_actions.create(session, registry, user_of(session, "stranger"), "team", "otters")
    assert followed(session, mine, ["t/otters"]) == [other]


def test_a_deleted_hub_is_invisible_until_it_is_restored(session: Session, team: Hub) -> None:
    owner, widgets = person_called(session, "owner"), len(team.widgets)
    team.visibility = Visibility.SIGNED_IN
    until = lifecycle.discard(session, owner, team)
    assert team.deleted_on is not None
    assert until - team.deleted_on == timedelta(days=30)
    assert last(session).body["changed_keys"] == ["deleted", "visibility"]
    assert last(session).body["hub_name"] == ""
    for person in (VISITOR, owner, OPERATOR, *(person_called(session, name) for name in PEOPLE)):
        assert not any(can(person, verb, team) for verb in ("view", "edit", "own", "subscribe", "leave"))
        assert can(person, "restore", team) is (person in (owner, OPERATOR))
        if person not in (owner, OPERATOR):
            assert lifecycle.discarded(session, person) == []
            with pytest.raises(NotFound):
                lifecycle.bring_back(session, person, team)
    admin = Person(99, "admin", admin=True)
    assert can(admin, "restore", team)
    assert lifecycle.discarded(session, owner) == lifecycle.discarded(session, admin) == [(team, until)]
    lifecycle.bring_back(session, owner, team)
    assert (team.visibility, team.deleted_on, len(team.widgets)) == (Visibility.SIGNED_IN, None, widgets)
    assert can(owner, "own", team)
    assert not can(owner, "restore", team)
    did = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(2)).all()
    assert [(entry.agent, entry.hub_id) for entry in did] == [("owner", team.id)] * 2


def test_a_deleted_hub_is_purged_after_the_grace_period_and_not_before(session: Session, team: Hub) -> None:
    lifecycle.rename(session, person_called(session, "owner"), team, "sea-otters")
    lifecycle.discard(session, person_called(session, "owner"), team)
    number, name = team.id, team.name
    assert lifecycle.purge(session) == 0
    assert team.deleted_on is not None
    team.deleted_on -= timedelta(days=30, seconds=1)
    assert lifecycle.purge(session) == 1
    session.commit()
    assert session.get(Hub, number) is None
    assert session.scalars(select(Widget).where(Widget.hub_id == number)).all() == []
    assert session.scalars(select(FormerName)).all() == []
    assert last(session).body["hub_id"] == number
    kept = session.scalars(select(AuditEntry).where(AuditEntry.hub_id == number)).all()
    assert kept[-1].hub_name == name


def test_deleting_the_account_of_the_last_owner_purges_a_deleted_hub(session: Session, team: Hub) -> None:
    lifecycle.discard(session, person_called(session, "owner"), team)
    number = team.id
    account_data.forget(session, user_of(session, "owner"))
    session.commit()
    assert session.get(Hub, number) is None


def test_an_admin_becomes_the_owner_of_a_hub_that_has_none(session: Session, team: Hub) -> None:
    lifecycle.discard(session, person_called(session, "owner"), team)
    team.roles = [role for role in team.roles if role.role != RoleName.OWNER]
    stranger = session.scalars(select(User).where(User.username == "stranger")).one()
    lifecycle.bring_back(session, Person(stranger.id, "stranger", admin=True), team)
    assert team.people(RoleName.OWNER) == [stranger]
