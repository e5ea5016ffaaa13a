"""Roles and one's own things by the API: owners and everybody for themselves."""

import pytest
from sqlalchemy.orm import Session

from hubs.models import Hub, JoinMode, JoinRequest, PersonalToken, RoleName
from tests.unit.conftest import user_of
from tests.unit.views.api.conftest import Ask

ROLES = "/hubs/t/otters/roles"


def held(ask: Ask, who: str, query: str = "") -> list[tuple[str, str]]:
    return [(item["username"], item["role"]) for item in ask(who, "GET", ROLES + query).json["items"]]


def test_owners_members_and_own_roles_are_listed(ask: Ask, otters: Hub) -> None:
    assert held(ask, "") == [("member", "member"), ("owner", "owner")]
    assert held(ask, "subscriber") == [("member", "member"), ("owner", "owner"), ("subscriber", "subscriber")]
    assert held(ask, "", "?role=owner") == [("owner", "owner")]
    assert ask("owner", "GET", ROLES + "?role=subscriber").status_code == 400
    first = ask("", "GET", ROLES + "?limit=1").json
    assert [item["username"] for item in first["items"]] == ["member"]
    second = ask("", "GET", first["next"].removeprefix("http://127.0.0.1")).json
    assert ([item["username"] for item in second["items"]], second["next"]) == (["owner"], None)


def test_unlisted_members_are_visible_to_owners_and_themselves_only(ask: Ask, session: Session, otters: Hub) -> None:
    user_of(session, "member").unlisted = user_of(session, "owner").unlisted = True
    session.commit()
    for who in ("", "stranger", "subscriber"):
        assert ("member", "member") not in held(ask, who)
        assert ("owner", "owner") in held(ask, who), "owners are always named"
    for who in ("member", "owner"):
        assert ("member", "member") in held(ask, who)


def test_own_roles_leave_out_hubs_that_became_invisible(ask: Ask, otters: Hub) -> None:

    def mine() -> list[tuple[str, str]]:
        roles = ask("subscriber", "GET", "/me").json["roles"]
        return [(role["hub"].partition("/hubs/")[2], role["role"]) for role in roles]

    assert mine() == [("t/otters", "subscriber"), ("u/subscriber", "owner")]
    assert ask("owner", "PATCH", "/hubs/t/otters", {"visibility": "members"}).status_code == 200
    assert mine() == [("u/subscriber", "owner")]


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/hubs/u/owner/roles"), ("DELETE", "/hubs/u/owner/roles"), ("DELETE", ROLES)]
)
@pytest.mark.parametrize("role", ["member", "owner"])
def test_owners_cannot_find_out_which_accounts_exist(ask: Ask, otters: Hub, method: str, path: str, role: str) -> None:
    existing, missing = (ask("owner", method, f"{path}/{name}/{role}") for name in ("stranger", "nostrang"))
    assert existing.status_code == missing.status_code
    assert existing.get_data(as_text=True).replace("stranger", "…") == missing.get_data(as_text=True).replace(
        "nostrang", "…"
    )


def test_people_subscribe_and_unsubscribe_for_themselves_only(ask: Ask, otters: Hub) -> None:
    for role in ("subscriber", "stargazer"):
        assert ask("stranger", "PUT", f"{ROLES}/stranger/{role}").json == {"state": "given"}
        assert ask("owner", "PUT", f"{ROLES}/member/{role}").status_code == 400
        assert ask("member", "DELETE", f"{ROLES}/stranger/{role}").status_code == 403
        assert ask("stranger", "DELETE", f"{ROLES}/stranger/{role}").status_code == 204
        refused = ask("stranger", "DELETE", f"{ROLES}/stranger/{role}", accept_language="de")
        assert refused.status_code == 404
        assert refused.get_json(force=True)["detail"] == "stranger hat diese Rolle hier nicht."


def test_owners_approve_a_request_to_join(ask: Ask, session: Session, otters: Hub) -> None:
    assert ask("stranger", "PUT", f"{ROLES}/stranger/member").json == {"state": "requested"}
    assert session.query(JoinRequest).one().user.username == "stranger"
    assert ask("stranger", "PUT", f"{ROLES}/stranger/member").status_code == 409
    assert ask("stranger", "PUT", f"{ROLES}/stranger/owner").status_code == 403
    assert ask("owner", "PUT", f"{ROLES}/stranger/member").json == {"state": "given"}
    assert ("stranger", "member") in held(ask, "")
    otters.join_mode = JoinMode.OPEN
    session.commit()
    assert ask("subscriber", "PUT", f"{ROLES}/subscriber/member").json == {"state": "given"}
    assert ask("owner", "PUT", f"{ROLES}/nobody/member").status_code == 404


def test_a_hub_keeps_its_last_owner(ask: Ask, session: Session, otters: Hub) -> None:
    refused = ask("owner", "DELETE", f"{ROLES}/owner/owner")
    assert (refused.status_code, "last owner" in refused.get_json(force=True)["detail"]) == (409, True)
    assert ask("owner", "PUT", f"{ROLES}/member/owner").status_code == 200
    assert ask("owner", "DELETE", f"{ROLES}/owner/owner").status_code == 204
    session.expire_all()
    assert [user.username for user in otters.people(RoleName.OWNER)] == ["member"]


@pytest.mark.parametrize("who", ["stranger", "subscriber", "member"])
def test_only_owners_revoke_roles_of_others(ask: Ask, otters: Hub, who: str) -> None:
    assert ask(who, "DELETE", f"{ROLES}/owner/owner").status_code == 403
    # Nobody learns by it who has an account here.
    assert ask(who, "DELETE", f"{ROLES}/nobody/owner").status_code == 403
    assert ask("", "DELETE", f"{ROLES}/owner/owner").status_code == 401


def test_me_describes_the_current_person(ask: Ask, otters: Hub) -> None:
    me = ask("member", "GET", "/me").json
    assert (me["username"], me["activity"]) == ("member", "public")
    assert {"hub": "http://127.0.0.1/api/v1/hubs/t/otters", "role": "member"} in me["roles"]
    assert ask("", "GET", "/me").status_code == ask("", "GET", "/me/tokens").status_code == 401


def test_people_list_and_revoke_their_own_tokens_only(ask: Ask, session: Session, otters: Hub) -> None:
    listed = ask("member", "GET", "/me/tokens").json["items"]
    assert [item["name"] for item in listed] == ["test"]
    assert not {"digest", "text"} & set(listed[0])
    path = f"/me/tokens/{listed[0]['id']}"
    assert ask("owner", "DELETE", path).status_code == 404
    assert ask("member", "DELETE", path, scope="read").status_code == 403
    assert ask("member", "DELETE", path).status_code == 204
    assert ask("member", "GET", "/me").status_code == 401
    session.expire_all()
    ended = [row.user.username for row in session.query(PersonalToken) if row.revoked_on]
    assert ended == ["member"]
