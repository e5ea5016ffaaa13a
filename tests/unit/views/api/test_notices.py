"""The inbox in the API: the same lists, figures, marks and mutes as on the page, of the token's person alone."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from hubs.actions.inbox import bus, listing
from hubs.actions.people import membership
from hubs.activities.activity import Activity, Thing
from hubs.models import Hub, MessagePerson, NoticeMute, StoredMessage, Visibility, now
from tests.unit.conftest import as_person, user_of
from tests.unit.views.api.conftest import Ask


@pytest.fixture
def request_id(session: Session, otters: Hub) -> int:
    """Give the id of the owner's notification of a request to join."""
    membership.join(session, as_person(session, "stranger"), otters, "May I?")
    session.commit()
    return listing.newest_needs(session, as_person(session, "owner"))[0].id


@pytest.fixture
def comments(session: Session, otters: Hub) -> int:
    """Give the number of comments of which the owner has notifications."""
    for number in range(3):
        thing = Thing("issue", "Wet", f"#{number}", f"https://forge.example/{number}")
        activity = Activity("issue.commented", "member", thing, "otters")
        row = StoredMessage(msg_id=f"m{number}", topic="a.b.c.x", category="x", sent_at=now(), link=thing.link)
        row.activity = activity.as_row()
        session.add(row)
        session.flush()
        session.add(MessagePerson(message_id=row.id, username="member", sent_at=row.sent_at, category="x"))
        bus.note(session, [bus.Heard(f"m{number}", "member", frozenset(("member", "owner")), activity)])
    session.commit()
    return 3


def ids(ask: Ask, query: str = "", who: str = "owner") -> list[int]:
    answer = ask(who, "GET", f"/me/notices{query}")
    assert answer.status_code == 200, answer.json
    return [item["id"] for item in answer.json["items"]]


def test_a_notification_states_its_kind_reason_and_place(ask: Ask, request_id: int, comments: int) -> None:
    (needed,) = ask("owner", "GET", "/me/notices").json["items"]
    assert (needed["id"], needed["kind"], needed["reason"], needed["needs_you"]) == (
        request_id,
        "join-request",
        "requested",
        True,
    )
    assert (needed["about"], needed["sentence"]) == ("stranger", "")
    assert needed["hub"].endswith("/api/v1/hubs/t/otters")
    news = ask("owner", "GET", "/me/notices?box=news").json["items"]
    assert news[0]["link"] == "https://forge.example/2"
    assert "Wet" in news[0]["sentence"]
    assert ask("owner", "GET", "/me/notices/count").json == {"needs_you": 1, "news": comments, "snoozed": 0}


def test_filters_select_by_hub_kind_person_and_reason(ask: Ask, request_id: int, comments: int) -> None:
    for query in ("hub=t/otters", "kind=join-request", "person=stranger", "reason=requested"):
        assert ids(ask, f"?{query}") == [request_id], query
    for query in ("hub=u/owner", "kind=invitation", "person=member", "reason=news"):
        assert ids(ask, f"?{query}") == [], query
    for query in ("box=odd", "kind=odd", "reason=odd", "hub=odd", "limit=0"):
        assert ask("owner", "GET", f"/me/notices?{query}").status_code == 400, query
    assert ask("owner", "GET", "/me/notices?hub=t/badgers").status_code == 404


def test_pages_follow_each_other(ask: Ask, comments: int) -> None:
    seen, address = list[int](), "/me/notices?box=news&limit=2"
    while address:
        page = ask("owner", "GET", address).json
        seen += [item["id"] for item in page["items"]]
        address = (page["next"] or "").partition("/api/v1")[2]
    assert len(seen) == len(set(seen)) == comments
    assert seen == ids(ask, "?box=news")


def test_marks_change_the_persons_own_only(ask: Ask, session: Session, request_id: int, comments: int) -> None:
    news = ids(ask, "?box=news")

    def mark(who: str, mark: str, *chosen: int, **more: str) -> int:
        answer = ask(who, "POST", "/me/notices/marks", {"ids": list(chosen), "mark": mark, **more})
        assert answer.status_code == 200, answer.json
        changed: int = answer.json["changed"]
        return changed

    assert mark("member", "done", *news, request_id) == 0
    assert mark("owner", "read", *news) == 3
    assert mark("owner", "read", *news) == 0
    assert mark("owner", "done", request_id) == 1
    assert ids(ask, "?box=done") == [request_id]
    assert mark("owner", "reopen", request_id) == 1
    assert mark("owner", "snooze", request_id, until=(now() + timedelta(hours=1)).isoformat()) == 1
    assert ask("owner", "GET", "/me/notices/count").json == {"needs_you": 0, "news": 0, "snoozed": 1}
    assert mark("owner", "save", news[0]) == 1
    assert ids(ask, "?box=saved") == [news[0]]
    for body in ({"ids": [], "mark": "read"}, {"ids": [1], "mark": "odd"}, {"ids": [1], "mark": "snooze"}):
        assert ask("owner", "POST", "/me/notices/marks", body).status_code == 400
    assert ask("owner", "POST", "/me/notices/marks", {"ids": [1], "mark": "read"}, scope="read").status_code == 403


def test_mutes_are_listed_set_and_removed(ask: Ask, session: Session, otters: Hub, comments: int) -> None:
    hub = {"scope": "hub", "value": str(otters.id)}
    assert ask("owner", "POST", "/me/notices/mutes", hub).status_code == 200
    assert ask("owner", "GET", "/me/notices/mutes").json["items"] == [hub]
    assert session.query(NoticeMute).one().label == "otters"
    assert ids(ask, "?box=news") == []
    assert ask("owner", "DELETE", f"/me/notices/mutes?scope=hub&value={otters.id}").status_code == 204
    assert ask("owner", "GET", "/me/notices/mutes").json["items"] == []
    otters.visibility = Visibility.OWNERS
    session.commit()
    for value in (str(otters.id), "99999", "x"):
        assert ask("stranger", "POST", "/me/notices/mutes", {"scope": "hub", "value": value}).status_code == 404
    assert ask("owner", "POST", "/me/notices/mutes", {"scope": "reason", "value": "odd"}).status_code == 400


def test_entries_of_hidden_hubs_vanish_from_lists_and_figures(ask: Ask, session: Session, comments: int) -> None:
    assert len(ids(ask, "?box=news")) == comments
    user_of(session, "member").activity = Visibility.OWNERS
    session.commit()
    assert ids(ask, "?box=news") == []
    assert ask("owner", "GET", "/me/notices/count").json["news"] == 0


def test_visitors_have_no_inbox(ask: Ask) -> None:
    for path in ("/me/notices", "/me/notices/count", "/me/notices/mutes"):
        assert ask("", "GET", path).status_code == 401
    assert ask("", "POST", "/me/notices/marks", {"ids": [1], "mark": "read"}).status_code == 401
