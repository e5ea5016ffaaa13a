"""iCalendar files: the published format, odd variants of it, zones, recurrence, exceptions, and what is bounded."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hubs.clients.calendars import Calendars, PublishedCalendar
from hubs.clients.http.client import HTTP
from hubs.clients.http.records import collected
from hubs.demo.services.calendar_variants import VARIANTS
from hubs.demo.services.contract import FOLDER
from hubs.errors import UpstreamForbidden
from hubs.parameters.addresses import TypedAddress
from tests.unit.clients.conftest import AGENT, PATIENT
from tests.upstream import Reply, Upstream

TEAM = (FOLDER / "icalendar" / "team.ics").read_bytes().decode().replace("\r\n", "\n")
FIRST, LAST = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 10, tzinfo=UTC)
#: The meetings of the contract: name, start and end in UTC. Paris changes its time on 29 March, New York on 8 March.
EXPECTED = [
    ("Tide watch", "2026-03-03 09:00", "2026-03-03 10:00"),
    ("Night shift", "2026-03-06 04:30", "2026-03-06 05:30"),
    ("Tide watch, moved", "2026-03-18 14:00", "2026-03-18 15:00"),
    ("Tide watch", "2026-03-24 09:00", "2026-03-24 10:00"),
    ("Harbour days", "2026-03-28 00:00", "2026-03-30 00:00"),
    ("Tide watch", "2026-03-31 08:00", "2026-03-31 09:00"),
    ("Lunch", "2026-03-31 10:00", "2026-03-31 10:45"),
    ("Night shift", "2026-04-03 03:30", "2026-04-03 04:30"),
    ("Tide watch", "2026-04-07 08:00", "2026-04-07 09:00"),
]

Read = Callable[..., PublishedCalendar]


@pytest.fixture
def read(upstream: Upstream, local_http: HTTP) -> Read:
    """Provide a function that reads a file from a server."""

    def read_file(content: str | Reply, first: datetime = FIRST, last: datetime = LAST) -> PublishedCalendar:
        reply = content if isinstance(content, Reply) else Reply(content, headers={"Content-Type": "text/calendar"})
        upstream.on("/team.ics", reply)
        return Calendars(local_http).read(TypedAddress(f"{upstream.url}/team.ics", "hub:1"), first, last)

    return read_file


def told(calendar: PublishedCalendar) -> list[tuple[str, str, str]]:
    form = "%Y-%m-%d %H:%M"
    return [(entry.name, entry.start.strftime(form), entry.end.strftime(form)) for entry in calendar.meetings]


def event(*lines: str) -> str:
    return "\n".join(("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", *lines, "END:VEVENT", "END:VCALENDAR", ""))


def test_a_calendar_as_documented(read: Read) -> None:
    with collected() as skipped:
        calendar = read(TEAM)
    assert told(calendar) == EXPECTED
    assert skipped == []
    assert calendar.name == "Tides, team calendar"
    watch, whole = calendar.meetings[0], calendar.meetings[4]
    assert (watch.location, watch.information) == ("#tides", "Bring a towel; the water is cold.")
    assert watch.url == "https://tides.example.org/meetings"
    assert (watch.all_day, whole.all_day) == (False, True)
    assert str(whole.last_day) == "2026-03-29"


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_variant_hides_a_readable_event(read: Read, variant: str) -> None:
    with collected() as skipped:
        calendar = read(VARIANTS[variant](TEAM))
    assert set(EXPECTED) <= set(told(calendar))
    if variant in ("missing fields", "odd fields", "odd events"):
        assert skipped[0].count >= 1


def test_of_a_file_without_its_end_the_whole_events_are_shown(read: Read) -> None:
    beginning = TEAM[: TEAM.index("UID:whole")]
    assert told(read(beginning)) == [entry for entry in EXPECTED if entry[0] not in ("Harbour days", "Lunch")]


def test_a_private_address_is_refused(upstream: Upstream) -> None:
    client = HTTP(AGENT, policy=PATIENT)
    with pytest.raises(UpstreamForbidden):
        Calendars(client).read(TypedAddress(f"{upstream.url}/team.ics", "hub:1"), FIRST, LAST)
    client.close()
    assert upstream.asked == []


def test_an_occurrence_that_moves_keeps_the_identifier_and_its_planned_time(read: Read) -> None:
    moved = TEAM.replace("DTSTART;TZID=Europe/Paris:20260318T150000", "DTSTART;TZID=Europe/Paris:20260318T140000")
    before, after = ({(entry.id, entry.planned) for entry in read(text).meetings} for text in (TEAM, moved))
    assert before == after
    assert len(before) == len(EXPECTED)
    occurrence = read(TEAM).meetings[2]
    assert (occurrence.id, occurrence.zone.key) == ("weekly@tides.example.org", "Europe/Paris")
    assert occurrence.planned == datetime(2026, 3, 17, 9, tzinfo=UTC)


def test_zones_of_two_calendars_with_the_same_name_are_kept_apart(read: Read) -> None:
    def custom(offset: str) -> str:
        zone = f"BEGIN:VTIMEZONE\nTZID:Custom\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:{offset}\n"
        zone += f"TZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT"
        return event("DTSTART;TZID=Custom:20260303T120000").replace("BEGIN:VEVENT", zone, 1)

    assert [read(custom(offset)).meetings[0].start.hour for offset in ("+0300", "-0300")] == [9, 15]


@pytest.mark.parametrize("text", ["PRIVATE", "CONFIDENTIAL"])
def test_private_events_are_left_out(read: Read, text: str) -> None:
    assert read(event("DTSTART:20260303T120000Z", f"CLASS:{text}")).meetings == ()
    assert len(read(event("DTSTART:20260303T120000Z", "CLASS:PUBLIC")).meetings) == 1


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=" + ",".join(map(str, range(60))) + ";BYSECOND=1,2,3,4,5,6,7,8",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYSETPOS=300",
    ],
)
def test_a_rule_that_takes_too_long_is_skipped(read: Read, rule: str) -> None:
    started = time.monotonic()
    with collected() as skipped:
        assert read(event("DTSTART:20250303T120000Z", f"RRULE:{rule}")).meetings == ()
    assert skipped[0].count == 1
    assert time.monotonic() - started < 2.0


def test_many_recurring_events_take_a_limited_time(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubs.clients.calendars.BUDGET", 1.5)
    daily = event("DTSTART:20100303T120000Z", "RRULE:FREQ=DAILY").partition("\n")[2].rpartition("END:VCALENDAR")[0]
    text = "".join(daily.replace("UID:1", f"UID:{number}") for number in range(3000))
    started = time.monotonic()
    with collected() as skipped:
        calendar = read(f"BEGIN:VCALENDAR\n{text}END:VCALENDAR\n")
    assert 0 < len(calendar.meetings) <= 1000
    assert skipped[0].count > 1000
    assert time.monotonic() - started < 5.0


def test_a_meeting_that_lasts_past_midnight_into_the_span_is_shown(read: Read) -> None:
    text = event("DTSTART;TZID=Europe/Paris:20260228T233000", "DTEND;TZID=Europe/Paris:20260301T013000")
    assert told(read(text)) == [("…", "2026-02-28 22:30", "2026-03-01 00:30")]
