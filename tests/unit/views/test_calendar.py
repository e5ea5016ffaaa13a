"""The iCalendar file of a widget with meetings: permissions and content."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import icalendar
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs import urls
from hubs.app import create_app
from hubs.models import Database, Hub, Visibility, Widget
from hubs.settings import load
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
