"""The iCalendar file of a widget with meetings: permissions and content."""

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import icalendar
import pytest
from flask import Flask
from flask.testing import FlaskClient
from recurring_ical_events import CalendarQuery
from sqlalchemy.orm import Session

from hubs import urls
from hubs.app import create_app
from hubs.demo.services.contract import FOLDER
from hubs.models import Database, Hub, Visibility, Widget
from hubs.settings import load
from tests.unit.conftest import user_of
from tests.unit.views.conftest import BASE, sign_in
from tests.unit.views.test_routes import ROLES, allowed
from tests.unit.widgets.test_meetings import PATH, meeting
from tests.upstream import Reply, Upstream, running


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with running() as service:
        service.on(PATH, {"meetings": [meeting()], "arguments": {}})
        yield service


@pytest.fixture
def app(database: Database, tmp_path: Path, upstream: Upstream) -> Iterator[Flask]:
    more = {"HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path), "HUBS_FEDOCAL_URL": upstream.url}
    more["HUBS_ALLOWED_PRIVATE_NETWORKS"] = "127.0.0.0/8"
    application = create_app(load(BASE | more))
    application.testing = True
    yield application
    site = application.extensions["hubs"]
    site.database.dispose()
    site.fragments.clients.close()
    site.fragments.cache.close()


@pytest.fixture
def row(session: Session, otters: Hub) -> Widget:
    widget = Widget(plugin="meetings", side="left", settings={"calendar": "tides"})
    otters.widgets.append(widget)
    session.commit()
    return widget


@pytest.mark.parametrize("role", ROLES)
def test_the_calendar_is_for_people_who_see_the_widget(
    client: FlaskClient, session: Session, otters: Hub, row: Widget, role: str
) -> None:
    if role != "visitor":
        sign_in(client, role)
    for outer, inner in itertools.product(Visibility, Visibility):
        otters.visibility, row.visibility = outer, inner
        session.commit()
        sees = allowed("view", role, max(outer, inner, key=list(Visibility).index))
        answer = client.get(urls.widget_calendar(row.id))
        assert answer.status_code == (200 if sees else 404), (outer, inner)


def test_the_file_is_valid_icalendar(client: FlaskClient, row: Widget) -> None:
    answer = client.get(urls.widget_calendar(row.id))
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="meetings-{row.id}.ics"'
    events = icalendar.Calendar.from_ical(answer.data).walk("VEVENT")
    assert [str(event["SUMMARY"]) for event in events] == ["Tide watch"]


def test_a_widget_without_meetings_or_calendar_has_no_file(
    client: FlaskClient, session: Session, otters: Hub, row: Widget
) -> None:
    other = next(row for row in otters.widgets if row.plugin == "members")
    assert client.get(urls.widget_calendar(other.id)).status_code == 404
    row.settings = {}
    row.version += 1
    session.commit()
    assert client.get(urls.widget_calendar(row.id)).status_code == 404


def test_when_the_service_is_silent_the_page_says_so(client: FlaskClient, upstream: Upstream, row: Widget) -> None:
    upstream.on(PATH, Reply("", 403))
    answer = client.get(urls.widget_calendar(row.id))
    assert answer.status_code == 502
    assert "Fedocal denied access" in answer.get_data(as_text=True)


#: In UTC: Paris changes its time on 29 March, so that its 10:00 is 9:00 before and 8:00 after.
STARTS = ["2026-03-24T09:00:00Z", "2026-03-31T08:00:00Z", "2026-03-31T10:00:00Z", "2026-04-03T03:30:00Z"]


def test_widget_json_and_file_agree_on_both_sides_of_daylight_saving_and_across_midnight(
    client: FlaskClient, upstream: Upstream, session: Session, row: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubs.widgets.meetings.now", lambda: datetime(2026, 3, 23, tzinfo=UTC))
    upstream.on("/team.ics", Reply((FOLDER / "icalendar" / "team.ics").read_bytes()))
    row.settings = {"address": f"{upstream.url}/team.ics", "days": 12, "limit": 20}
    session.commit()
    page = client.get(urls.widget(row.id)).get_data(as_text=True)
    record = client.get(f"{urls.widget(row.id)}json").get_json()
    for html in (page, record["html"]):
        # The tile of its day tells the time of a meeting, and so does its line.
        times = dict.fromkeys(re.findall(r'datetime="([^"]*)"', html))
        assert [time for time in times if time in STARTS] == STARTS
        assert re.findall(r'<time datetime="(2026-03-\d\d)">', html) == ["2026-03-28", "2026-03-29"]
    file = icalendar.Calendar.from_ical(client.get(urls.widget_calendar(row.id)).data)
    events = CalendarQuery(file).between(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
    times = [(event["DTSTART"].dt, event["DTEND"].dt) for event in events]
    whole = [span for span in times if not isinstance(span[0], datetime)]
    assert whole == [(date(2026, 3, 28), date(2026, 3, 30))]
    timed = sorted((start.astimezone(UTC), end) for start, end in times if isinstance(start, datetime))
    assert [f"{start:%Y-%m-%dT%H:%M:%SZ}" for start, _end in timed] == STARTS
    # The night shift is from 23:30 to 00:30 where it takes place.
    assert timed[-1] == (datetime(2026, 4, 3, 3, 30, tzinfo=UTC), datetime(2026, 4, 3, 4, 30, tzinfo=UTC))


def shown(client: FlaskClient, query: str = "") -> str:
    """Return the part of the Calendar tab with its days."""
    answer = client.get(f"/t/otters/calendar{query}")
    assert answer.status_code == 200, query
    page = answer.get_data(as_text=True)
    return page[page.index('class="calendar-head"') : page.index("</main>")]


@pytest.mark.parametrize(("by", "most"), [("week", 7), ("month", 42)])
def test_the_tab_shows_meetings_on_their_days(client: FlaskClient, row: Widget, by: str, most: int) -> None:
    client.get(urls.widget_calendar(row.id))  # fills the cache
    starts = icalendar.Calendar.from_ical(client.get(urls.widget_calendar(row.id)).data).walk("VEVENT")[0]
    day = starts["DTSTART"].dt.date().isoformat()
    page = shown(client, f"?by={by}&day={day}")
    entry = page[page.index(f'<time datetime="{day}">') :].partition("</li>")[0]
    assert "Tide watch" in entry
    assert page.count("Tide watch</a>") == 1
    assert page.count("<h3") in range(7, most + 1)
    assert page.count("<h3") % 7 == 0
    assert urls.widget_calendar(row.id) in page


@pytest.mark.parametrize("by", ["week", "month"])
def test_the_tab_shows_past_meetings_which_the_file_leaves_out(
    client: FlaskClient, upstream: Upstream, row: Widget, by: str
) -> None:
    past = meeting(-24 * 9, meeting_name="Ebb watch")
    upstream.on(PATH, {"meetings": [past, meeting()], "arguments": {}})
    assert b"Ebb watch" not in client.get(urls.widget_calendar(row.id)).data
    page = shown(client, f"?by={by}&day={past['meeting_date']}")
    entry = page[page.index(f'<time datetime="{past["meeting_date"]}">') :].partition("</li>")[0]
    assert "Ebb watch" in entry
    assert f'title="Previous {by}"' in page
    assert f'title="Next {by}"' in page


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
def test_whole_days_are_the_same_in_every_zone_and_need_no_address(
    client: FlaskClient, upstream: Upstream, session: Session, row: Widget, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    for module in ("hubs.widgets.meetings", "hubs.views.hub.calendar"):
        monkeypatch.setattr(f"{module}.now", lambda: datetime(2026, 3, 24, tzinfo=UTC))
    upstream.on("/team.ics", Reply((FOLDER / "icalendar" / "team.ics").read_bytes()))
    row.settings = {"address": f"{upstream.url}/team.ics", "days": 12, "limit": 20}
    user_of(session, "member").timezone = zone
    session.commit()
    client.get(urls.widget_calendar(row.id))  # fills the cache
    page = shown(sign_in(client, "member"), "?by=month&day=2026-03-24")
    entries = {match[1]: match[2] for match in re.finditer(r'<time datetime="([^"]*)">(.*?)</li>', page, re.DOTALL)}
    names = {day: re.findall(r"<bdi[^>]*>([^<]*)</bdi>", html) for day, html in entries.items()}
    (whole,) = set(names["2026-03-28"]) & set(names["2026-03-29"])
    assert [day for day, found in names.items() if whole in found] == ["2026-03-28", "2026-03-29"]
    assert 'href=""' not in page


@pytest.mark.parametrize("query", ["?day=nonsense", "?day=9999-12-31", "?day=0001-01-01", "?by=year"])
def test_impossible_days_show_the_current_week(client: FlaskClient, row: Widget, query: str) -> None:
    page = shown(client, query)
    assert 'aria-current="date"' in page
    assert page.count("<h3") == 7


def test_meetings_of_widgets_for_members_are_hidden(client: FlaskClient, session: Session, row: Widget) -> None:
    client.get(urls.widget_calendar(row.id))  # fills the cache
    assert urls.widget_calendar(row.id) in shown(client)
    row.visibility = Visibility.MEMBERS
    session.commit()
    assert urls.widget_calendar(row.id) not in shown(client)
    assert urls.widget_calendar(row.id) in shown(sign_in(client, "member"))


def test_when_the_service_fails_the_tab_says_so(client: FlaskClient, upstream: Upstream, row: Widget) -> None:
    upstream.on(PATH, Reply("", 403))
    assert "not available now" in shown(client)
