"""“I can help” as a page, a form without JavaScript, an entry of the inbox, and in the API."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from hubs.actions.inbox import claims, listing
from hubs.models import HelpClaim, Hub, Visibility, now
from tests.unit.actions.inbox.test_claims import store_call
from tests.unit.conftest import as_person, user_of
from tests.unit.views.account.test_intents import enter, target_of
from tests.unit.views.api.conftest import Ask, ask  # noqa: F401
from tests.unit.views.conftest import post, sign_in


@pytest.fixture
def call(session: Session, otters: Hub) -> int:
    return store_call(session, "call", "Draw an <icon>", "member")


def text(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def helpers(session: Session) -> list[str]:
    session.rollback()
    return [claim.user.username for claim in session.query(HelpClaim)]


def test_a_visitor_signs_in_and_the_offer_is_made(client: FlaskClient, session: Session, call: int) -> None:
    page = text(client, "/")
    assert "Draw an &lt;icon&gt;" in page
    (path,) = re.findall(r'<form class="claim" method="post" action="(/help/\d+)">', page)
    assert path == f"/help/{call}"
    answer = post(client, path, act="offer")
    target = target_of(answer)
    assert "Sign in to offer your help." in text(client, answer.location)
    assert helpers(session) == []
    assert enter(client, "stranger", target) == path
    assert helpers(session) == ["stranger"]
    page = text(client, path)
    assert "You are working on this now." in page
    assert 'value="withdraw"' in page


def test_an_intent_of_another_browser_makes_no_offer(client: FlaskClient, session: Session, call: int) -> None:
    target = target_of(post(client, f"/help/{call}", act="offer"))
    other = client.application.test_client()
    assert enter(other, "stranger", target) == f"/help/{call}"
    assert helpers(session) == []


def test_others_see_who_works_on_it_and_get_a_conflict(client: FlaskClient, session: Session, call: int) -> None:
    claims.offer(session, as_person(session, "member"), call)
    session.commit()
    page = text(client, f"/help/{call}")
    assert "Member is working on this" in page
    assert 'value="offer"' not in page
    sign_in(client, "stranger")
    assert post(client, f"/help/{call}", act="offer").status_code == 409
    assert post(client, f"/help/{call}", act="withdraw").status_code == 404
    assert post(client, f"/help/{call}", act="odd").status_code == 400


def test_a_hidden_call_answers_like_a_missing_one(client: FlaskClient, session: Session, call: int) -> None:
    user_of(session, "member").activity = Visibility.OWNERS
    session.commit()
    for who in ("", "stranger"):
        if who:
            sign_in(client, who)
        for path in (f"/help/{call}", "/help/999999"):
            assert client.get(path).status_code == 404
            assert post(client, path, act="offer").status_code == 404
    assert helpers(session) == []


def test_a_reminder_is_answered_in_the_inbox(client: FlaskClient, session: Session, call: int) -> None:
    member = as_person(session, "member")
    claims.offer(session, member, call)
    session.execute(update(HelpClaim).values(touched_on=now() - timedelta(days=11)))
    claims.keep_up(session)
    session.commit()
    sign_in(client, "member")
    (notice,) = listing.newest_needs(session, member)
    page = text(client, "/me/notices")
    assert "Are you still working on it?" in page
    assert "Draw an &lt;icon&gt;" in page
    assert "You offered to help with this." in page
    assert 'value="offer"' in text(client, "/")
    assert post(client, "/me/notices", act="help-offer", notice=str(notice.id)).status_code == 303
    assert helpers(session) == ["member"]
    assert listing.newest_needs(session, member) == []
    post(client, "/me/notices", act="help-withdraw", notice=str(notice.id))
    assert helpers(session) == []


def test_the_caller_reads_who_helps(client: FlaskClient, session: Session, call: int) -> None:
    claims.offer(session, as_person(session, "member"), call)
    session.commit()
    sign_in(client, "owner")
    page = text(client, "/me/notices?box=news")
    assert f'<a href="/help/{call}">Member can help with what you asked for.</a>' in page
    assert "You called for help with this." in page


def test_the_api_lists_offers_and_withdraws(ask: Ask, session: Session, call: int) -> None:  # noqa: F811
    (listed,) = ask("", "GET", "/help").json["items"]
    assert (listed["id"], listed["text"], listed["claimed"]) == (call, "Draw an <icon>", False)
    assert ask("", "PUT", f"/help/{call}/offer").status_code == 401
    assert ask("member", "PUT", f"/help/{call}/offer", scope="read").status_code == 403
    assert ask("member", "PUT", f"/help/{call}/offer").json["claimed_by"] == "member"
    assert ask("stranger", "PUT", f"/help/{call}/offer").status_code == 409
    assert ask("stranger", "DELETE", f"/help/{call}/offer").status_code == 404
    assert ask("", "GET", f"/help/{call}").json["claimed_by"] == "member"
    assert ask("member", "DELETE", f"/help/{call}/offer").status_code == 204
    assert helpers(session) == []
    assert ask("stranger", "GET", "/help/999999").status_code == 404
