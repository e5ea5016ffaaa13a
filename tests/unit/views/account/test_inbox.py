"""The page of the inbox without JavaScript: lists, actions in place, undo, mutes, saved views."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions.inbox import bus, listing
from hubs.actions.inbox.listing import Box
from hubs.actions.people import membership
from hubs.activities.activity import Activity, Thing
from hubs.models import Hub, MuteScope, Notice, NoticeMute, RoleName, StoredMessage, now
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import post, sign_in, token

INBOX = "/me/notices"


@pytest.fixture
def request_id(client: FlaskClient, session: Session, otters: Hub) -> int:
    """Give the id of the owner's notification of a request to join; the owner is signed in."""
    membership.join(session, as_person(session, "stranger"), otters, "I swim <b>well</b>.")
    session.commit()
    sign_in(client, "owner")
    return listing.newest_needs(session, as_person(session, "owner"))[0].id


@pytest.fixture
def comment_id(client: FlaskClient, session: Session, otters: Hub) -> int:
    """Give the id of the owner's notification of a comment; the owner is signed in."""
    thing = Thing("issue", "Wet <paws>", "#7", "https://forge.example/7")
    activity = Activity("issue.commented", "member", thing, "otters")
    session.add(
        StoredMessage(
            msg_id="m1", topic="a.b.c.x", category="x", sent_at=now(), activity=activity.as_row(), link=thing.link
        )
    )
    session.flush()
    (notice,) = bus.note(session, [bus.Heard("m1", "member", frozenset(("member", "owner")), activity)])
    session.commit()
    sign_in(client, "owner")
    return notice.id


def page(client: FlaskClient, query: str = "") -> str:
    """Return the inbox."""
    answer = client.get(INBOX + query)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def shown(client: FlaskClient, query: str = "") -> list[int]:
    """Return the ids of the notifications in a list."""
    return [int(number) for number in re.findall(r'data-notice="(\d+)"', page(client, query))]


def state(session: Session, notice_id: int) -> Notice:
    session.expire_all()
    return session.get_one(Notice, notice_id)


def test_a_request_is_approved_in_place_with_one_form(
    client: FlaskClient, session: Session, otters: Hub, request_id: int
) -> None:
    text = page(client)
    assert "Stranger would like to join otters." in text
    assert "I swim &lt;b&gt;well&lt;/b&gt;." in text
    answer = post(client, INBOX, act="approve", notice=str(request_id))
    assert (answer.status_code, answer.location) == (303, INBOX)
    assert "Approved. stranger is now a member of otters." in page(client)
    assert shown(client) == []
    session.expire_all()
    assert "stranger" in [user.username for user in otters.people(RoleName.MEMBER)]


def test_an_invitation_is_declined_in_place(client: FlaskClient, session: Session, otters: Hub) -> None:
    user = user_of(session, "stranger")
    membership.invite(session, as_person(session, "owner"), otters, user, RoleName.MEMBER)
    session.commit()
    sign_in(client, "stranger")
    (notice_id,) = shown(client)
    assert post(client, INBOX, act="approve", notice=str(notice_id)).status_code == 400
    assert post(client, INBOX, act="decline", notice=str(notice_id)).status_code == 303
    assert shown(client) == []
    assert shown(client, "?box=done") == [notice_id]


@pytest.mark.parametrize(
    ("act", "box", "inverse"), [("done", "done", "reopen"), ("snooze-tomorrow", "snoozed", "unsnooze")]
)
def test_done_and_snoozed_entries_are_in_their_lists_and_can_be_undone(
    client: FlaskClient, request_id: int, act: str, box: str, inverse: str
) -> None:
    answer = post(client, INBOX, act=act, notice=str(request_id))
    assert shown(client) == []
    assert shown(client, f"?box={box}") == [request_id]
    offer = client.get(answer.location).get_data(as_text=True)
    undo = dict(re.findall(r'name="(undo|at)" value="([^"]+)"', offer))
    post(client, INBOX, act="undo", **undo)
    assert shown(client) == [request_id]
    post(client, INBOX, act=act, notice=str(request_id))
    post(client, INBOX, act=inverse, notice=str(request_id))
    assert shown(client) == [request_id]


def test_actions_answer_scripts_with_json(client: FlaskClient, request_id: int) -> None:
    fields = {"csrf_token": token(client, "/search"), "act": "done", "notice": str(request_id)}
    answer = client.post(INBOX, data=fields, headers={"Accept": "application/json"})
    assert answer.get_json()["text"] == "Done."
    assert answer.get_json()["undo"]["undo"] == "done"


def test_news_is_a_list_of_its_own_that_says_why(client: FlaskClient, comment_id: int, otters: Hub) -> None:
    assert shown(client) == []
    assert shown(client, "?box=news") == [comment_id]
    text = page(client, "?box=news")
    assert "Wet &lt;paws&gt;" in text
    assert "You take part in it, and you follow otters." in text
    assert shown(client, f"?box=news&hub={otters.id}&reason=replied&person=member") == [comment_id]
    for query in ("hub=999", "reason=assigned", "person=owner"):
        assert shown(client, f"?box=news&{query}") == [], query


def test_marks_change_one_notification(client: FlaskClient, session: Session, comment_id: int) -> None:
    for act, attribute, value in (("read", "read", True), ("save", "saved", True), ("unread", "read", False)):
        post(client, INBOX, act=act, notice=str(comment_id))
        assert getattr(state(session, comment_id), attribute) is value, act
    assert shown(client, "?box=saved") == [comment_id]


def test_a_mute_is_listed_and_lifted(client: FlaskClient, session: Session, comment_id: int) -> None:
    for scope in MuteScope:
        post(client, INBOX, act=f"mute-{scope.value}", notice=str(comment_id))
    assert session.query(NoticeMute).count() == 4
    assert shown(client, "?box=news") == []
    assert client.get("/me/notices/mutes").get_data(as_text=True).count('value="unmute"') == 4
    post(client, INBOX, act="unmute", scope="person", value="member", back="mutes")
    assert session.query(NoticeMute).count() == 3


def test_filters_are_saved_as_a_view(client: FlaskClient, comment_id: int) -> None:
    query = "box=news&person=member"
    post(client, INBOX, act="save-view", name="Mirko & others", query=f"{query}&before=x")
    text = page(client, f"?{query}")
    assert 'href="/me/notices?box=news&amp;person=member" aria-current="page"' in text
    assert "Mirko &amp; others" in text
    view = re.findall(r'name="view" value="(\d+)"', text)[0]
    post(client, INBOX, act="remove-view", view=view)
    assert "Mirko &amp; others" not in page(client)


def test_the_popover_and_the_figures_show_the_same(client: FlaskClient, request_id: int, comment_id: int) -> None:
    figures = client.get("/me/notices/count")
    assert (figures.get_json()["count"], figures.get_json()["news"]) == (1, 1)
    assert figures.headers["Cache-Control"] == "no-store"
    popover = client.get("/me/notices/popover").get_data(as_text=True)
    assert [int(number) for number in re.findall(r'data-notice="(\d+)"', popover)] == [request_id, comment_id]
    assert re.search(r"<b class=\"badge\" data-inbox-count >1</b>", page(client))


def test_nobody_acts_on_the_notifications_of_others(client: FlaskClient, session: Session, request_id: int) -> None:
    sign_in(client, "member")
    for act in ("done", "approve", "take", "mute-hub"):
        assert post(client, INBOX, act=act, notice=str(request_id)).status_code == 404, act
    assert post(client, INBOX, act="done", notice="x").status_code == 400
    assert post(client, INBOX, act="nonsense", notice=str(request_id)).status_code == 404
    assert state(session, request_id).done_on is None
    assert listing.count(session, as_person(session, "owner"), Box.NEEDS_YOU) == 1
