"""Cookies: what is counted, which period the figures cover, and which messages make them stale."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.actions import messages
from hubs.backend.index.index import Index
from hubs.backend.ingest.extract import Extractor
from hubs.bus import Message, parse
from hubs.errors import InvalidInput
from hubs.models import Hub, Visibility, Widget, now
from hubs.widgets import parameters, view
from hubs.widgets.karma import release_start
from hubs.widgets.registry import Registry
from tests.unit.conftest import user_of
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of

KARMA = "org.fedoraproject.prod.irc.karma"
LONG_AGO = (now() - timedelta(days=90)).date().isoformat()


def thanks(agent: str, recipient: Any = "member", /, days: float = 1, topic: str = KARMA, **more: Any) -> Message:
    body = {"agent": agent, "channel": "#tides", "line": f"thanks, {recipient}++", "recipient": recipient, "vote": 1}
    sent = (now() - timedelta(days=days)).timestamp()
    return Extractor({"swimmer": "member"})(parse({"topic": topic, "msg": body | more, "timestamp": sent}))


def test_cookies_of_this_release_and_of_all_time_are_counted(session: Session, build: Build, member: Hub) -> None:
    stored = [thanks("owner", total=36), thanks("owner", days=3, total=35), thanks("x", days=200, total=1)]
    messages.store(session, [*stored, thanks("y", vote=-1, days=2, total=34), thanks("member", "owner", total=99)])
    text = text_of(build("karma", member, release_start=LONG_AGO).html)
    assert f"1 this release, since {view.day(date.fromisoformat(LONG_AGO))} 36 all time" in text
    assert "count of the chat bot" in text
    assert "owner 2" in text


def test_without_the_bots_count_the_widget_says_which_period_it_covers(
    session: Session, build: Build, member: Hub
) -> None:
    messages.store(session, [thanks("owner"), thanks("x", days=200)])
    text = text_of(build("karma", member, release_start=LONG_AGO).html)
    assert "2 all time" in text
    first = (now() - timedelta(days=200)).strftime("%Y-%m-%d")
    assert f"Counted from the messages stored here; the first one arrived {first}" in text


def test_a_cookie_for_a_nick_counts_for_its_account(session: Session, build: Build, member: Hub) -> None:
    member.extras = {"chat_nick": "Swimmer"}
    messages.store(session, [thanks("owner", "swimmer", total=5)])
    assert "5 all time" in text_of(build("karma", member).html)


def test_without_cookies_the_widget_says_how_to_give_one(build: Build, member: Hub) -> None:
    fragment = build("karma", member)
    assert fragment.state == "live"
    assert "Write member++ in chat" in text_of(fragment.html)


def test_on_a_team_a_person_must_be_named(session: Session, build: Build, team: Hub) -> None:
    fragment = build("karma", team)
    assert fragment.state == "needs-setup"
    assert "name a person in this widget's settings" in fragment.error
    messages.store(session, [thanks("owner", total=5)])
    assert build("karma", team, username="member").state == "live"


@pytest.mark.parametrize("odd", [None, "many", 1.5, [], {}, 10**40, "<script>alert(1)</script>"])
def test_malformed_fields_are_ignored(session: Session, build: Build, member: Hub, odd: Any) -> None:
    stored = [thanks("owner", **{name: odd}) for name in ("agent", "recipient", "vote", "total")]
    messages.store(session, [*stored, thanks("owner")])
    fragment = build("karma", member)
    assert fragment.state == "live", fragment.error
    assert "<script" not in fragment.html


@pytest.mark.parametrize(
    ("today", "start"),
    [
        ("2026-05-02", "2026-04-01"),
        ("2026-10-01", "2026-10-01"),
        ("2026-03-31", "2025-10-01"),
        ("2026-12-31", "2026-10-01"),
    ],
)
def test_a_release_starts_in_april_or_october(today: str, start: str) -> None:
    assert release_start(date.fromisoformat(today)) == date.fromisoformat(start)


def test_the_release_start_must_be_a_date(registry: Registry) -> None:
    widget_type = registry.get("karma")
    assert widget_type is not None
    assert parameters.clean(widget_type.parameters, {"release_start": "2026-04-14"})["release_start"] == "2026-04-14"
    with pytest.raises(InvalidInput) as raised:
        parameters.clean(widget_type.parameters, {"release_start": "14.4."})
    assert "year-month-day" in raised.value.fields["release_start"]


def test_every_text_of_the_widget_is_translated(session: Session, build: Build, member: Hub, marked: None) -> None:
    assert "⟦No cookies yet" in build("karma", member).html
    messages.store(session, [thanks("owner", total=3)])
    assert "⟦all time⟧" in build("karma", member).html


@pytest.mark.parametrize(
    ("message", "stale"),
    [
        (thanks("owner"), True),
        (thanks("owner", "swimmer"), True),
        (thanks("owner", "stranger"), False),
        (thanks("member", "stranger"), False),
        (thanks("member", "member"), True),
        (thanks("owner", topic="org.fedoraproject.prod.irc.other"), False),
        (thanks("owner", topic="org.fedoraproject.prod.meetbot.meeting.start"), False),
    ],
)
def test_which_messages_make_cookies_stale(
    session: Session, registry: Registry, member: Hub, message: Message, stale: bool
) -> None:
    row = Widget(plugin="karma", side="left", settings={})
    member.widgets.append(row)
    session.commit()
    index = Index(registry)
    index.replace(member)
    assert (row.id in index.touched(message)) is stale


def test_cookies_of_people_who_hide_activity_are_not_shown(session: Session, build: Build, team: Hub) -> None:
    user_of(session, "member").activity = Visibility.OWNERS
    messages.store(session, [thanks("owner", total=36)])
    assert "No cookies yet" in build("karma", team, username="member").html
