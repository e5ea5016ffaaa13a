"""Feeds as JSON and as Atom: the same messages, without hidden activity."""

import base64
from datetime import UTC, datetime, timedelta

import feedparser
import pytest
from sqlalchemy.orm import Session

from hubs.models import Hub, MessagePerson, StoredMessage, Visibility
from tests.unit.conftest import user_of
from tests.unit.views.api.conftest import Ask

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def say(session: Session, number: int, *people: str, sentence: str = "") -> None:
    moment = START + timedelta(minutes=number // 2)  # two at the same moment each
    named = [MessagePerson(username=name, sent_at=moment, category="git") for name in people]
    session.add(
        StoredMessage(
            msg_id=f"2026-{number}",
            topic="org.example.git.push",
            category="git",
            sent_at=moment,
            sentence=sentence or f"{people[0]} pushed {number}",
            people=named,
        )
    )
    session.flush()


@pytest.fixture
def messages(session: Session, otters: Hub) -> None:
    for number in range(7):
        say(session, number, "member" if number % 2 else "owner")
    session.commit()


@pytest.mark.usefixtures("messages")
@pytest.mark.usefixtures("old_team")
def test_a_feed_comes_in_pages_newest_first(ask: Ask) -> None:
    sentences, path = [], "/hubs/t/otters/feed?limit=3"
    while path:
        answer = ask("", "GET", path).json
        sentences += [entry["sentence"].split()[-1] for entry in answer["items"]]
        path = (answer["next"] or "").removeprefix("http://127.0.0.1")
    assert sentences == ["6", "5", "4", "3", "2", "1", "0"]
    first_day = base64.urlsafe_b64encode(b'["0001-01-01T00:00:00+14:00", 1]').decode()
    for wrong in ("eyJ9", "WzEsIDJd", "WyJ4IiwgMV0", first_day):
        assert ask("", "GET", f"/hubs/t/otters/feed?cursor={wrong}").status_code == 400
    nothing_before = base64.urlsafe_b64encode(b'["0001-01-01T00:00:00+00:00", 1]').decode()
    assert ask("", "GET", f"/hubs/t/otters/feed?cursor={nothing_before}").json["items"] == []


@pytest.mark.usefixtures("messages")
@pytest.mark.parametrize("path", ["/t/otters/feed.atom", "/u/member/feed.atom"])
@pytest.mark.usefixtures("old_team")
def test_every_hub_has_its_feed_as_atom(ask: Ask, path: str) -> None:
    answer = ask("", "GET", path)
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    parsed = feedparser.parse(answer.get_data())
    assert (parsed.bozo, parsed.version) == (False, "atom10")
    assert len(parsed.entries) == (7 if "otters" in path else 3)
    first = parsed.entries[0]
    assert first.id.startswith("urn:uuid:")
    assert len({entry.id for entry in parsed.entries}) == len(parsed.entries)
    assert parsed.feed.links[0].href == f"http://127.0.0.1{path}"
    assert ask("", "GET", path, If_None_Match=answer.headers["ETag"]).status_code == 304
    page = ask("", "GET", path.removesuffix("feed.atom")).get_data(as_text=True)
    assert 'type="application/atom+xml" title=' in page
    assert f'href="{path}"' in page


def test_hostile_text_stays_text_and_the_feed_stays_readable(ask: Ask, session: Session, otters: Hub) -> None:
    say(session, 1, "member", sentence="<script>alert(1)</script> ]]> & \x01 \x1b[31m")
    session.commit()
    body = ask("", "GET", "/t/otters/feed.atom").get_data()
    assert b"<script>" not in body
    assert feedparser.parse(body).bozo is False


@pytest.mark.parametrize(
    ("activity", "who", "sees"),
    [
        (Visibility.SIGNED_IN, "", False),
        (Visibility.SIGNED_IN, "stranger", True),
        (Visibility.OWNERS, "", False),
        (Visibility.OWNERS, "owner", False),
    ],
)
@pytest.mark.usefixtures("old_team")
def test_hidden_activity_is_in_no_feed_of_others(
    ask: Ask, session: Session, otters: Hub, activity: Visibility, who: str, sees: bool
) -> None:
    say(session, 1, "member", "owner", sentence="the member did it")
    user_of(session, "member").activity = activity
    session.commit()
    for path in ("/hubs/t/otters/feed", "/t/otters/feed.atom", "/hubs/u/member/feed", "/hubs/u/owner/feed"):
        assert ("the member did it" in ask(who, "GET", path).get_data(as_text=True)) is sees, path


def test_a_person_finds_their_own_hidden_messages_in_their_own_feed(ask: Ask, session: Session, otters: Hub) -> None:
    say(session, 1, "member", sentence="the member did it")
    user_of(session, "member").activity = Visibility.OWNERS
    session.commit()
    for who, sees in (("member", True), ("owner", False)):
        answer = ask(who, "GET", "/hubs/u/member/feed")
        assert ("the member did it" in answer.get_data(as_text=True)) is sees, who


@pytest.mark.usefixtures("messages")
def test_a_members_only_feed_is_for_members(ask: Ask, session: Session, otters: Hub) -> None:
    next(row for row in otters.widgets if row.plugin == "feed").visibility = Visibility.MEMBERS
    session.commit()
    for who, status in (("", 404), ("stranger", 404), ("subscriber", 404), ("member", 200), ("owner", 200)):
        for path in ("/hubs/t/otters/feed", "/t/otters/feed.atom"):
            assert ask(who, "GET", path).status_code == status, (who, path)
