"""Accounts and roles."""

import pytest
from sqlalchemy.orm import Session

from hubs.actions.people import roles
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.models import Hub, OutboxMessage, Role, RoleName, Visibility
from hubs.permissions import VISITOR
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of


def topics(session: Session) -> list[str]:
    return [row.topic for row in session.query(OutboxMessage).order_by(OutboxMessage.id)]


def test_the_first_sign_in_creates_an_account_with_a_hub_and_widgets(session: Session, registry: Registry) -> None:
    user = roles.sign_up(session, registry, "ottoline", "Ottoline Brand")
    hub = session.query(Hub).one()
    assert (hub.kind, hub.name, hub.title, hub.user) == ("user", "ottoline", "Ottoline Brand", user)
    assert [row.plugin for row in hub.column("left")] == ["feed", "activity"]
    assert [row.plugin for row in hub.column("right")] == ["stats", "subscriptions", "badges", "updates"]
    assert hub.people(RoleName.OWNER) == [user]
    assert topics(session) == ["hubs.user.created", "hubs.hub.created"]


def test_the_second_sign_in_changes_nothing(session: Session, registry: Registry) -> None:
    first = roles.sign_up(session, registry, "ottoline")
    assert roles.sign_up(session, registry, "ottoline", "Somebody Else") is first
    assert first.fullname == ""
    assert session.query(Hub).count() == 1


def test_everybody_who_is_signed_in_can_subscribe_and_star_at_once(session: Session, team: Hub) -> None:
    stranger = as_person(session, "stranger")
    assert roles.take_role(session, stranger, team, RoleName.SUBSCRIBER) is True
    assert roles.take_role(session, stranger, team, RoleName.SUBSCRIBER) is False
    assert roles.take_role(session, stranger, team, RoleName.STARGAZER) is True
    row = session.query(OutboxMessage).filter_by(topic="hubs.user.role.added").order_by(OutboxMessage.id).all()[-2]
    assert row.body == {
        "agent": "stranger",
        "username": "stranger",
        "hub_id": team.id,
        "hub_name": "otters",
        "hub_url": "http://127.0.0.1/t/otters/",
        "role": "subscriber",
    }


def test_people_cannot_grant_themselves_membership(session: Session, team: Hub) -> None:
    for role in (RoleName.MEMBER, RoleName.OWNER):
        with pytest.raises(NotAllowed):
            roles.take_role(session, as_person(session, "stranger"), team, role)
    with pytest.raises(NotAllowed, match="sign in"):
        roles.take_role(session, VISITOR, team, RoleName.STARGAZER)


def test_owners_find_accounts_in_any_case_but_no_hidden_ones(session: Session, registry: Registry, team: Hub) -> None:
    owner = as_person(session, "owner")
    other = roles.sign_up(session, registry, "ottoline")
    assert roles.account_to_grant(session, owner, team, "OttoLine", RoleName.MEMBER) is other
    page = session.query(Hub).filter_by(kind="user", name="ottoline").one()
    page.visibility = Visibility.OWNERS
    for name in ("ottoline", "OTTOLINE", "nobody"):
        with pytest.raises(NotFound, match="whose pages you can see"):
            roles.account_to_grant(session, owner, team, name, RoleName.MEMBER)
    session.add(Role(hub=team, user=other, role=RoleName.SUBSCRIBER))
    session.flush()
    assert roles.account_to_grant(session, owner, team, "OTTOLINE", RoleName.MEMBER) is other


@pytest.mark.parametrize("username", ["stranger", "subscriber", "member"])
def test_only_owners_grant_and_revoke_roles_of_others(session: Session, team: Hub, username: str) -> None:
    person = as_person(session, username)
    with pytest.raises(NotAllowed):
        roles.give_role(session, person, team, user_of(session, "stranger"), RoleName.MEMBER)
    with pytest.raises(NotAllowed):
        roles.drop_role(session, person, team, user_of(session, "owner"), RoleName.OWNER)


def test_owners_grant_and_revoke_roles(session: Session, team: Hub) -> None:
    owner, stranger = as_person(session, "owner"), user_of(session, "stranger")
    assert roles.give_role(session, owner, team, stranger, RoleName.OWNER) is True
    assert team.people(RoleName.OWNER) == [user_of(session, "owner"), stranger]
    assert roles.drop_role(session, owner, team, stranger, RoleName.OWNER) is True
    assert roles.drop_role(session, owner, team, stranger, RoleName.OWNER) is False
    assert topics(session)[-1] == "hubs.user.role.removed"


def test_people_can_give_up_any_role_except_the_last_ownership(session: Session, team: Hub) -> None:
    member = as_person(session, "member")
    assert roles.drop_role(session, member, team, user_of(session, "member"), RoleName.MEMBER) is True
    owner = as_person(session, "owner")
    with pytest.raises(Conflict, match="last owner"):
        roles.drop_role(session, owner, team, user_of(session, "owner"), RoleName.OWNER)
    assert team.people(RoleName.OWNER) == [user_of(session, "owner")]


def test_a_person_has_no_members(session: Session, team: Hub) -> None:
    owner = as_person(session, "owner")
    mine = session.query(Hub).filter_by(kind="user", name="owner").one()
    with pytest.raises(InvalidInput):
        roles.give_role(session, owner, mine, user_of(session, "stranger"), RoleName.MEMBER)


def test_every_change_of_roles_touches_the_hub(session: Session, team: Hub) -> None:
    before = (team.version, team.updated_on)
    roles.take_role(session, as_person(session, "stranger"), team, RoleName.SUBSCRIBER)
    assert team.version == before[0] + 1
    assert team.updated_on >= before[1]
