"""The Members tab, requests to join, and invitations."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, insert
from sqlalchemy.orm import Session

from hubs.actions.people import membership
from hubs.actions.people import roles as role_actions
from hubs.models import Hub, Invitation, JoinRequest, Role, RoleName, User, Visibility
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import post, sign_in


def text(client: FlaskClient, path: str) -> str:
    return " ".join(client.get(path).get_data(as_text=True).split())


def roles(session: Session, hub: Hub, username: str) -> set[RoleName]:
    session.expire_all()
    return {role.role for role in session.query(Role).filter_by(hub_id=hub.id) if role.user.username == username}


def test_from_the_conditions_by_request_and_approval_to_membership(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    sign_in(client, "owner")
    assert post(client, "/t/otters/joining", join_mode="request", join_conditions="*Swim* first.").status_code == 303
    sign_in(client, "stranger")
    assert "<em>Swim</em> first." in text(client, "/t/otters/join")
    assert post(client, "/t/otters/join", message="I do <b>swim</b>.").status_code == 303
    assert "Request sent" in text(client, "/t/otters/")
    assert "Withdraw the request" in text(client, "/t/otters/join")
    assert "Pending" in text(client, "/me/")
    assert post(client, "/t/otters/join", message="again").status_code == 409
    sign_in(client, "owner")
    assert "I do &lt;b&gt;swim&lt;/b&gt;." in text(client, "/t/otters/members")
    answer = post(client, "/t/otters/requests", username="stranger", answer="approve", note="Good.")
    assert answer.status_code == 303
    assert roles(session, otters, "stranger") == {RoleName.MEMBER}
    sign_in(client, "stranger")
    page = text(client, "/me/")
    assert "Approved" in page
    assert "Good." in page
    assert "Leave" in text(client, "/t/otters/")
    post(client, "/t/otters/leave")
    assert roles(session, otters, "stranger") == set()


def test_only_owners_see_requests_and_invitations(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "stranger")
    post(client, "/t/otters/join", message="let me in")
    sign_in(client, "owner")
    post(client, "/t/otters/invitations", username="subscriber", role="member")
    assert "let me in" in text(client, "/t/otters/members")
    review = '<span>1 person asks to join</span><a class="btn btn-sm btn-tonal" href="/t/otters/members#requests">'
    assert text(client, "/t/otters/").count(review) == 1
    assert "asks to join" not in text(client, "/t/otters/?as=member")
    for username in ("member", "subscriber", "stranger"):
        assert "asks to join" not in text(sign_in(client, username), "/t/otters/")
        page = text(sign_in(client, username), "/t/otters/members")
        assert "let me in" not in page
        assert "Invited" not in page
        assert "csrf" in page  # the page is whole
    post(client, "/logout")
    assert "let me in" not in text(client, "/t/otters/members")
    assert "asks to join" not in text(client, "/t/otters/")
    post(sign_in(client, "owner"), "/t/otters/requests", deny="stranger")
    assert "asks to join" not in text(client, "/t/otters/")


def test_a_request_is_withdrawn(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "stranger")
    post(client, "/t/otters/join")
    assert post(client, "/t/otters/withdraw").status_code == 303
    assert "Request sent" not in text(client, "/t/otters/")


def test_an_invitation_to_a_closed_hub_is_accepted(client: FlaskClient, session: Session, otters: Hub) -> None:
    otters.visibility = Visibility.MEMBERS
    session.commit()
    sign_in(client, "owner")
    answer = post(client, "/t/otters/invitations", username="nobody-here", role="member")
    assert answer.status_code == 404
    assert 'value="nobody-here"' in answer.get_data(as_text=True)
    assert post(client, "/t/otters/invitations", username="stranger", role="owner", message="Hi").status_code == 303
    sign_in(client, "stranger")
    assert client.get("/t/otters/").status_code == 404
    assert "otters" in text(client, "/me/")
    assert post(client, f"/me/invitations/{otters.id}", answer="accept").headers["Location"] == "/t/otters/"
    assert roles(session, otters, "stranger") == {RoleName.OWNER}
    assert client.get("/t/otters/edit").status_code == 200


def test_names_that_an_owner_may_not_see_get_the_answer_of_those_that_do_not_exist(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    hidden = session.query(Hub).filter_by(kind="user", name="stranger").one()
    hidden.visibility = Visibility.OWNERS
    session.commit()
    sign_in(client, "owner")
    for act, fields in (("invitations", {"role": "member"}), ("roles", {"role": "member", "act": "give"})):
        answers = [post(client, f"/t/otters/{act}", username=name, **fields) for name in ("stranger", "no-such-xx")]
        assert [answer.status_code for answer in answers] == [404, 404]
        # A token holds the second in which it was made.
        first, second = (
            re.sub(r'value="[^"]*\.[^"]*\.[^"]*"', "", answer.get_data(as_text=True)) for answer in answers
        )
        assert first.replace("stranger", "no-such-xx") == second
    assert session.query(Invitation).count() == 0


def test_somebody_who_is_here_can_be_promoted_whoever_sees_their_page(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    session.query(Hub).filter_by(kind="user", name="member").one().visibility = Visibility.OWNERS
    session.commit()
    sign_in(client, "owner")
    assert post(client, "/t/otters/roles", username="member", role="owner").status_code == 303
    assert RoleName.OWNER in roles(session, otters, "member")


def test_owners_change_and_revoke_roles_but_not_of_the_last_owner(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    sign_in(client, "owner")
    post(client, "/t/otters/roles", username="member", role="owner", act="change")
    assert roles(session, otters, "member") == {RoleName.OWNER}
    post(client, "/t/otters/roles", username="member", role="member", act="change")
    assert roles(session, otters, "member") == {RoleName.MEMBER}
    post(client, "/t/otters/roles", username="member", role="member", act="take")
    assert roles(session, otters, "member") == set()
    answer = post(client, "/t/otters/roles", username="owner", role="owner", act="take")
    assert answer.status_code == 409
    assert "last owner" in answer.get_data(as_text=True)
    assert roles(session, otters, "owner") == {RoleName.OWNER}


def test_a_request_to_a_hub_that_became_private_does_not_name_it(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    sign_in(client, "stranger")
    post(client, "/t/otters/join")
    otters.visibility = Visibility.MEMBERS
    session.commit()
    assert "otters" not in text(client, "/me/")


def test_the_page_of_a_large_team_costs_as_many_queries_as_that_of_a_small_one(
    app: Flask, client: FlaskClient, session: Session, registry: Registry, otters: Hub
) -> None:
    sign_in(client, "owner")
    queries: list[str] = []
    event.listen(app.extensions["hubs"].database.engine, "before_cursor_execute", lambda *a: queries.append(a[2]))
    counts = []
    for number in range(2):
        queries.clear()
        assert client.get("/t/otters/members").status_code == 200
        counts.append(len(queries))
        for name in (f"more-{number}-{index}" for index in range(10)):
            role_actions.grant_role_unchecked(
                session, "owner", otters, role_actions.sign_up(session, registry, name), RoleName.MEMBER
            )
        session.commit()
    assert counts[0] == counts[1]


def test_an_open_hub_makes_members_at_once(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    post(client, "/t/otters/joining", join_mode="open", join_conditions="")
    sign_in(client, "stranger")
    post(client, "/t/otters/join")
    assert roles(session, otters, "stranger") == {RoleName.MEMBER}
    assert user_of(session, "stranger").username in text(client, "/t/otters/members")


#: What an owner can send that names a person: existing and other accounts must get the same answer.
NAMING = [
    ("/u/owner/invitations", {"role": "member"}),
    ("/u/owner/invitations", {"role": "owner"}),
    ("/u/owner/invitations", {"act": "withdraw"}),
    ("/u/owner/requests", {"answer": "approve"}),
    ("/u/owner/roles", {"role": "member"}),
    ("/u/owner/roles", {"role": "owner"}),
    ("/u/owner/roles", {"role": "member", "act": "take"}),
    ("/u/owner/roles", {"role": "owner", "act": "change"}),
    ("/t/otters/invitations", {"act": "withdraw"}),
    ("/t/otters/requests", {"answer": "deny"}),
    ("/t/otters/roles", {"role": "member", "act": "take"}),
    ("/t/otters/roles", {"role": "member", "act": "change"}),
]


@pytest.mark.parametrize(("path", "fields"), NAMING)
def test_owners_cannot_find_out_which_accounts_exist(
    client: FlaskClient, session: Session, otters: Hub, path: str, fields: dict[str, str]
) -> None:
    user_of(session, "stranger").unlisted = True
    session.commit()
    sign_in(client, "owner")

    def answer(username: str) -> tuple[int, str | None, str]:
        response = post(client, path, username=username, **fields)
        page = re.sub(r'="[A-Za-z0-9_.-]{40,}"', "", response.get_data(as_text=True))  # tokens differ each time
        return response.status_code, response.location, page.replace(username, "…")

    assert answer("stranger") == answer("nostrang")


def test_the_error_for_a_used_name_does_not_reveal_the_hub(client: FlaskClient, session: Session, otters: Hub) -> None:
    otters.visibility, otters.kind = Visibility.OWNERS, "regional"
    session.commit()
    sign_in(client, "stranger")
    page = post(client, "/new", name="Otters", template="team", visibility="public")
    assert page.status_code == 409
    assert "The name Otters is taken." in page.get_data(as_text=True)
    assert "regional" not in page.get_data(as_text=True)


@pytest.fixture
def crowd(session: Session, registry: Registry, otters: Hub) -> Hub:
    """Give the team otters with 60 more members and 60 people who ask to join, all without hubs of their own."""
    members = [User(username=f"crowd{number:02}", fullname=f"Çrowd Number {number:02}") for number in range(60)]
    asking = [User(username=f"asking{number:02}") for number in range(60)]
    session.add_all(members + asking)
    session.flush()
    for user in members:
        role_actions.grant_role_unchecked(session, "owner", otters, user, RoleName.MEMBER)
    session.add_all(JoinRequest(hub_id=otters.id, user_id=user.id) for user in asking)
    session.commit()
    return otters


def people(client: FlaskClient, query: str = "") -> list[str]:
    """Return the usernames in the list of people."""
    page = text(client, f"/t/otters/members{query}")
    return re.findall(r'href="/u/([^/]+)/"', page[page.index('id="members"') :].partition("</section>")[0])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?role=owner", ["owner"]),
        ("?role=owner&q=crowd", []),
        ("?q=number+07", ["crowd07"]),
        ("?q=crowd07", ["crowd07"]),
        ("?q=07+number&role=member", ["crowd07"]),
        ("?q=%25", None),
        ("?role=nonsense&page=-3", None),
        ("?page=99", []),
    ],
)
def test_people_are_searched_and_filtered(
    client: FlaskClient, crowd: Hub, query: str, expected: list[str] | None
) -> None:
    first = people(client)
    assert people(client, query) == (first if expected is None else expected)


def test_the_people_of_a_large_team_come_in_pages_with_few_forms(client: FlaskClient, crowd: Hub) -> None:
    sign_in(client, "owner")
    first, second = people(client), people(client, "?page=2")
    assert len(first) == 50
    assert len(set(first + second)) == 62  # the owner, the member, and the crowd
    assert first[0] == "owner"
    page = text(client, "/t/otters/members")
    main = page[page.index("<main") : page.index("</main>")]
    assert main.count("<form") == 5  # requests, filters, people, invite, joining
    assert "10 more requests" in main


def test_a_team_of_two_thousand_costs_no_more_queries_and_bytes_than_a_small_one(
    app: Flask, client: FlaskClient, session: Session, crowd: Hub
) -> None:
    sign_in(client, "owner")
    queries: list[str] = []
    event.listen(app.extensions["hubs"].database.engine, "before_cursor_execute", lambda *a: queries.append(a[2]))

    def cost() -> tuple[int, int]:
        queries.clear()
        return len(client.get("/t/otters/members").get_data()), len(queries)

    small = [cost() for _ in range(2)][-1]
    users = [User(username=f"later{number:04}", fullname=f"Later Number {number:04}") for number in range(4000)]
    session.add_all(users)
    session.flush()
    session.execute(insert(Role), [{"hub_id": crowd.id, "user_id": user.id, "role": "member"} for user in users[:2000]])
    session.execute(insert(JoinRequest), [{"hub_id": crowd.id, "user_id": user.id} for user in users[2000:]])
    session.commit()
    size, number = [cost() for _ in range(2)][-1]
    assert (size < 1.1 * small[0], number) == (True, small[1])
    assert people(client, "?q=number+1234") == ["later1234"]
    assert len(people(client, "?page=42")) == 12  # the owner, the member, the crowd, and 2,000


def test_unlisted_members_are_listed_to_owners_and_themselves_only(
    client: FlaskClient, session: Session, crowd: Hub
) -> None:
    user_of(session, "crowd07").unlisted = True
    session.commit()
    assert people(client, "?q=crowd07") == []
    assert people(sign_in(client, "member"), "?q=crowd07") == []
    assert people(sign_in(client, "crowd07"), "?q=crowd07") == ["crowd07"]
    assert people(sign_in(client, "owner"), "?q=crowd07") == ["crowd07"]


def test_requests_are_approved_together_and_answered_ones_are_skipped(
    client: FlaskClient, session: Session, crowd: Hub
) -> None:
    sign_in(client, "owner")
    assert post(client, "/t/otters/requests", deny="asking00", note="Not yet.").status_code == 303
    names = [f"asking{number:02}" for number in range(5)]
    assert post(client, "/t/otters/requests", username=names, answer="approve").status_code == 303
    assert [roles(session, crowd, name) for name in names] == [set(), *[{RoleName.MEMBER}] * 4]
    refused = post(client, "/t/otters/requests", answer="approve", note="Welcome to you")
    assert refused.status_code == 400
    assert 'value="Welcome to you"' in refused.get_data(as_text=True)


def test_selected_people_are_changed_together_or_not_at_all(client: FlaskClient, session: Session, crowd: Hub) -> None:
    sign_in(client, "owner")
    both = ["crowd01", "crowd02"]
    answer = post(client, "/t/otters/roles?q=crowd", username=both, do="owner")
    assert answer.headers["Location"] == "/t/otters/members?q=crowd"
    assert [roles(session, crowd, name) for name in both] == [{RoleName.OWNER}] * 2
    assert post(client, "/t/otters/roles", username=[*both, "owner"], do="remove").status_code == 409
    assert [roles(session, crowd, name) for name in both] == [{RoleName.OWNER}] * 2
    post(client, "/t/otters/roles", username=both, do="remove")
    assert [roles(session, crowd, name) for name in both] == [set()] * 2
    for fields in ({"do": "owner"}, {"do": "", "username": ["crowd03"]}):
        assert post(client, "/t/otters/roles", **fields).status_code == 400
    sign_in(client, "crowd03")
    assert post(client, "/t/otters/roles", username=["crowd03"], do="owner").status_code == 403


def test_members_of_a_group_are_not_removed_here(client: FlaskClient, session: Session, crowd: Hub) -> None:
    crowd.group_name = "otters-group"
    session.commit()
    sign_in(client, "owner")
    post(client, "/t/otters/roles", username=["crowd01"], do="remove")
    assert roles(session, crowd, "crowd01") == {RoleName.MEMBER}


@pytest.mark.parametrize(
    ("act", "text", "undo"),
    [
        ("subscribe", "You are now subscribed to otters.", "unsubscribe"),
        ("star", "You have starred otters.", "unstar"),
        ("unsubscribe", "You have unsubscribed from otters.", "subscribe"),
        ("unstar", "You have removed your star from otters.", "star"),
    ],
)
def test_the_page_says_what_was_done_and_offers_to_undo_it(
    client: FlaskClient, session: Session, otters: Hub, act: str, text: str, undo: str
) -> None:
    sign_in(client, "stranger")
    if act.startswith("un"):
        post(client, f"/t/otters/{act.removeprefix('un')}")
    before = roles(session, otters, "stranger")
    post(client, f"/t/otters/{act}")
    assert roles(session, otters, "stranger") != before
    page = client.get("/t/otters/").get_data(as_text=True)
    assert text in page
    assert f'<form class="flash" method="post" action="/t/otters/{undo}">' in page
    post(client, f"/t/otters/{undo}")
    assert roles(session, otters, "stranger") == before


def test_leaving_is_said_without_undo(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "member")
    post(client, "/t/otters/leave")
    page = client.get("/t/otters/").get_data(as_text=True)
    assert "You have left otters." in page
    assert '<form class="flash"' not in page


def test_an_answer_says_whom_it_concerns(client: FlaskClient, session: Session, otters: Hub) -> None:
    membership.join(session, as_person(session, "stranger"), otters, "May I?")
    session.commit()
    sign_in(client, "owner")
    post(client, "/t/otters/requests", username="stranger", answer="deny")
    assert "Denied the request of stranger to join otters." in client.get("/t/otters/members").get_data(as_text=True)
