"""Meetings: the next ones of a calendar, the iCalendar file, and which messages make them stale."""

from datetime import datetime, timedelta
from typing import Any

import icalendar
import pytest
from sqlalchemy.orm import Session

from hubs import urls
from hubs.backend.index.index import Index
from hubs.bus import Message, parse
from hubs.clients.fedocal import Meeting
from hubs.clients.http.response import LARGE
from hubs.fragments.store import FragmentStore
from hubs.models import Hub, Widget, now
from hubs.widgets.meetings import GetMeetings
from hubs.widgets.meetings.ics import calendar_file
from hubs.widgets.registry import Registry
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of
from tests.upstream import Reply, Upstream

PATH = "/api/meetings/"


def meeting(hours: float = 5, **more: Any) -> dict[str, Any]:
    start = now() + timedelta(hours=hours)
    end = start + timedelta(hours=1)
    return {
        "meeting_id": 42,
        "meeting_name": "Tide watch",
        "calendar_name": "tides",
        "meeting_manager": ["rana"],
        "meeting_date": start.date().isoformat(),
        "meeting_time_start": start.strftime("%H:%M:%S"),
        "meeting_date_end": end.date().isoformat(),
        "meeting_time_stop": end.strftime("%H:%M:%S"),
        "meeting_timezone": "UTC",
        "meeting_information": "Bring a towel",
        "meeting_location": "#tides",
        **more,
    }


def say(upstream: Upstream, *meetings: Any) -> None:
    upstream.on(PATH, {"meetings": list(meetings), "arguments": {}})


def test_the_next_meeting_is_shown_with_a_time_that_browsers_localise(upstream: Upstream, build: Build) -> None:
    next_one = meeting(5)
    say(upstream, meeting(30, meeting_name="Later"), next_one, meeting(-3, meeting_name="Over"))
    fragment = build("meetings", calendar="tides")
    text = text_of(fragment.html)
    assert fragment.state == "live", fragment.error
    assert text.index("Tide watch") < text.index("Later")
    assert "Over" not in text
    soon = datetime.fromisoformat(f"{next_one['meeting_date']}T{next_one['meeting_time_start']}")
    moment = f'datetime="{soon:%Y-%m-%dT%H:%M:%SZ}" data-style='
    assert f'<time {moment}"next" title="{soon:%Y-%m-%d %H:%M} UTC">{soon:%H:%M} UTC</time>' in fragment.html
    assert f'<time class="tile" {moment}"tile"><b>{soon.day}</b> <span>{soon:%b}</span></time>' in fragment.html
    assert f'href="{urls.hub_calendar("team", "otters")}"' in fragment.html
    assert "Bring a towel" in text
    assert f'href="/w/{fragment.widget}/calendar.ics"' in fragment.html
    assert f'href="{upstream.url}/meeting/42/"' in fragment.html


def test_a_meeting_in_progress_is_still_shown(upstream: Upstream, build: Build) -> None:
    say(upstream, meeting(-0.5))
    assert "Tide watch" in build("meetings", calendar="tides").html


def test_the_hubs_calendar_is_used_if_the_widget_names_none(upstream: Upstream, build: Build, team: Hub) -> None:
    say(upstream, meeting())
    team.extras = {"calendar": "tides"}
    assert "Tide watch" in build("meetings", team).html
    assert upstream.asked[0].params["calendar"] == ["tides"]


def test_without_a_calendar_the_widget_says_what_to_do(upstream: Upstream, build: Build) -> None:
    fragment = build("meetings")
    assert fragment.state == "needs-setup"
    assert "name one of Fedocal in this widget's settings" in text_of(fragment.html)
    assert upstream.asked == []


def test_without_meetings_the_widget_says_where_to_plan_one(upstream: Upstream, build: Build) -> None:
    say(upstream)
    fragment = build("meetings", calendar="tides", days=7)
    assert "No meeting in the calendar tides in the coming 7 days. Plan one in Fedocal." in text_of(fragment.html)
    assert f'href="{upstream.url}/tides/"' in fragment.html


def test_long_lists_are_truncated_with_a_link_to_the_rest(
    upstream: Upstream, build: Build, session: Session, fragments: FragmentStore
) -> None:
    say(upstream, *(meeting(n, meeting_id=n, meeting_name=f"M{n}") for n in range(1, 9)))
    fragment = build("meetings", calendar="tides", limit=2)
    assert fragment.html.count("<li") == 2
    assert "Show 6 more" in text_of(fragment.html)
    whole = fragments.page(session.get_one(Widget, fragment.widget), 1)
    assert whole.count("<li") == 8


def test_a_failed_refresh_keeps_the_old_content_and_reports_the_error(
    upstream: Upstream, build: Build, session: Session, fragments: FragmentStore
) -> None:
    upstream.on(PATH, Reply({"meetings": [], "error": "Invalid calendar provided"}, 400))
    assert build("meetings", calendar="nowhere").state == "failed"
    say(upstream, meeting())
    good = build("meetings", calendar="tides")
    upstream.on(PATH, Reply("", 500))
    bad = fragments.build(session.get_one(Widget, good.widget), stale=[GetMeetings])
    assert (bad.state, bad.html) == ("stale", good.html)
    assert "Fedocal reported an error (500)" in bad.error


def published(upstream: Upstream, *events: str) -> str:
    """Serve a calendar with these events, and return its address."""
    text = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    file = f"BEGIN:VCALENDAR\nX-WR-CALNAME:Tides\n{text}END:VCALENDAR\n"
    upstream.on("/team.ics", Reply(file, headers={"Content-Type": "text/calendar"}))
    return f"{upstream.url}/team.ics"


def test_a_calendar_by_address_is_shown_without_the_address(upstream: Upstream, build: Build) -> None:
    soon, day = now() + timedelta(hours=5), now() + timedelta(days=3)
    address = published(
        upstream,
        f"UID:1\nDTSTART:{soon:%Y%m%dT%H%M%SZ}\nSUMMARY:Tide watch",
        f"UID:2\nDTSTART;VALUE=DATE:{day:%Y%m%d}\nSUMMARY:Harbour day",
    )
    fragment = build("meetings", address=address, calendar="tides")
    text = text_of(fragment.html)
    assert fragment.state == "live", fragment.error
    assert text.index("Tide watch") < text.index("Harbour day")
    assert f'<time datetime="{soon:%Y-%m-%dT%H:%M}' in fragment.html
    assert f'datetime="{day:%Y-%m-%d}" data-style="tile"><b>{day.day}</b> <span>{day:%b}</span></time>' in fragment.html
    assert "All day" in text
    # The address of a calendar often is its password.
    assert "team.ics" not in fragment.html
    assert upstream.paths() == ["/team.ics"]


def test_a_calendar_by_address_without_meetings_and_one_that_is_none(upstream: Upstream, build: Build) -> None:
    fragment = build("meetings", address=published(upstream), days=7)
    assert "No meeting in the calendar Tides in the coming 7 days." in text_of(fragment.html)
    upstream.on("/team.ics", "<!DOCTYPE html><title>Sign in</title>")
    fragment = build("meetings", address=f"{upstream.url}/team.ics")
    assert fragment.state == "failed"
    assert "cannot be read" in text_of(fragment.html)


def test_one_odd_event_is_reported_to_owners(upstream: Upstream, build: Build) -> None:
    soon = f"{now() + timedelta(hours=5):%Y%m%dT%H%M%SZ}"
    address = published(upstream, f"UID:1\nDTSTART:{soon}\nSUMMARY:Tide watch", "UID:2\nDTSTART:soon")
    fragment = build("meetings", address=address)
    assert "Tide watch" in fragment.html
    assert "1 of 2 entries" in fragment.error


HOSTILE: list[dict[str, Any]] = [
    {"meeting_name": "<script>alert(1)</script>"},
    {"meeting_location": 'javascript:alert(1)" onclick="alert(1)'},
    {"meeting_information": "<img src=x onerror=alert(1)>"},
    {"calendar_name": "../../<b>"},
    {"meeting_manager": ["<script>"]},
]


@pytest.mark.parametrize("more", HOSTILE)
def test_texts_from_other_services_are_escaped(upstream: Upstream, build: Build, more: dict[str, Any]) -> None:
    say(upstream, meeting(**more))
    fragment = build("meetings", calendar="tides")
    assert fragment.state == "live", fragment.error
    assert "<script" not in fragment.html
    assert "<img" not in fragment.html


@pytest.mark.parametrize(
    "body", [[], {"meetings": 1}, {"meetings": [{}]}, "<html>", {"meetings": [{"meeting_name": 1}]}]
)
def test_an_unexpected_shape_fails_only_its_own_widget(upstream: Upstream, build: Build, body: Any) -> None:
    upstream.on(PATH, body)
    assert build("meetings", calendar="tides").state == "failed"


def test_an_oversized_list_fails_only_its_own_widget(upstream: Upstream, build: Build) -> None:
    say(upstream, meeting(meeting_information="x" * LARGE))
    fragment = build("meetings", calendar="tides")
    assert fragment.state == "failed"
    assert "is larger than" in fragment.error


@pytest.mark.usefixtures("marked")
def test_every_text_of_the_widget_is_translated(upstream: Upstream, build: Build) -> None:
    say(upstream)
    assert "⟦No meeting in the calendar" in build("meetings", calendar="tides").html
    assert "⟦Which calendar?" in build("meetings").html
    say(upstream, meeting())
    assert "⟦Add to my calendar⟧" in build("meetings", calendar="tides", limit=2).html


def test_the_file_contains_every_meeting_with_texts_escaped() -> None:
    moment = datetime.fromisoformat("2026-03-03T16:00:00+00:00")
    evil = "a;b,c\\\r\nATTENDEE:mailto:evil@example.org\r\nBEGIN:VALARM"
    meeting = Meeting(
        "42", evil, "tides", moment, moment + timedelta(hours=1), "", evil, (), "https://c.example/meeting/42/"
    )
    file = calendar_file("tides", [meeting, meeting])
    assert b"\r\nATTENDEE" not in file
    events = icalendar.Calendar.from_ical(file).walk("VEVENT")
    assert len(events) == 1
    assert events[0]["DTSTART"].dt == moment
    assert "VALARM" in events[0]["SUMMARY"]
    assert events[0].subcomponents == []


def said(topic: str, calendar: Any = "tides", **more: Any) -> Message:
    body = {"agent": "rana", "calendar": {"calendar_name": calendar}, "meeting": {"calendar_name": calendar, **more}}
    return parse({"topic": f"org.fedoraproject.prod.{topic}", "msg": body, "msg_id": "m"})


@pytest.mark.parametrize(
    ("message", "stale"),
    [
        (said("fedocal.meeting.new"), True),
        (said("fedocal.meeting.update", "Tides"), True),
        (said("fedocal.meeting.delete"), True),
        (said("fedocal.meeting.new", "docs"), False),
        (said("fedocal.meeting.new", None), False),
        (said("fedocal.calendar.update"), True),
        (said("meetbot.meeting.start"), False),
    ],
)
def test_which_messages_make_meetings_stale(
    session: Session, registry: Registry, team: Hub, message: Message, stale: bool
) -> None:
    named, by_hub = (
        Widget(plugin="meetings", side="left", settings=settings) for settings in ({"calendar": "tides"}, {})
    )
    team.widgets.extend((named, by_hub))
    team.extras = {"calendar": "Tides"}
    session.commit()
    index = Index(registry)
    index.replace(team)
    touched = index.touched(message)
    assert (named.id in touched, by_hub.id in touched) == (stale, stale)


def test_hub_settings_make_only_widgets_stale_that_use_them(session: Session, registry: Registry, team: Hub) -> None:
    named, by_hub = (
        Widget(plugin="meetings", side="left", settings=settings) for settings in ({"calendar": "tides"}, {})
    )
    team.widgets.extend((named, by_hub))
    session.commit()
    index = Index(registry)
    index.replace(team)
    message = parse({"topic": "a.b.dev.hubs.hub.updated", "msg": {"hub_id": team.id}, "msg_id": "m"})
    touched = index.touched(message)
    assert (named.id in touched, by_hub.id in touched) == (False, True)
