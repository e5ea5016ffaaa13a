"""“Your week” on the home page: meetings of the hubs that a person follows, as far as they are known."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.clients.fedocal import Meeting
from hubs.models import Hub, Visibility, Widget, now
from hubs.views.web.context import EXTENSION
from hubs.widgets.caching import services_of
from hubs.widgets.meetings import Agenda, GetMeetings
from tests.unit.views.conftest import sign_in
from tests.unit.widgets.reading import text_of

Know = Callable[[Widget, list[Meeting]], None]


def meeting(name: str, hours: float, **more: Any) -> Meeting:
    start = now() + timedelta(hours=hours)
    return Meeting("", name, "tides", start, start + timedelta(hours=1), "", "", (), "", **more)


def week(client: FlaskClient) -> str:
    """Return the HTML of the card, or an empty text."""
    page = client.get("/").get_data(as_text=True)
    return page.partition('aria-labelledby="h-week"')[2].partition("</section>")[0]


@pytest.fixture
def row(session: Session, otters: Hub, client: FlaskClient) -> Widget:
    row = Widget(plugin="meetings", side="left", settings={"calendar": "tides"})
    otters.widgets.append(row)
    session.commit()
    sign_in(client, "member")
    return row


@pytest.fixture
def know(client: FlaskClient) -> Know:
    """Give a function that puts the meetings of a widget into the cache."""

    def put(row: Widget, meetings: list[Meeting]) -> None:
        client.application.extensions[EXTENSION].fragments.peek(row, GetMeetings)  # attaches the context
        services_of(row).overrides = {"GetMeetings": lambda: Agenda("tides", "", tuple(meetings))}
        GetMeetings(row).rebuild()

    return put


def test_the_coming_week_is_listed_by_day(client: FlaskClient, row: Widget, know: Know) -> None:
    requested: list[int] = []
    client.application.extensions[EXTENSION].fragments.on_due = requested.extend
    assert week(client) == ""
    assert row.id in requested, "it is built in the background"
    whole_day = now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
    holiday = Meeting("", "Harbour day", "t", whole_day, whole_day + timedelta(days=1), "", "", (), "", all_day=True)
    soon = meeting("Tide watch", 5)
    know(row, [meeting("Over", -3), soon, holiday, meeting("Next month", 200)])
    card = week(client)
    text = text_of(card)
    assert text.index("Tide watch") < text.index("Harbour day")
    assert "All day" in text
    assert "Over" not in text
    assert "Next month" not in text
    assert (card.count("<li"), card.count('class="tile"')) == (2, 2)
    assert f'datetime="{soon.start:%Y-%m-%dT%H:%M:%SZ}" data-style="next"' in card
    assert "otters" in text


def test_a_meeting_of_two_widgets_is_listed_once(
    client: FlaskClient, session: Session, otters: Hub, row: Widget, know: Know
) -> None:
    other = Widget(plugin="meetings", side="right", settings={"calendar": "tides", "days": 3})
    otters.widgets.append(other)
    session.commit()
    same = meeting("Tide watch", 5)
    for widget in (row, other):
        know(widget, [same])
    assert week(client).count("<li") == 1


def test_the_chat_of_the_hub_is_offered_if_it_is_an_address(
    client: FlaskClient, session: Session, otters: Hub, row: Widget, know: Know
) -> None:
    know(row, [meeting("Tide watch", 0.5)])
    for chat, offered in (("#tides", False), ("javascript:alert(1)", False), ("https://chat.example/tides", True)):
        otters.extras = {"chat": chat}
        session.commit()
        assert (f'href="{chat}"' in week(client)) == offered, chat


def test_a_week_without_meetings_says_so(client: FlaskClient, row: Widget, know: Know) -> None:
    know(row, [])
    assert "No meetings in the coming week." in week(client)


def test_meetings_that_somebody_may_not_see_are_missing(
    client: FlaskClient, session: Session, row: Widget, know: Know
) -> None:
    row.visibility = Visibility.OWNERS
    session.commit()
    know(row, [meeting("Secret talk", 5)])
    assert week(client) == ""
