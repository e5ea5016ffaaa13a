"""Summaries of a span of time: for those who may see the hub's feed, as a page and as JSON."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from hubs.digest import reading
from hubs.models import Hub, Visibility, now
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import sign_in
from tests.unit.views.home.test_front import read, say, store

TODAY = now().date().isoformat()
YESTERDAY = (now() - timedelta(days=1)).date().isoformat()


def test_the_page_and_its_json_have_the_same_numbers(client: FlaskClient, session: Session, otters: Hub) -> None:
    store(session, *(say(number, "member", title=f"Crash {number}") for number in range(3)))
    assert "3 issues closed" in read(client, f"/t/otters/since/{YESTERDAY}")
    values = client.get(f"/t/otters/since/{YESTERDAY}/json").json
    assert values["hubs"][0]["total"] == 3
    assert values["hubs"][0]["facts"] == [{"kind": "closed", "count": 3, "title": "", "link": ""}]
    old = (now() - timedelta(days=9)).date().isoformat()
    assert client.get(f"/t/otters/since/{old}/json?until={old}").json["hubs"] == []


def test_people_who_hide_their_activity_are_left_out(client: FlaskClient, session: Session, otters: Hub) -> None:
    user_of(session, "member").activity = Visibility.SIGNED_IN
    session.commit()
    store(session, say(1, "member", title="A"), say(2, "owner", "member", title="B"), say(3, "owner", title="C"))
    path = f"/t/otters/since/{YESTERDAY}/json"
    assert client.get(path).json["total"] == 1
    sign_in(client, "stranger")
    assert client.get(path).json["total"] == 3


def test_a_hidden_feed_has_no_summary(client: FlaskClient, session: Session, otters: Hub) -> None:
    for row in otters.widgets:
        if row.plugin == "feed":
            row.visibility = Visibility.MEMBERS
    session.commit()
    path = f"/t/otters/since/{YESTERDAY}"
    assert client.get(path).status_code == 404
    assert client.get(f"{path}/json").status_code == 404
    sign_in(client, "member")
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("day", ["x", "2026-13-01", "1800-01-01", "9999-12-31"])
def test_days_that_cannot_be_are_refused(client: FlaskClient, otters: Hub, day: str) -> None:
    assert client.get(f"/t/otters/since/{day}").status_code == 400
    assert client.get(f"/t/otters/since/{TODAY}?until=x").status_code == 400


def test_reading_is_bounded(session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST", 5)
    store(session, *(say(number, "member", "owner", title=f"Crash {number}") for number in range(9)))
    who, span = as_person(session, "member"), (now() - timedelta(days=2), now())
    queries: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *a: queries.append(a[2]))
    summary = reading.read(session, who, [team], *span)
    assert (summary.total, summary.complete) == (5, False)
    assert len(queries) == 2
    assert reading.read(session, who, [], *span).hubs == ()
