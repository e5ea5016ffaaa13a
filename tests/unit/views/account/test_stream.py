"""The personal stream: followed hubs, filters, marks and pages, and never hidden messages."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from hubs.actions import messages
from hubs.actions.inbox import views
from hubs.actions.people import roles, stream
from hubs.actions.storage import retention
from hubs.backend.ingest.extract import Extractor
from hubs.bus import parse
from hubs.models import Hub, MessagePerson, RoleName, SavedView, StoredMessage, StreamMark, User, Visibility, now
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import post, sign_in, token

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def say(session: Session, sentence: str, *usernames: str, minutes: int = 0) -> int:
    """Store a message that names people; return its number."""
    at = NOON + timedelta(minutes=minutes)
    row = StoredMessage(msg_id=sentence, topic="org.test.dev.wiki.edit", category="wiki", sent_at=at, sentence=sentence)
    row.people = [MessagePerson(username=name, sent_at=at, category="wiki") for name in usernames]
    session.add(row)
    session.commit()
    return row.id


def sees(client: FlaskClient, path: str = "/stream/") -> list[str]:
    page = client.get(path)
    assert page.status_code == 200, path
    text = page.get_data(as_text=True)
    lines = re.findall(r'<p class="act-text">(.*?)</p>', text, re.DOTALL)
    return [re.sub(r'^<span class="act-what" dir="auto">(.*)</span>$', r"\1", line.strip()) for line in lines]


def test_a_stream_holds_followed_hubs_only(client: FlaskClient, session: Session, otters: Hub) -> None:
    say(session, "member edits", "member", minutes=1)
    say(session, "subscriber edits", "subscriber", minutes=2)
    say(session, "stranger edits", "stranger", minutes=3)
    seen = {name: sees(sign_in(client, name)) for name in ("owner", "member", "subscriber", "stranger")}
    assert seen == {
        "owner": ["member edits"],
        "member": ["member edits"],
        "subscriber": ["subscriber edits", "member edits"],
        "stranger": ["stranger edits"],
    }


def test_filters_by_person_kind_and_hub_also_count_and_page(client: FlaskClient, session: Session, otters: Hub) -> None:
    say(session, "member edits", "member", minutes=1)
    say(session, "owner edits", "owner", minutes=2)
    sign_in(client, "subscriber")
    assert sees(client, "/stream/?person=@Member") == ["member edits"]
    assert sees(client, "/stream/?kind=pages") == ["owner edits", "member edits"]
    assert sees(client, "/stream/?kind=builds") == []
    assert sees(client, f"/stream/?hub={otters.id}") == ["owner edits", "member edits"]
    assert sees(client, "/stream/?hub=4711") == []
    after = stream.cursor(NOON, 0)
    assert client.get(f"/stream/new?person=member&after={after}").json == {"count": 1}
    otters.visibility = Visibility.OWNERS
    session.commit()
    assert sees(client, f"/stream/?hub={otters.id}") == []


def test_filters_are_saved_as_a_view_of_the_stream_alone(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "subscriber")
    answer = post(client, "/stream/", act="save-view", name="Pages", query="show=all&kind=pages&before=1-1")
    assert answer.headers["Location"].endswith("/stream/?kind=pages")
    page = client.get("/stream/?kind=pages").get_data(as_text=True)
    assert "Pages</span></a>" in page
    assert "Remove this view" in page
    assert "Pages" not in client.get("/me/notices").get_data(as_text=True)
    (view,) = session.query(SavedView)
    exported = post(client, "/me/export").get_data(as_text=True)
    assert '"name":"Pages"' in exported
    assert post(sign_in(client, "stranger"), "/stream/", act="remove-view", view=str(view.id)).status_code == 303
    assert session.query(SavedView).count() == 1
    assert post(sign_in(client, "subscriber"), "/stream/", act="remove-view", view=str(view.id)).status_code == 303
    assert session.query(SavedView).count() == 0
    assert post(client, "/stream/", act="remove-view", view="x").status_code == 400
    assert post(client, "/stream/", act="other-view", view="1").status_code == 400


def test_saved_views_are_bounded_in_number(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "subscriber")
    for number in range(views.MOST):
        assert post(client, "/stream/", act="save-view", name=f"v{number}", query="kind=bugs").status_code == 303
    assert post(client, "/stream/", act="save-view", name="more", query="kind=bugs").status_code == 409
    assert post(client, "/stream/", act="save-view", name="v0", query="kind=talk").status_code == 303


def test_visitors_have_no_stream(client: FlaskClient, otters: Hub) -> None:
    for path in ("/stream/", "/stream/new", "/stream/token"):
        assert client.get(path).status_code == 403


def test_subscribing_to_a_person_brings_their_activity(client: FlaskClient, session: Session, otters: Hub) -> None:
    say(session, "member edits", "member")
    hub = session.query(Hub).filter_by(kind="user", name="member").one()
    roles.take_role(session, as_person(session, "stranger"), hub, RoleName.SUBSCRIBER)
    session.commit()
    assert sees(sign_in(client, "stranger")) == ["member edits"]


def test_hidden_activity_is_in_the_persons_own_stream_only(client: FlaskClient, session: Session, otters: Hub) -> None:
    say(session, "member edits", "member", minutes=1)
    say(session, "member thanks owner", "member", "owner", minutes=2)
    user_of(session, "member").activity = Visibility.OWNERS
    session.commit()
    for name in ("owner", "subscriber", "stranger"):
        assert sees(sign_in(client, name)) == [], name
    assert sees(sign_in(client, "member")) == ["member thanks owner", "member edits"]


def test_private_and_archived_hubs_leave_the_streams_of_subscribers(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    say(session, "member edits", "member")
    sign_in(client, "subscriber")
    otters.visibility = Visibility.MEMBERS
    session.commit()
    assert sees(client) == []
    assert sees(sign_in(client, "owner")) == ["member edits"]
    otters.visibility, otters.archived = Visibility.PUBLIC, True
    session.commit()
    assert sees(sign_in(client, "subscriber")) == []


def test_the_stream_is_filtered_by_mine_mentions_and_saved(client: FlaskClient, session: Session, otters: Hub) -> None:
    say(session, "member edits", "member", minutes=1)
    say(session, "owner edits", "owner", minutes=2)
    kept = say(session, "member thanks owner", "member", "owner", minutes=3)
    sign_in(client, "owner")
    assert sees(client) == ["member thanks owner", "owner edits", "member edits"]
    assert sees(client, "/stream/?show=mine") == ["member thanks owner", "owner edits"]
    assert sees(client, "/stream/?show=mentions") == ["member thanks owner"]
    assert sees(client, "/stream/?show=saved") == []
    assert post(client, "/stream/", message=str(kept), act="save").status_code == 303
    assert sees(client, "/stream/?show=saved") == ["member thanks owner"]
    assert sees(sign_in(client, "member"), "/stream/?show=saved") == []
    assert client.get("/stream/?show=nothing").status_code == 400


def test_a_message_is_hidden_for_one_person_and_restored(client: FlaskClient, session: Session, otters: Hub) -> None:
    number = say(session, "member edits", "member")
    sign_in(client, "owner")
    answer = post(client, "/stream/", message=str(number), act="hide")
    page = client.get(answer.headers["Location"]).get_data(as_text=True)
    assert "The message is hidden." in page
    assert sees(client) == []
    assert sees(sign_in(client, "subscriber")) == ["member edits"]
    sign_in(client, "owner")
    post(client, "/stream/", message=str(number), act="unhide")
    assert sees(client) == ["member edits"]
    assert session.query(StreamMark).count() == 0


@pytest.mark.parametrize("fields", [{"act": "save", "message": "x"}, {"act": "eat", "message": "1"}, {"act": "save"}])
def test_invalid_marks_are_refused(client: FlaskClient, otters: Hub, fields: dict[str, str]) -> None:
    assert post(sign_in(client, "owner"), "/stream/", **fields).status_code == 400


def test_only_messages_of_the_own_stream_can_be_marked(client: FlaskClient, session: Session, otters: Hub) -> None:
    number = say(session, "member edits", "member")
    assert post(sign_in(client, "stranger"), "/stream/", message=str(number), act="save").status_code == 404
    assert post(client, "/stream/", message=str(number + 999), act="save").status_code == 404


def test_saved_messages_outlive_the_retention(session: Session, otters: Hub) -> None:
    kept, gone = (say(session, text, "member") for text in ("kept", "gone"))
    session.query(StoredMessage).update({"sent_at": NOON - timedelta(days=9000)})
    stream.mark(session, as_person(session, "owner"), kept, "save")
    retention.purge(session, 30)
    assert [row.id for row in session.query(StoredMessage)] == [kept] != [gone]


def test_pages_have_no_gaps_while_messages_arrive(client: FlaskClient, session: Session, otters: Hub) -> None:
    # Two of a minute share their time.
    numbers = [say(session, f"edit {number:02}", "member", minutes=number // 2 * 400) for number in range(70)]
    sign_in(client, "owner")
    sentences: list[str] = []
    path = "/stream/"
    for _page in range(3):
        sentences += sees(client, path)
        older = re.search(r'href="(/stream/\?before=[^"]+)"', client.get(path).get_data(as_text=True))
        say(session, f"newer {len(sentences)}", "member", minutes=99_999)
        path = older[1] if older else ""
    assert sentences == [f"edit {number:02}" for number in reversed(range(70))]
    assert path == ""
    assert len(numbers) == 70
    assert client.get("/stream/?before=x").status_code == 400


def test_the_stream_bridges_long_pauses_between_messages(session: Session, otters: Hub) -> None:
    past = int((now() - NOON) / timedelta(minutes=1))
    ages = [1, 30, 200, 600, 3000, 8000, *range(20_000, 20_060)]  # minutes ago
    numbers = [say(session, f"s{n}", "member", "owner", minutes=past - ago) for n, ago in enumerate(ages)]
    who = as_person(session, "subscriber")
    stream.mark(session, who, numbers[-1], "save")
    for narrow in ("all", "mentions"):
        asks = who if narrow == "all" else as_person(session, "member")
        first = stream.read(session, asks, narrow)
        second = stream.read(session, asks, narrow, first.before)
        third = stream.read(session, asks, narrow, second.before)
        sentences = [item.sentence for page in (first, second, third) for item in page.items]
        assert sentences == [f"s{n}" for n in range(len(ages))]
        assert third.before == ""
        place = stream.cursor(first.items[3].sent_at, first.items[3].id)
        assert stream.count_newer(session, asks, narrow, place) == 3
        assert stream.count_newer(session, asks, narrow, "") == len(ages)
    assert [item.sentence for item in stream.read(session, who, "saved").items] == [f"s{len(ages) - 1}"]


def test_new_messages_are_counted_and_loaded_on_request(client: FlaskClient, session: Session, otters: Hub) -> None:
    say(session, "member edits", "member", minutes=1)
    sign_in(client, "owner")
    match = re.search(r'data-new="([^"]+)"', client.get("/stream/").get_data(as_text=True))
    assert match
    path = match[1].replace("&amp;", "&")
    assert client.get(path).json == {"count": 0}
    say(session, "member edits again", "member", minutes=2)
    say(session, "stranger edits", "stranger", minutes=2)
    answer = client.get(path)
    assert answer.json == {"count": 1}
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_open_page_hears_followed_hubs_only(app: Flask, client: FlaskClient, session: Session, otters: Hub) -> None:
    tokens = app.extensions["hubs"].tokens
    heard = {}
    for name in ("member", "subscriber", "stranger"):
        told = sign_in(client, name).get("/stream/token").json
        heard[name] = set(tokens.read(told["token"]).channels)
        assert f"user:{user_of(session, name).id}" in heard[name]
        assert set(told["channels"].split()) == heard[name]
    hub = otters.id
    assert {f"hub:{hub}:public:en", f"hub:{hub}:members:en"} <= heard["member"]
    assert f"hub:{hub}:public:en" in heard["subscriber"]
    assert f"hub:{hub}:members:en" not in heard["subscriber"]
    assert not any(channel.startswith(f"hub:{hub}:") for channel in heard["stranger"])


def test_deleting_the_account_deletes_its_marks(session: Session, otters: Hub) -> None:
    number = say(session, "member edits", "member")
    stream.mark(session, as_person(session, "subscriber"), number, "save")
    session.query(User).filter_by(username="subscriber").delete()
    assert session.query(StreamMark).count() == 0


def test_sentences_are_in_the_readers_language_with_names_and_links(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    issue = {"id": 4, "title": "Low <tide>", "full_url": "https://x.example/4", "assignee": {"name": "owner"}}
    body = {"agent": "member", "issue": issue, "project": {"fullname": "otters"}}
    envelope = {"topic": "io.pagure.prod.pagure.issue.assigned.added", "msg": body, "msg_id": "m"}
    user_of(session, "member").fullname = "Mem & Ber"
    messages.store(session, [Extractor()(parse(envelope))])
    session.commit()
    link = '<a class="act-what" href="https://x.example/4" rel="noopener nofollow" dir="auto">#4 Low &lt;tide&gt;</a>'
    place = ' <span class="where"><bdi>otters</bdi></span>'
    member = '<a class="act-who" href="/u/member/" title="member" dir="auto">Mem &amp; Ber</a>'
    assert sees(sign_in(client, "owner")) == [f"{member} assigned the issue {link} to you{place}"]
    owner = '<a class="act-who" href="/u/owner/" title="owner" dir="auto">Owner</a>'
    assert sees(sign_in(client, "member")) == [f"You assigned the issue {link} to {owner}{place}"]
    german = client.get("/stream/", headers={"Accept-Language": "de"}).get_data(as_text=True)
    assert f"Sie haben {owner} das Ticket {link} zugewiesen" in german


def _mark(client: FlaskClient, numbers: list[str], act: str, **headers: str) -> TestResponse:
    data = {"csrf_token": token(client, "/search"), "message": numbers, "act": act}
    return client.post("/stream/", data=data, headers=headers)


def test_a_group_is_saved_and_hidden_as_a_whole(client: FlaskClient, session: Session, otters: Hub) -> None:
    numbers = [str(say(session, f"edit {minute}", "member", minutes=minute)) for minute in range(2)]
    session.query(StoredMessage).update({"sentence": "an edit"})
    session.commit()
    page = sign_in(client, "owner").get("/stream/").get_data(as_text=True)
    assert page.count('class="act act-group has-acts"') == 1
    answer = _mark(client, numbers, "hide")
    assert sees(client) == []
    restored = client.get(answer.headers["Location"]).get_data(as_text=True)
    assert "The messages are hidden." in restored
    assert all(f'name="message" value="{number}"' in restored for number in numbers)
    _mark(client, numbers, "unhide")
    assert len(sees(client)) == 1


def test_the_script_of_the_page_gets_an_answer_in_place_of_a_redirect(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    number = str(say(session, "member edits", "member"))
    answer = _mark(sign_in(client, "owner"), [number], "save", Accept="application/json")
    assert answer.json == {"messages": [number], "act": "save"}
    assert answer.headers["Cache-Control"] == "no-store"
