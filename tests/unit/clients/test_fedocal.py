"""Fedocal, against a server with its response format."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from hubs.clients.fedocal import Fedocal, Meeting
from hubs.clients.http.client import HTTP
from hubs.errors import UpstreamUnexpected
from tests.upstream import Reply, Upstream

DAYS = (date(2026, 3, 1), date(2026, 4, 1))


def meeting(**more: Any) -> dict[str, Any]:
    return {
        "meeting_id": 42,
        "meeting_name": "Tide watch",
        "calendar_name": "tides",
        "meeting_manager": ["rana"],
        "meeting_date": "2026-03-03",
        "meeting_date_end": "2026-03-03",
        "meeting_time_start": "16:00:00",
        "meeting_time_stop": "17:00:00",
        "meeting_timezone": "UTC",
        "meeting_information": "All hands",
        "meeting_location": "#tides@matrix.example",
        "meeting_region": None,
        **more,
    }


def read(upstream: Upstream, http: HTTP, *meetings: Any) -> list[Meeting]:
    arguments = {"calendar": "tides", "start": "2026-03-01", "end": "2026-04-01", "region": None}
    upstream.on("/api/meetings/", {"meetings": list(meetings), "arguments": arguments})
    return Fedocal(http, upstream.url).meetings("tides", *DAYS)


def test_meetings_are_ordered_by_start_in_utc(upstream: Upstream, http: HTTP) -> None:
    later = meeting(meeting_id=7, meeting_date="2026-03-10", meeting_date_end="2026-03-10")
    meetings = read(upstream, http, later, meeting(meeting_timezone="Europe/Paris"))
    assert [entry.id for entry in meetings] == ["42@127.0.0.1", "7@127.0.0.1"]
    assert [entry.zone.key for entry in meetings] == ["Europe/Paris", "UTC"]
    assert meetings[0].start == datetime(2026, 3, 3, 16, 0, tzinfo=UTC)
    assert meetings[0].end == datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
    assert meetings[0].url == f"{upstream.url}/meeting/42/"
    assert (meetings[0].name, meetings[0].location, meetings[0].managers) == (
        "Tide watch",
        "#tides@matrix.example",
        ("rana",),
    )
    assert upstream.asked[0].params == {"calendar": ["tides"], "start": ["2026-03-01"], "end": ["2026-04-01"]}


def test_an_odd_manager_does_not_hide_the_others(upstream: Upstream, http: HTTP) -> None:
    (parsed,) = read(upstream, http, meeting(meeting_manager=["rana", {"odd": 1}, None, "bo"]))
    assert parsed.managers == ("rana", "bo")


def test_responses_of_older_servers_are_read(upstream: Upstream, http: HTTP) -> None:
    old = meeting(meeting_manager="rana, bo,", meeting_location="None")
    del old["meeting_id"], old["meeting_timezone"]
    parsed = read(upstream, http, old)[0]
    assert (parsed.id, parsed.managers, parsed.location) == ("", ("rana", "bo"), "")
    assert parsed.url == f"{upstream.url}/tides/"
    assert parsed.start == datetime(2026, 3, 3, 16, 0, tzinfo=UTC)


def test_an_end_before_the_start_and_an_unknown_zone_are_tolerated(upstream: Upstream, http: HTTP) -> None:
    odd = meeting(meeting_time_stop="01:00:00", meeting_timezone="../../etc/passwd", meeting_location=None)
    parsed = read(upstream, http, odd)[0]
    assert parsed.start == parsed.end == datetime(2026, 3, 3, 16, 0, tzinfo=UTC)
    assert parsed.zone.key == "UTC"


def test_times_are_utc_whatever_zone_a_meeting_is_registered_in(upstream: Upstream, http: HTTP) -> None:
    """Fedocal's documentation: ``meeting_timezone`` only says by whose daylight saving time the UTC times change."""
    zones = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "../../etc/passwd", None)
    winter, summer = (
        [
            meeting(meeting_id=number, meeting_date=day, meeting_date_end=day, meeting_timezone=zone)
            for number, zone in enumerate(zones)
        ]
        for day in ("2026-03-03", "2026-07-03")
    )
    meetings = read(upstream, http, *winter, *summer)
    assert {entry.start for entry in meetings} == {
        datetime(2026, 3, 3, 16, tzinfo=UTC),
        datetime(2026, 7, 3, 16, tzinfo=UTC),
    }


def test_a_meeting_across_midnight_ends_on_the_next_day(upstream: Upstream, http: HTTP) -> None:
    late = meeting(meeting_time_start="23:30:00", meeting_date_end="2026-03-04", meeting_time_stop="00:30:00")
    parsed = read(upstream, http, late)[0]
    assert (parsed.start, parsed.end) == (
        datetime(2026, 3, 3, 23, 30, tzinfo=UTC),
        datetime(2026, 3, 4, 0, 30, tzinfo=UTC),
    )


def test_an_empty_calendar_is_no_error(upstream: Upstream, http: HTTP) -> None:
    assert read(upstream, http) == []
    upstream.on("/api/meetings/", {"meetings": None})
    assert Fedocal(http, upstream.url).meetings("tides", *DAYS) == []


@pytest.mark.parametrize(
    "reply",
    [
        "<html>maintenance</html>",
        [],
        {"meetings": [1]},
        {"meetings": [meeting(meeting_date="soon")]},
        {"meetings": [meeting(meeting_date="0001-01-01")]},
        {"meetings": [meeting(meeting_name=["x"])]},
        Reply({"meetings": [], "error": "Invalid calendar provided: tides"}, 400),
    ],
)
def test_an_unexpected_response_is_a_clear_error(upstream: Upstream, http: HTTP, reply: Any) -> None:
    upstream.on("/api/meetings/", reply)
    with pytest.raises(UpstreamUnexpected, match="Fedocal"):
        Fedocal(http, upstream.url).meetings("tides", *DAYS)
