"""The three stories of Hubs, through all real processes."""

import re
import time

import pytest
from sqlalchemy import select

from hubs.actions import widgets
from hubs.actions.people import roles
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.events.tokens import Tokens
from hubs.models import Hub, StoredMessage, Widget
from hubs.permissions import person
from tests.services import wait_for
from tests.sse import Stream
from tests.stack import Bus, Stack


@pytest.fixture(scope="module")
def hub(production: Stack, bus: Bus) -> Hub:
    """Give the hub of a new person, in the index of the daemon."""
    database = production.database()
    with database.transaction() as session:
        user = roles.sign_up(session, production.registry, "ottilie", "Ottilie Brand")
        hub = session.scalars(select(Hub).where(Hub.user_id == user.id)).one()
        _ = hub.widgets, hub.roles
    return hub


def listen(production: Stack, hub: Hub, cursor: str = "") -> Stream:
    """Open the stream of a hub, as its page does."""
    settings = production.settings
    token = Tokens(settings.key(), 600).mint([hub_channel(hub.id, "public", "en")])
    cursor = cursor or EventLog(settings.redis_url).cursor()
    return Stream(production.events, token, cursor)


def widget_of(hub: Hub, plugin: str) -> Widget:
    return next(row for row in hub.widgets if row.plugin == plugin)


def test_a_page_comes_back_at_once_and_misses_can_be_loaded_one_by_one(production: Stack, hub: Hub) -> None:
    page = production.get("/u/ottilie/")
    assert "Ottilie Brand" in page
    for row in hub.widgets:
        assert f'id="widget-{row.id}"' in page
        assert "panel" in production.get(f"/w/{row.id}/fragment") or row.plugin == "cobwebs"


def test_cached_fragments_are_in_the_page_already(production: Stack, hub: Hub) -> None:
    feed = widget_of(hub, "feed")
    production.get(f"/w/{feed.id}/fragment")
    assert f'data-load="/w/{feed.id}/fragment"' not in production.get("/u/ottilie/")


def test_a_bus_message_reaches_the_browser_as_content(production: Stack, hub: Hub, bus: Bus) -> None:
    stream = listen(production, hub)
    msg = {"agent": "ottilie", "issue": {"title": "Lanterns flicker", "id": 7}, "project": {"name": "lights"}}
    bus.send("io.pagure.prod.pagure.issue.new", msg)
    feed = widget_of(hub, "feed").id
    heard = next(event for event in stream if event.type == "widget" and event.data["widget"] == feed)
    assert "ottilie" in heard.data["html"]
    assert heard.data["state"] == "live"
    assert heard.id
    stream.close()


def test_one_message_sent_twice_is_stored_once(production: Stack, hub: Hub, bus: Bus) -> None:
    for _ in range(3):
        bus.send("org.fedoraproject.dev.wiki.article.edit", {"user": "ottilie"}, msg_id="2026-same-same")
    last = bus.send("org.fedoraproject.dev.wiki.article.edit", {"user": "ottilie"})
    database = production.database()

    def stored(msg_id: str) -> int:
        with database.session() as session:
            return len(session.scalars(select(StoredMessage).where(StoredMessage.msg_id == msg_id)).all())

    wait_for(lambda: stored(last), "the last message in the database")
    assert stored("2026-same-same") == 1


def test_changed_settings_reach_the_viewers_of_the_hub(production: Stack, hub: Hub, bus: Bus) -> None:
    database = production.database()
    stream = listen(production, hub)
    with database.transaction() as session:
        mine = session.get_one(Hub, hub.id)
        owner = person(mine.user_id or 0, "ottilie", mine.roles)
        row = widgets.add(session, production.registry, owner, mine, "sticky", "left", {"text": "first *words*"})
    layout = stream.next("layout")
    assert layout.data["hub"] == hub.id
    heard = next(event for event in stream if event.type == "widget" and event.data["widget"] == row.id)
    assert "<em>words</em>" in heard.data["html"]

    # No publisher is attached here, so this is also the sweep of the outbox at work.
    with database.transaction() as session:
        mine = session.get_one(Hub, hub.id)
        owner = person(mine.user_id or 0, "ottilie", mine.roles)
        widgets.update(session, production.registry, owner, session.get_one(Widget, row.id), {"text": "second words"})
    heard = next(event for event in stream if event.type == "widget" and event.data["widget"] == row.id)
    assert "second words" in heard.data["html"]
    assert heard.data["version"] == 2
    stream.close()


def test_many_messages_in_a_second_cost_at_most_two_builds_of_a_widget(production: Stack, hub: Hub, bus: Bus) -> None:
    feed = widget_of(hub, "feed").id
    production.wait_until_built(feed)  # what earlier tests caused
    time.sleep(production.settings.rebuild_interval)  # a widget that rests would be built once
    stream = listen(production, hub)
    pages = [{"user": "ottilie", "title": f"Page {number}"} for number in range(300)]
    production.wait_until_stored(*(bus.send("org.fedoraproject.dev.wiki.article.edit", page) for page in pages))
    production.wait_until_built(feed)
    stream.socket.settimeout(0.5)
    pushed = [event for event in stream if event.type == "widget" and event.data["widget"] == feed]
    assert 1 <= len(pushed) <= 2
    assert "Page 299" in re.sub(r"\s+", " ", pushed[-1].data["html"])
    stream.close()


def test_a_returning_reader_hears_exactly_the_missed_events(production: Stack, hub: Hub, bus: Bus) -> None:
    log = EventLog(production.settings.redis_url)
    stream = listen(production, hub)
    first = log.publish(hub_channel(hub.id, "public", "en"), "notice", {"kind": "test", "count": 1})
    assert stream.next("notice").id == first
    stream.close()
    missed = [log.publish(hub_channel(hub.id, "public", "en"), "notice", {"kind": "test", "count": n}) for n in (2, 3)]
    again = Stream(
        production.events,
        Tokens(production.settings.key(), 600).mint([hub_channel(hub.id, "public", "en")]),
        last_event_id=first or "",
    )
    assert [again.next("notice").id for _ in missed] == missed
    live = log.publish(hub_channel(hub.id, "public", "en"), "notice", {"kind": "test", "count": 4})
    assert again.next("notice").id == live
    again.close()


def test_a_reader_with_a_cursor_of_another_epoch_gets_a_reset(production: Stack, hub: Hub) -> None:
    stream = listen(production, hub, cursor="0badcafe-123")
    assert stream.next("reset").data == {"reason": "epoch"}
    stream.close()


def test_a_stream_needs_a_good_token(production: Stack) -> None:
    forged = Tokens(b"another key that is long enough too", 600).mint(["hub:1:en"])
    for token in ("made-up", "", forged):
        refused = Stream(production.events, token)
        assert refused.status == 403
        refused.close()
