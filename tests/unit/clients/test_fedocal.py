"""Fedocal, against a server that answers in its shape."""

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


def ask(upstream: Upstream, http: HTTP, *meetings: Any) -> list[Meeting]:
    arguments = {"calendar": "tides", "start": "2026-03-01", "end": "2026-04-01", "region": None}
    upstream.on("/api/meetings/", {"meetings": list(meetings), "arguments": arguments})
    return Fedocal(http, upstream.url).meetings("tides", *DAYS)


def test_meetings_come_by_their_beginning_in_utc(upstream: Upstream, http: HTTP) -> None:
    later = meeting(meeting_id=7, meeting_date="2026-03-10", meeting_date_end="2026-03-10")
    found = ask(upstream, http, later, meeting(meeting_timezone="Europe/Paris"))
    assert [one.id for one in found] == ["42", "7"]
    assert found[0].start == datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
    assert found[0].end == datetime(2026, 3, 3, 16, 0, tzinfo=UTC)
    assert found[0].url == f"{upstream.url}/meeting/42/"
    assert (found[0].name, found[0].location, found[0].managers) == ("Tide watch", "#tides@matrix.example", ("rana",))
    assert upstream.asked[0].params == {"calendar": ["tides"], "start": ["2026-03-01"], "end": ["2026-04-01"]}


def test_answers_of_older_servers_are_understood(upstream: Upstream, http: HTTP) -> None:
    old = meeting(meeting_manager="rana, bo,", meeting_location="None")
    del old["meeting_id"], old["meeting_timezone"]
    found = ask(upstream, http, old)[0]
    assert (found.id, found.managers, found.location) == ("", ("rana", "bo"), "")
    assert found.url == f"{upstream.url}/tides/"
    assert found.start == datetime(2026, 3, 3, 16, 0, tzinfo=UTC)


def test_an_end_before_the_beginning_and_a_zone_of_nowhere_do_no_harm(upstream: Upstream, http: HTTP) -> None:
    odd = meeting(meeting_time_stop="01:00:00", meeting_timezone="../../etc/passwd", meeting_location=None)
    found = ask(upstream, http, odd)[0]
    assert found.start == found.end == datetime(2026, 3, 3, 16, 0, tzinfo=UTC)


def test_no_meetings_are_no_error(upstream: Upstream, http: HTTP) -> None:
    assert ask(upstream, http) == []


@pytest.mark.parametrize(
    "reply",
    [
        "<html>maintenance</html>",
        [],
        {"meetings": None},
        {"meetings": [1]},
        {"meetings": [meeting(meeting_date="soon")]},
        {"meetings": [meeting(meeting_date="0001-01-01", meeting_timezone="Asia/Tokyo")]},
        {"meetings": [meeting(meeting_name=["x"])]},
        Reply({"meetings": [], "error": "Invalid calendar provided: tides"}, 400),
    ],
)
def test_another_shape_is_a_clear_error(upstream: Upstream, http: HTTP, reply: Any) -> None:
    upstream.on("/api/meetings/", reply)
    with pytest.raises(UpstreamUnexpected, match="Fedocal"):
        Fedocal(http, upstream.url).meetings("tides", *DAYS)
