"""``hubs messages explain``: the explanation of messages in each form."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.models import Hub, Widget
from tests.unit.commands.test_commands import run
from tests.unit.conftest import KEY

UUID = "8d116ece-1738-47d9-bd9c-172411e20b8f"
TOPIC = "org.fedoraproject.prod.badges.badge.award"
BODY = {"user": {"username": "member", "badges_user_id": 7}, "badge": {"badge_id": "mugshot", "name": "Mugshot"}}
HEADERS = {"fedora_messaging_schema": "tahrir.badge.award.v1", "fedora_messaging_user_member": True}
FORMS: dict[str, dict[str, Any]] = {
    "fedmsg": {"topic": TOPIC, "msg_id": f"2026-{UUID}", "timestamp": 1, "msg": BODY},
    "amqp": {"topic": TOPIC, "id": UUID, "headers": HEADERS, "body": BODY},
    "history": {"topic": TOPIC, "msg_id": UUID, "timestamp": 1, "msg": BODY, "users": ["member"], "headers": HEADERS},
}
KEYS = {"id", "family", "usernames", "packages", "groups", "sentence", "url", "widgets"}


@pytest.fixture
def member(session: Session, team: Hub) -> Hub:
    return session.scalars(select(Hub).where(Hub.name == "member")).one()


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBS_DATABASE_URL", f"sqlite:///{tmp_path / 'hubs.db'}")
    monkeypatch.setenv("HUBS_SECRET_KEY", KEY.decode())


def explained(*words: str, stdin: str) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in run("messages", "explain", *words, "--json", "-", stdin=stdin).stdout.splitlines()
    ]


@pytest.mark.parametrize("origin", FORMS)
def test_each_form_is_explained_with_the_widgets_that_it_makes_stale(
    origin: str, session: Session, member: Hub
) -> None:
    badges = Widget(hub_id=member.id, plugin="badges", side="left", position=9)
    session.add(badges)
    session.commit()
    (explanation,) = explained(stdin=json.dumps(FORMS[origin]))
    assert set(explanation) >= KEYS
    assert (explanation["id"], explanation["origin"], explanation["family"]) == (UUID, origin, "badges")
    assert (explanation["usernames"], explanation["packages"], explanation["groups"]) == (["member"], [], [])
    assert explanation["sentence"] == "member earned the badge “Mugshot”"
    assert explanation["url"] == "https://badges.fedoraproject.org/badge/mugshot"
    row = next(row for row in explanation["widgets"] if row["id"] == badges.id)
    assert row == {
        "id": badges.id,
        "plugin": "badges",
        "hub": "u/member",
        "why": "badges.badge.award about user member",
    }


def test_webhooks_and_bad_lines_are_handled_line_by_line(session: Session, member: Hub) -> None:
    member.extras = {"github_username": "Member-GH"}
    session.commit()
    issue = {"number": 3, "title": "Tide", "html_url": "https://github.com/a/b/issues/3", "user": {"login": "stranger"}}
    body = {"action": "opened", "issue": issue, "repository": {"full_name": "a/b"}, "sender": {"login": "member-gh"}}
    hook = {"headers": {"X-GitHub-Event": "issues", "X-GitHub-Delivery": UUID}, "body": body}
    lines = [json.dumps(hook), "not JSON", "", json.dumps({"message": FORMS["fedmsg"]})]
    explanations = explained(stdin="\n".join(lines))
    assert [explanation["family"] for explanation in explanations] == ["github", "badges"]
    # The login of a stranger is no account; the other one was linked by its owner.
    assert explanations[0]["usernames"] == ["member"]
    assert explanations[0]["sentence"] == "member opened the issue a/b#3 “Tide”"


def test_the_explanation_is_translated(member: Hub) -> None:
    text = run("messages", "explain", "--locale", "de", "-", stdin=json.dumps([FORMS["amqp"]])).stdout
    assert "member hat das Abzeichen „Mugshot“ erworben" in text
    assert "badge.earned" in text


def test_without_a_database_no_widgets_are_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HUBS_DATABASE_URL", f"sqlite:///{tmp_path / 'none' / 'hubs.db'}")
    (explanation,) = explained(stdin=json.dumps(FORMS["amqp"]))
    assert (explanation["usernames"], explanation["widgets"]) == (["member"], [])


def test_an_unknown_language_is_refused() -> None:
    result = run("messages", "explain", "--locale", "xx", "-", stdin="{}", fails=SystemExit)
    assert f"There is {', '.join(i18n.locales())}." in result.output
