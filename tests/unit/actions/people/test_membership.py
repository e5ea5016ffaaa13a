"""Becoming a member by request, in open hubs and by invitation, and leaving."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.actions import hubs as hub_actions
from hubs.actions.people import membership, roles
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.models import (
    AuditEntry,
    Hub,
    JoinMode,
    JoinRequest,
    OutboxMessage,
    RequestState,
    RoleName,
    Visibility,
    now,
)
from hubs.permissions import VISITOR
from tests.unit.conftest import as_person, user_of


def members(hub: Hub) -> list[str]:
    return [user.username for user in hub.people(RoleName.MEMBER)]


def test_a_request_is_pending_until_it_is_approved_with_a_note(session: Session, team: Hub) -> None:
    stranger, owner = as_person(session, "stranger"), as_person(session, "owner")
    assert membership.join(session, stranger, team, " I swim well. ") is False
    assert members(team) == ["member"]
    (request,) = membership.requests(session, team)
    assert (request.user.username, request.message, request.state) == ("stranger", "I swim well.", "pending")
    with pytest.raises(Conflict, match="already asked"):
        membership.join(session, stranger, team)
    membership.answer(session, owner, team, request.user.username, approve=True, note="Welcome!")
    assert members(team) == ["member", "stranger"]
    assert membership.requests(session, team) == []
    ((seen,), _) = membership.mine(session, stranger)
    assert (seen.state, seen.note, seen.decided_by) == (RequestState.APPROVED, "Welcome!", "owner")
    body = session.query(OutboxMessage).filter_by(topic="hubs.user.role.added").all()[-1].body
    assert (body["agent"], body["username"], body["role"]) == ("owner", "stranger", "member")
    with pytest.raises(NotAllowed):
        membership.join(session, as_person(session, "stranger"), team)


def test_a_denied_person_sees_why_and_can_ask_again(session: Session, team: Hub) -> None:
    stranger = as_person(session, "stranger")
    membership.join(session, stranger, team)
    user = user_of(session, "stranger")
    membership.answer(session, as_person(session, "owner"), team, user.username, approve=False, note="Dive first.")
    ((seen,), _) = membership.mine(session, stranger)
    assert (seen.state, seen.note) == (RequestState.DENIED, "Dive first.")
    assert members(team) == ["member"]
    with pytest.raises(Conflict, match="already been answered"):
        membership.answer(session, as_person(session, "owner"), team, user.username, approve=True)
    membership.join(session, stranger, team, "I dived.")
    assert [(request.message, request.note) for request in membership.requests(session, team)] == [("I dived.", "")]


def test_people_can_withdraw_their_requests(session: Session, team: Hub) -> None:
    stranger = as_person(session, "stranger")
    membership.join(session, stranger, team)
    for other in (as_person(session, "subscriber"), VISITOR):
        with pytest.raises(NotFound):
            membership.withdraw(session, other, team)
    membership.withdraw(session, stranger, team)
    assert session.query(JoinRequest).count() == 0


@pytest.mark.parametrize("username", ["member", "subscriber", "stranger", ""])
def test_only_owners_answer_and_invite(session: Session, team: Hub, username: str) -> None:
    membership.join(session, as_person(session, "stranger"), team)
    person = as_person(session, username) if username else VISITOR
    user = user_of(session, "stranger")
    with pytest.raises(NotAllowed):
        membership.answer(session, person, team, user.username, approve=True)
    with pytest.raises(NotAllowed):
        membership.invite(session, person, team, user, RoleName.MEMBER)
    with pytest.raises(NotAllowed):
        membership.take_back(session, person, team, user.username)
    assert members(team) == ["member"]


def test_anybody_signed_in_can_join_an_open_hub(session: Session, team: Hub) -> None:
    hub_actions.update(session, as_person(session, "owner"), team, {"join_mode": "open"})
    assert membership.join(session, as_person(session, "stranger"), team) is True
    assert members(team) == ["member", "stranger"]
    with pytest.raises(NotAllowed, match="sign in"):
        membership.join(session, VISITOR, team)


def test_invitation_only_hubs_accept_no_requests(session: Session, team: Hub) -> None:
    team.join_mode = JoinMode.INVITATION
    with pytest.raises(NotAllowed):
        membership.join(session, as_person(session, "stranger"), team)
    team.visibility = Visibility.MEMBERS
    with pytest.raises(NotFound):
        membership.join(session, as_person(session, "stranger"), team)


def test_only_the_invited_person_accepts_even_if_they_cannot_see_the_hub(session: Session, team: Hub) -> None:
    team.visibility = Visibility.MEMBERS
    owner, stranger = as_person(session, "owner"), as_person(session, "stranger")
    membership.invite(session, owner, team, user_of(session, "stranger"), RoleName.MEMBER, "Join us")
    for other in (as_person(session, "subscriber"), owner, VISITOR):
        with pytest.raises(NotFound):
            membership.respond(session, other, team.id, accept=True)
    (_, (offered,)) = membership.mine(session, stranger)
    assert (offered.hub, offered.message, offered.invited_by) == (team, "Join us", "owner")
    membership.respond(session, stranger, team.id, accept=True)
    assert members(team) == ["member", "stranger"]
    with pytest.raises(NotFound):
        membership.respond(session, stranger, team.id, accept=True)


def test_an_invitation_can_be_declined_or_withdrawn_and_expires(session: Session, team: Hub) -> None:
    owner, stranger, user = as_person(session, "owner"), as_person(session, "stranger"), user_of(session, "stranger")
    membership.invite(session, owner, team, user, RoleName.OWNER)
    membership.respond(session, stranger, team.id, accept=False)
    membership.invite(session, owner, team, user, RoleName.OWNER)
    membership.take_back(session, owner, team, user.username)
    with pytest.raises(NotFound):
        membership.respond(session, stranger, team.id, accept=True)
    membership.invite(session, owner, team, user, RoleName.OWNER).expires_on = now() - timedelta(seconds=1)
    session.flush()
    assert membership.invitations(session, team) == []
    with pytest.raises(NotFound, match="expired"):
        membership.respond(session, stranger, team.id, accept=True)
    assert "stranger" not in members(team)


def test_invalid_requests_are_refused_with_a_message(session: Session, team: Hub) -> None:
    owner = as_person(session, "owner")
    with pytest.raises(InvalidInput):
        membership.invite(session, owner, team, user_of(session, "stranger"), RoleName.STARGAZER)
    with pytest.raises(Conflict, match="already"):
        membership.invite(session, owner, team, user_of(session, "member"), RoleName.MEMBER)
    with pytest.raises(InvalidInput, match="Das sind 2001 Zeichen"), i18n.use("de"):
        membership.join(session, as_person(session, "stranger"), team, "x" * 2001)
    mine = session.query(Hub).filter_by(kind="user", name="owner").one()
    with pytest.raises(InvalidInput, match="that person alone"):
        roles.give_role(session, owner, mine, user_of(session, "stranger"), RoleName.OWNER)


def test_a_role_is_changed_in_one_step_and_the_last_owner_stays(session: Session, team: Hub) -> None:
    owner, member = as_person(session, "owner"), user_of(session, "member")
    assert roles.change_role(session, owner, team, member, RoleName.MEMBER, RoleName.OWNER) is True
    body = session.query(OutboxMessage).filter_by(topic="hubs.user.role.changed").one().body
    assert (body["username"], body["old_role"], body["role"]) == ("member", "member", "owner")
    assert roles.change_role(session, owner, team, member, RoleName.OWNER, RoleName.MEMBER) is True
    with pytest.raises(Conflict, match="last owner"):
        roles.change_role(session, owner, team, user_of(session, "owner"), RoleName.OWNER, RoleName.MEMBER)
    with pytest.raises(NotAllowed):
        roles.change_role(session, as_person(session, "member"), team, member, RoleName.MEMBER, RoleName.OWNER)


def test_an_invitation_is_valid_while_its_sender_owns_the_hub(session: Session, team: Hub) -> None:
    owner, stranger, member = as_person(session, "owner"), as_person(session, "stranger"), user_of(session, "member")
    roles.give_role(session, owner, team, member, RoleName.OWNER)
    membership.invite(session, as_person(session, "member"), team, user_of(session, "stranger"), RoleName.OWNER)
    roles.drop_role(session, owner, team, member, RoleName.OWNER)
    with pytest.raises(Conflict, match="member, who invited you, does not own this hub any more"):
        membership.respond(session, stranger, team.id, accept=True)
    assert [user.username for user in team.people(RoleName.OWNER)] == ["owner"]
    membership.invite(session, owner, team, user_of(session, "stranger"), RoleName.MEMBER)
    membership.respond(session, stranger, team.id, accept=True)
    assert members(team) == ["member", "stranger"]


def test_the_audit_log_records_requests_invitations_and_decisions(session: Session, team: Hub) -> None:
    owner, stranger, user = as_person(session, "owner"), as_person(session, "stranger"), user_of(session, "stranger")
    session.query(AuditEntry).delete()
    published = session.query(OutboxMessage).count()
    membership.join(session, stranger, team)
    membership.answer(session, owner, team, user.username, approve=False)
    membership.invite(session, owner, team, user, RoleName.OWNER)
    membership.take_back(session, owner, team, user.username)
    assert session.query(OutboxMessage).count() == published
    membership.invite(session, owner, team, user, RoleName.MEMBER)
    membership.respond(session, stranger, team.id, accept=True)
    rows = session.query(AuditEntry).order_by(AuditEntry.id).all()
    assert [(row.agent, row.action.removeprefix("hubs.")) for row in rows] == [
        ("stranger", "request.created"),
        ("owner", "request.denied"),
        ("owner", "invitation.created"),
        ("owner", "invitation.removed"),
        ("owner", "invitation.created"),
        ("stranger", "invitation.accepted"),
        ("stranger", "user.role.added"),
    ]
    assert {(row.hub_name, row.detail["username"]) for row in rows} == {("otters", "stranger")}
    assert rows[5].detail == {"username": "stranger", "role": "member", "invited_by": "owner"}
