"""Help wanted: requests from meetings by day, those of followed hubs, and which messages make them stale."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import messages
from hubs.actions.inbox import claims
from hubs.backend.index.index import Index
from hubs.backend.ingest.extract import Extractor
from hubs.bus import Message, parse
from hubs.errors import InvalidInput
from hubs.models import Hub, OutboxMessage, StoredMessage, Visibility, Widget, now
from hubs.widgets import parameters
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of

STRANGER = [{"hub": "u/stranger"}]
OTTERS = [{"hub": "t/otters"}]
HELP = "org.fedoraproject.prod.meetbot.meeting.item.help"


def asked(line: Any, *people: str, ago: float = 1, topic: str = HELP, **more: Any) -> Message:
    nick = people[0] if people else "someone"
    body = {
        "attendees": dict.fromkeys(people, 2),
        "chairs": {},
        "channel": "#tides-meeting",
        "details": {"line": line, "linenum": 4, "nick": nick, "time_": 1.0},
        "meeting_topic": "tides",
        "owner": nick,
        "topic": "",
        "url": "tides/2026/tides.2026-03-17-00.42",
    }
    sent = (now() - timedelta(hours=ago)).timestamp()
    return Extractor()(parse({"topic": topic, "msg": body | more, "timestamp": sent}))


def test_requests_are_listed_by_day_with_a_link_to_the_log(session: Session, build: Build) -> None:
    messages.store(session, [asked("Review the tide tables", "member"), asked("Paint the boat", "x", ago=60)])
    fragment = build("halp")
    text = text_of(fragment.html)
    assert text.index("Review the tide tables") < text.index("Paint the boat")
    assert fragment.html.count('class="day"') == 2
    assert 'href="https://meetbot.fedoraproject.org/tides/2026/tides.2026-03-17-00.42.log.html"' in fragment.html
    assert "Log of the meeting tides" in fragment.html
    assert "member · tides ·" in text


def test_following_hubs_shows_requests_of_their_members(session: Session, build: Build, team: Hub) -> None:
    messages.store(session, [asked("ours", "x", "member"), asked("theirs", "stranger"), asked("any", "subscriber")])
    assert text_of(build("halp", team, hubs=OTTERS).html).count("tides ·") == 1
    assert "ours" in build("halp", team, hubs=OTTERS).html


def test_an_unknown_hub_is_named(build: Build) -> None:
    text = text_of(build("halp", hubs=[*OTTERS, {"hub": "t/beavers"}]).html)
    assert "There is no hub called t/beavers" in text


def test_members_of_a_hidden_hub_are_not_revealed(session: Session, build: Build, team: Hub, member: Hub) -> None:
    messages.store(session, [asked("ours", "member")])
    hub_actions.update(session, as_person(session, "owner"), team, {"visibility": "members"})
    assert "ours" not in build("halp", member, hubs=OTTERS).html
    assert "ours" in build("halp", team, hubs=OTTERS).html


def test_long_lists_are_truncated_and_old_requests_dropped(session: Session, build: Build) -> None:
    messages.store(session, [asked(f"please {n}", "member", ago=n * 24 + 1) for n in range(8)])
    assert build("halp", limit=3).html.count('class="row-item"') == 3
    assert build("halp", days=2).html.count('class="row-item"') == 2


def test_without_requests_the_widget_says_what_to_do(build: Build) -> None:
    text = text_of(build("halp", days=1).html)
    assert "Nobody asked for help in 1 day." in text
    assert "#help" in text


@pytest.mark.parametrize("odd", [None, 7, [], {}, "<script>alert(1)</script>", "x" * 100_000, "javascript:alert(1)"])
def test_malformed_fields_are_ignored(session: Session, build: Build, odd: Any) -> None:
    stored = [asked("fine", **{field: odd}) for field in ("details", "channel", "meeting_topic", "owner", "url")]
    messages.store(session, [*stored, asked(odd)])
    fragment = build("halp")
    assert fragment.state == "live", fragment.error
    assert "<script" not in fragment.html
    assert 'href="javascript' not in fragment.html


@pytest.mark.parametrize("path", ["../../etc/passwd", 'x" onclick="alert(1)', "a b", ""])
def test_a_malformed_log_path_has_no_link(session: Session, build: Build, path: str) -> None:
    messages.store(session, [asked("fine", url=path)])
    html = build("halp").html
    assert ">Log<" not in html
    number = session.scalars(select(StoredMessage.id)).one()
    assert re.findall('<a href="([^"]*)"', html) == [f"/help/{number}"]


def test_the_log_of_another_communitys_bot_is_not_guessed(session: Session, build: Build) -> None:
    messages.store(session, [asked("fine", topic=HELP.replace("fedoraproject", "example"))])
    html = build("halp").html
    assert "fine" in html
    assert "log.html" not in html


def test_every_text_of_the_widget_is_translated(session: Session, build: Build, marked: None) -> None:
    assert "⟦Nobody asked for help" in build("halp").html
    messages.store(session, [asked("fine")])
    assert "⟦Log⟧" in build("halp", hubs=[]).html


def test_following_a_person_shows_their_requests(session: Session, build: Build, team: Hub) -> None:
    messages.store(session, [asked("ours", "member"), asked("theirs", "owner")])
    text = text_of(build("halp", team, hubs=[{"hub": "u/member"}]).html)
    assert "ours" in text
    assert "theirs" not in text


def test_pasted_addresses_of_hubs_are_accepted(registry: Registry) -> None:
    widget_type = registry.get("halp")
    assert widget_type is not None
    rows = [{"hub": "otters"}, {"hub": "http://127.0.0.1/u/member/"}]
    cleaned = parameters.clean(widget_type.parameters, {"hubs": rows})
    assert cleaned["hubs"] == [{"hub": "t/otters"}, {"hub": "u/member"}]
    with pytest.raises(InvalidInput):
        parameters.clean(widget_type.parameters, {"hubs": [{"hub": "no hub at all"}]})


@pytest.mark.parametrize(
    ("message", "everything", "followed", "person"),
    [
        (asked("x", "member"), True, True, False),
        (asked("x", "stranger"), True, False, True),
        (asked("x", "member", topic=HELP.replace("help", "idea")), False, False, False),
        (asked("x", "stranger", topic=HELP.replace("item.help", "complete")), False, False, False),
    ],
)
def test_which_messages_make_requests_stale(
    session: Session, registry: Registry, team: Hub, message: Message, everything: bool, followed: bool, person: bool
) -> None:
    rows = [
        Widget(plugin="halp", side="left", settings=settings) for settings in ({}, {"hubs": OTTERS}, {"hubs": STRANGER})
    ]
    team.widgets.extend(rows)
    session.commit()
    index = Index(registry)
    index.replace(team)
    touched = index.touched(message)
    assert [row.id in touched for row in rows] == [everything, followed, person]


def test_requests_of_people_who_hide_activity_are_not_shown(session: Session, build: Build) -> None:
    user_of(session, "member").activity = Visibility.OWNERS
    messages.store(session, [asked("secret", "member"), asked("open", "owner")])
    html = build("halp").html
    assert "secret" not in html
    assert "open" in html


def test_a_helper_of_a_request_is_named_unless_they_hide_it(session: Session, build: Build, team: Hub) -> None:
    messages.store(session, [asked("Paint the boat", "owner")])
    session.commit()
    key = session.scalars(select(StoredMessage.id)).one()
    assert "I can help" in build("halp").html
    claims.offer(session, as_person(session, "member"), key)
    session.commit()
    page = text_of(build("halp").html)
    assert "Member is working on this" in page
    assert "I can help" not in page
    user_of(session, "member").activity = Visibility.OWNERS
    assert "Somebody is working on this" in text_of(build("halp").html)


@pytest.mark.parametrize("settings", [{}, {"hubs": OTTERS}])
def test_an_offer_rebuilds_the_widget(session: Session, registry: Registry, team: Hub, settings: Any) -> None:
    messages.store(session, [asked("Paint the boat", "owner")])
    session.commit()
    claims.offer(session, as_person(session, "member"), session.scalars(select(StoredMessage.id)).one())
    session.commit()
    (row,) = session.query(OutboxMessage).filter_by(topic="hubs.help.updated")
    assert set(row.body) == {"message_id"}, "the bus is told no names"
    widget = Widget(plugin="halp", side="left", settings=settings)
    team.widgets.append(widget)
    session.commit()
    index = Index(registry)
    index.replace(team)
    told = parse({"topic": f"org.fedoraproject.prod.{row.topic}", "msg": row.body, "timestamp": 1.0})
    assert widget.id in index.touched(Extractor()(told))
