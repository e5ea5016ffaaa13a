"""The front page: for visitors only what is public; for people who are signed in what concerns them."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import messages
from hubs.actions.people import home, membership, roles
from hubs.activities.activity import Activity, Thing
from hubs.bus import Message, parse
from hubs.clients.forges.tickets import Ticket, Tickets
from hubs.models import Database, FirstSteps, HomeState, Hub, RoleName, Visibility, Widget, migrations, now
from hubs.views.home import visitor_page
from hubs.views.web.context import EXTENSION
from hubs.widgets.caching import services_of
from hubs.widgets.registry import Registry
from hubs.widgets.tasks import GetTasks, OpenTasks
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import post, sign_in

BROWSER = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture(autouse=True)
def every_visit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each visit noted, also minutes after another one."""
    monkeypatch.setattr(home, "INTERVAL", 0.0)


@pytest.fixture(autouse=True)
def every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each page rendered, also a moment after another one."""
    monkeypatch.setattr(visitor_page, "MAX_AGE", 0.0)


def say(
    number: int, *users: str, title: str = "", verb: str = "issue.closed", ago: float = 1.0, **more: Any
) -> Message:
    """Return a message about an issue, sent some hours ago."""
    topic = f"a.b.dev.{more.pop('topic', 'pagure.issue.edit')}"
    envelope = {"topic": topic, "msg": more.pop("msg", {}), "msg_id": f"m{number}"}
    sent = now() - timedelta(hours=ago)
    activity = Activity(verb, users[0] if users else "", Thing("issue", title, f"#{number}"), project="web")
    return replace(parse(envelope), users=frozenset(users), sent_at=sent, received_at=sent, activity=activity, **more)


def read(client: FlaskClient, path: str = "/") -> str:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def store(session: Session, *said: Message) -> None:
    messages.store(session, list(said))
    session.commit()


def test_visitors_see_what_happens_with_its_team(client: FlaskClient, session: Session, otters: Hub) -> None:
    store(session, say(1, "member", title="Crash"), say(2, "nobody-here", title="A machine"))
    page = read(client)
    assert "Member</span> closed the issue" in page
    assert "Crash" in page
    assert "A machine" not in page
    assert "<b>1</b> <span>event today" in page or "events today" in page
    assert 'class="ticker-in" href="/t/otters/"' in page


def test_visitors_see_public_things_only(client: FlaskClient, session: Session, otters: Hub) -> None:
    user_of(session, "member").activity = Visibility.SIGNED_IN
    store(session, say(1, "member", title="Hidden crash"), say(2, "owner", "member", title="Shared crash"))
    otters.visibility = Visibility.MEMBERS
    session.commit()
    store(session, say(3, "owner", title="Seen crash"))
    for path in ("/", "/now"):
        page = read(client, path)
        assert "Hidden crash" not in page
        assert "Shared crash" not in page
        assert "otters" not in page
        assert "Seen crash" in page


def test_messages_about_a_hidden_hub_are_not_shown(client: FlaskClient, session: Session, otters: Hub) -> None:
    store(session, say(1, "owner", title="About otters"))
    session.execute(text("UPDATE messages SET about_hub_id = :id"), {"id": otters.id})
    session.commit()
    assert "About otters" in read(client, "/now")
    otters.visibility = Visibility.MEMBERS
    session.commit()
    session.execute(text("UPDATE messages SET about_hub_id = :id"), {"id": otters.id})
    session.commit()
    assert "About otters" not in read(client, "/now")


def test_new_lines_are_those_after_the_newest_on_the_page(client: FlaskClient, session: Session, otters: Hub) -> None:
    store(session, *(say(number, "member", title=f"Crash {number}", ago=9 - number) for number in range(1, 9)))
    newest = session.execute(text("SELECT max(id) FROM messages")).scalar_one()
    assert read(client, "/now").count("data-line") == 5
    assert "data-line" not in read(client, f"/now?after={newest}")
    page = read(client, f"/now?after={newest - 2}")
    assert page.index("Crash 7") < page.index("Crash 8")
    assert client.get("/now").headers["Cache-Control"] == "public, max-age=3"
    for odd in ("x", "-1", "9" * 30):
        assert client.get(f"/now?after={odd}").status_code == 200


def test_tasks_are_calls_for_help_of_public_people(client: FlaskClient, session: Session, otters: Hub) -> None:
    body = {"details": {"line": "Draw an icon", "nick": "ida"}, "url": "http://logs.example/1", "meeting_topic": "x"}
    help_wanted = {"topic": "meetbot.meeting.item.help", "msg": body, "verb": "meeting.help"}
    known = {**body, "details": {"line": "Draw a map", "nick": "member"}}
    store(session, say(1, "member", **help_wanted), say(2, "member", **{**help_wanted, "msg": known}))
    page = read(client)
    assert "Draw an icon" in page
    assert "ask ida" in page
    assert "ask Member" in page  # the full name of an account
    user_of(session, "member").activity = Visibility.OWNERS
    session.commit()
    assert "Draw an icon" not in read(client)


def test_issues_of_the_widgets_that_somebody_may_see_are_something_to_do(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    row = Widget(plugin="tasks", side="left", settings={"projects": [{"project": "github:tides/lamp"}]})
    otters.widgets.append(row)
    session.commit()
    requested: list[int] = []
    fragments = client.application.extensions[EXTENSION].fragments
    fragments.on_due = requested.extend
    assert "The lantern flickers" not in read(client)
    assert requested == [row.id], "it is built in the background"

    ticket = Ticket("tides/lamp", "12", "The lantern flickers", "https://forge.example/12", "ida", now())
    taken = replace(ticket, number="13", title="The kettle is cold", url="", assignees=("bo",))
    fragments.peek(row, GetTasks)  # attaches the context that the next line needs
    services_of(row).overrides = {"GetTasks": lambda: OpenTasks(Tickets((ticket, taken), 2), {})}
    GetTasks(row).rebuild()
    for page in (read(client), read(signed_in_again(client))):
        assert 'href="https://forge.example/12"' in page
        assert "tides/lamp#12" in page
        assert "The kettle is cold" not in page
    row.visibility = Visibility.OWNERS
    session.commit()
    assert "The lantern flickers" not in read(client.application.test_client())


def signed_in_again(client: FlaskClient) -> FlaskClient:
    other = client.application.test_client()
    sign_in(other, "member")
    return other


def test_a_request_is_answered_from_home(client: FlaskClient, session: Session, otters: Hub) -> None:
    membership.join(session, as_person(session, "stranger"), otters, "May I?")
    session.commit()
    sign_in(client, "owner")
    home.show_first_steps(session, as_person(session, "owner"), shown=False)
    session.commit()
    page = read(client)
    assert "Stranger would like to join otters." in page
    answer = post(client, "/t/otters/requests", username="stranger", answer="approve", back="home")
    assert answer.location == "/"
    assert "Nothing waits for you." in read(client)


def test_an_absence_is_summarised_until_it_is_marked_as_seen(
    client: FlaskClient, session: Session, otters: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, "member")
    read(client)
    store(session, *(say(number, "owner", title=f"Crash {number}", ago=3) for number in range(2)))
    store(session, say(9, "owner", title="Long ago", ago=30))
    assert "While you were away" not in read(client)
    _go_away(session, "member", 10)
    client = sign_in(client.application.test_client(), "member")
    page = read(client)
    assert "While you were away" in page
    assert "2 issues closed" in page
    assert "While you were away" in read(client)
    assert post(client, "/home/seen").status_code == 303
    assert "While you were away" not in read(client)


def _go_away(session: Session, username: str, hours: float) -> None:
    session.rollback()
    row = session.get_one(HomeState, user_of(session, username).id)
    row.visited_on = now() - timedelta(hours=hours)
    session.commit()


def test_scripts_of_an_open_page_are_no_visits(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "member")
    client.get("/stream/token", headers={"Accept": "*/*"})
    assert session.get(HomeState, user_of(session, "member").id) is None
    read(client, "/teams/")
    session.rollback()
    assert session.get(HomeState, user_of(session, "member").id) is not None


def test_the_stream_of_the_home_page_has_a_heading_for_each_day(client: FlaskClient, session: Session) -> None:
    sign_in(client, "member")
    store(session, *(say(number, "member", title=f"Crash {number}", ago=hours) for number, hours in ((1, 49), (2, 0))))
    lines = read(client).partition("data-days>")[2].partition('class="home-foot"')[0]
    days = re.findall(r'<h3 class="day"><time datetime="([^"]+)" data-style="day">', lines)
    assert days == [(now() - timedelta(hours=hours)).date().isoformat() for hours in (0, 49)]
    assert lines.index("Crash 2") < lines.index(days[1]) < lines.index("Crash 1")


def test_home_costs_as_many_queries_with_many_hubs_as_with_few(
    app: Flask, client: FlaskClient, session: Session, registry: Registry, otters: Hub
) -> None:
    store(session, *(say(number, "owner", title=f"Crash {number}") for number in range(3)))
    few = _queries_of_home(app, session)
    for number in range(8):
        hub = hub_actions.create(session, registry, user_of(session, "owner"), "team", f"voles-{number}")
        session.flush()
        roles.give_role(session, as_person(session, "owner"), hub, user_of(session, "member"), RoleName.MEMBER)
    store(session, *(say(100 + number, "owner", "member", title=f"More {number}") for number in range(200)))
    for number in range(6):
        hub = hub_actions.create(session, registry, user_of(session, "owner"), "team", f"mice-{number}")
        session.flush()
        roles.give_role(session, as_person(session, "owner"), hub, user_of(session, "member"), RoleName.MEMBER)
        hub.archived = True
    session.commit()
    many = _queries_of_home(app, session)
    # A full page of the stream and a ticked step need no more statements, but may need fewer.
    assert many <= few
    assert few <= 40


def _queries_of_home(app: Flask, session: Session) -> int:
    """Return how many statements the home page of a member who returns takes."""
    read(sign_in(app.test_client(), "member"))
    _go_away(session, "member", 10)
    client = sign_in(app.test_client(), "member")
    assert "While you were away" in read(client)
    queries: list[str] = []
    engine = app.extensions["hubs"].database.engine
    count = lambda *arguments: queries.append(arguments[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", count)
    read(client)
    event.remove(engine, "before_cursor_execute", count)
    return len(queries)


def test_first_steps_are_ticked_by_facts(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "zoe")
    page = read(client)
    assert "0 of 3" in page
    assert 'action="/t/otters/subscribe"' in page
    assert post(client, "/t/otters/subscribe", back="home").location == "/"
    assert "1 of 3" in read(client)
    assert post(client, "/home/profile", fullname="Zoe", timezone="Europe/Lisbon", locale="en").location == "/"
    page = read(client)
    assert "2 of 3" in page
    assert "Europe/Lisbon, are set." in page
    store(session, say(1, "zoe", topic="hubs.widget.updated", verb="hub.widget_edited"))
    assert "2 of 3" in read(client)
    store(session, say(2, "zoe", title="Done"))
    assert "Get started" not in read(client)


def test_a_wrong_time_zone_comes_back_in_the_form(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "zoe")
    answer = post(client, "/home/profile", fullname="Zoe B", timezone="Europe/Nowhere", locale="")
    assert answer.status_code == 400
    page = answer.get_data(as_text=True)
    assert 'value="Zoe B"' in page
    assert 'value="Europe/Nowhere"' in page
    assert "Please write a time zone" in page


def test_first_steps_are_dismissed_and_brought_back(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "zoe")
    assert "Get started in three steps" in read(client)
    post(client, "/home/steps", act="dismiss")
    page = read(client)
    assert "Get started in three steps" not in page
    assert "Show my first steps again" in page
    post(client, "/home/steps", act="show")
    assert "Get started in three steps" in read(client)


def test_a_team_has_first_steps_of_its_own(client: FlaskClient, session: Session, otters: Hub) -> None:
    hub_actions.update(session, as_person(session, "owner"), otters, {"first_steps": "Read the *guide*."})
    session.commit()
    sign_in(client, "zoe")
    assert "<em>guide</em>" not in read(client)
    post(client, "/t/otters/subscribe")
    assert "<em>guide</em>" in read(client)


def test_accounts_that_existed_before_have_completed_their_first_steps(database: Database, registry: Registry) -> None:
    with database.transaction() as session:
        roles.sign_up(session, registry, "rana")
    migrations.downgrade(database, "0035")
    migrations.upgrade(database)
    with database.session() as session:
        (state,) = session.query(HomeState).all()
        assert state.first_steps == FirstSteps.COMPLETED
        assert isinstance(state.visited_on, datetime)
    migrations.downgrade(database, "0035")
    migrations.upgrade(database)
