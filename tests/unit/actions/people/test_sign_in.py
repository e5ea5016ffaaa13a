"""Accounts from the claims of a provider, and teams that follow groups."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.actions import hubs
from hubs.actions.people import groups, roles, sessions, sign_in
from hubs.errors import Conflict, InvalidInput
from hubs.models import Hub, OutboxMessage, RoleName, SignIn, User
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of

ISSUER = "https://id.example.org"


def claims(**more: Any) -> dict[str, Any]:
    return {"sub": "s-1", "preferred_username": "ottoline", **more}


def read(**more: Any) -> sign_in.Identity:
    return sign_in.read(ISSUER, claims(**more), "preferred_username", "groups")


def test_claims_become_an_identity() -> None:
    identity = read(name=" Ottoline  Brand ", zoneinfo="Europe/Oslo", groups=["otters", "x" * 99])
    assert (identity.username, identity.fullname, identity.timezone) == ("ottoline", "Ottoline Brand", "Europe/Oslo")
    assert identity.groups == frozenset({"otters", "x" * 64})
    assert read(zoneinfo="Moon/Base", groups="otters").groups is None
    assert read(zoneinfo="Moon/Base").timezone == ""
    nick = sign_in.read(ISSUER, {"sub": "s", "nickname": "Cleo"}, "preferred_username", "groups")
    assert nick.username == "cleo"


@pytest.mark.parametrize(
    "name", ["", "a b", "../x", None, 7.5, "x" * 65, "rana@h.example", "rana+1", "K\u212a", "rané"]
)
def test_an_unusable_name_says_what_to_do(name: object) -> None:
    if name == 7.5:
        assert read(preferred_username=name).username == "7.5"
        return
    with pytest.raises(InvalidInput, match="HUBS_OIDC_USERNAME_CLAIM"):
        read(preferred_username=name)


@pytest.mark.parametrize("name", ["\u200b", "\u202eadmin\u200b", " \u3164 ", None, ""])
def test_an_unusable_full_name_is_left_out(name: object) -> None:
    assert read(name=name).fullname == ""


def test_an_unlinked_account_is_found_in_any_case(session: Session, registry: Registry) -> None:
    account = User(username="Ottoline")
    session.add(account)
    session.flush()
    assert sign_in.recognise(session, registry, read()) is account


def test_an_account_is_created_once_and_identified_by_issuer_and_subject(session: Session, registry: Registry) -> None:
    first = sign_in.recognise(session, registry, read())
    renamed = sign_in.recognise(session, registry, read(preferred_username="renamed"))
    assert renamed is first
    assert (first.username, first.issuer, first.subject) == ("ottoline", ISSUER, "s-1")
    assert session.query(User).count() == 1


def test_an_unlinked_account_is_linked_and_a_linked_one_is_not(session: Session, registry: Registry) -> None:
    account = roles.sign_up(session, registry, "ottoline")
    assert sign_in.recognise(session, registry, read()) is account
    with pytest.raises(Conflict, match="belongs to another account"):
        sign_in.recognise(session, registry, read(sub="s-2"))


def test_groups_change_membership_of_their_own_teams_only(session: Session, registry: Registry, team: Hub) -> None:
    team.group_name = "otters"
    stranger = user_of(session, "stranger")
    groups.follow(session, stranger, {"otters", "unknown"})
    assert stranger in team.people(RoleName.MEMBER)
    body = session.query(OutboxMessage).filter_by(topic="hubs.user.role.added").all()[-1].body
    assert (body["agent"], body["username"]) == ("", "stranger")
    groups.follow(session, stranger, set())
    assert stranger not in team.people(RoleName.MEMBER)
    team.group_name = ""
    roles.give_role(session, as_person(session, "owner"), team, stranger, RoleName.MEMBER)
    groups.follow(session, stranger, set())
    assert stranger in team.people(RoleName.MEMBER)


@pytest.mark.parametrize(
    ("group_name", "claim"), [("docs", "/docs"), ("/docs", "docs"), ("/docs", "/docs"), ("a/docs", "/a/docs")]
)
def test_groups_match_with_and_without_the_leading_slash(
    session: Session, team: Hub, group_name: str, claim: str
) -> None:
    team.group_name = group_name
    stranger = user_of(session, "stranger")
    groups.follow(session, stranger, {claim, "/other"})
    assert stranger in team.people(RoleName.MEMBER)
    assert groups.changed(session, claim, "stranger", belongs=False) == [team]


def test_a_claim_without_a_known_group_ends_no_membership_and_is_logged_once(
    session: Session, registry: Registry, team: Hub, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "_warned", [])
    team.group_name = "docs"
    herons = hubs.create(session, registry, user_of(session, "owner"), "team", "herons")
    herons.group_name = "herons"
    stranger = user_of(session, "stranger")
    groups.follow(session, stranger, {"docs", "herons"})
    for _ in range(2):
        groups.follow(session, stranger, {"realm:docs", "realm:herons"})
    assert stranger in team.people(RoleName.MEMBER)
    warnings = [record.getMessage() for record in caplog.records if "belongs to a team" in record.getMessage()]
    assert len(warnings) == 1
    assert "realm:docs, realm:herons" in warnings[0]
    # One known group shows that the form is right: the other membership has ended.
    groups.follow(session, stranger, {"docs", "other"})
    assert stranger in team.people(RoleName.MEMBER)
    assert stranger not in herons.people(RoleName.MEMBER)


def test_people_who_leave_a_group_stay_owners(session: Session, team: Hub) -> None:
    team.group_name = "otters"
    groups.follow(session, user_of(session, "owner"), set())
    assert user_of(session, "owner") in team.people(RoleName.OWNER)


def test_joining_and_leaving_a_group_changes_its_teams(session: Session, team: Hub) -> None:
    team.group_name = "otters"
    session.flush()
    assert groups.changed(session, "otters", "stranger", belongs=True) == [team]
    assert groups.changed(session, "otters", "stranger", belongs=True) == []
    assert groups.changed(session, "otters", "stranger", belongs=False) == [team]
    assert groups.changed(session, "otters", "nobody-here", belongs=True) == []
    assert groups.changed(session, "", "stranger", belongs=True) == []


def test_a_sign_out_at_the_provider_ends_sessions_here(session: Session, registry: Registry) -> None:
    user = sign_in.recognise(session, registry, read())
    for sid in ("one", "two", ""):
        sessions.start(session, user, 60, sid, "token")
    assert sessions.end_at_provider(session, ISSUER, "", "") == []
    assert sessions.end_at_provider(session, "https://evil.example", "s-1", "one") == []
    assert sessions.end_at_provider(session, ISSUER, "s-1", "one") == [user.id]
    assert session.query(SignIn).count() == 2
    assert sessions.end_at_provider(session, ISSUER, "s-1", "") == [user.id]
    assert session.query(SignIn).count() == 0


def test_a_configured_claim_has_no_fallback() -> None:
    claimed = {"sub": "s", "nickname": "owner", "preferred_username": "owner"}
    with pytest.raises(InvalidInput, match="claim uid"):
        sign_in.read(ISSUER, claimed, "uid", "groups")
    assert sign_in.read(ISSUER, {**claimed, "uid": "cleo"}, "uid", "groups").username == "cleo"
