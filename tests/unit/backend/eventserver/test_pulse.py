"""The age of heartbeats with one daemon, and with several."""

import json

import pytest

from hubs.backend.eventserver.pulse import FORGOTTEN, Pulse
from hubs.events.heartbeat import INTERVAL, LATE, Beat, decode


class Clock:
    """Seconds that a test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pulse(clock: Clock) -> Pulse:
    return Pulse(clock)


def run(pulse: Pulse, clock: Clock, seconds: float, *daemons: str) -> None:
    """Let time pass while ``daemons`` send their heartbeats."""
    end = clock.now + seconds
    while clock.now < end:
        for daemon in daemons:
            pulse.note(Beat(daemon, clock.now))
        clock.now += INTERVAL


def test_the_start_counts_as_a_heartbeat(pulse: Pulse, clock: Clock) -> None:
    clock.now += LATE - 1
    assert not pulse.is_late
    clock.now += 2
    assert pulse.is_late


def test_only_the_heartbeat_that_ends_a_gap_is_reported(pulse: Pulse, clock: Clock) -> None:
    assert not pulse.note(Beat("a", 5.0))
    clock.now += 60
    assert pulse.note(Beat("a", 5.0))
    assert not pulse.note(Beat("a", 5.0))


def test_a_daemon_without_its_broker_counts_as_late_until_it_is_connected_again(pulse: Pulse, clock: Clock) -> None:
    for cut_off in (2.0, 5.0, 8.0):
        pulse.note(Beat("a", 5.0, cut_off=cut_off))
    assert not pulse.is_late
    clock.now += INTERVAL
    pulse.note(Beat("a", 5.0, cut_off=LATE + 1))
    assert pulse.is_late
    assert pulse.age == LATE + 1
    assert pulse.note(Beat("a", 5.0))  # pages are told at once
    assert pulse.age == 0


def test_the_heartbeat_of_one_daemon_does_not_hide_the_death_of_another(pulse: Pulse, clock: Clock) -> None:
    run(pulse, clock, 30, "a", "b")
    assert not pulse.is_late
    run(pulse, clock, 30, "a")
    assert pulse.is_late
    assert not pulse.note(Beat("a", clock.now))  # the gap is not over
    run(pulse, clock, 3, "a", "b")
    assert not pulse.is_late


@pytest.mark.parametrize("outage", [1.0, 8.0, 60.0])
def test_a_restarted_daemon_replaces_the_one_that_was_killed(pulse: Pulse, clock: Clock, outage: float) -> None:
    run(pulse, clock, 30, "a", "b")
    run(pulse, clock, outage, "a")
    late = []
    for _ in range(10):
        run(pulse, clock, INTERVAL, "a", "c")
        late.append(pulse.is_late)
    assert not any(late[1:])
    run(pulse, clock, 30, "a")  # each new daemon replaces one: this death is not hidden
    assert pulse.is_late


def test_a_daemon_that_stops_in_an_orderly_way_is_not_missed(pulse: Pulse, clock: Clock) -> None:
    run(pulse, clock, 30, "a", "b")
    pulse.note(Beat("b", None, is_last=True))
    run(pulse, clock, 60, "a")
    assert not pulse.is_late
    pulse.note(Beat("a", None, is_last=True))
    clock.now += LATE + 1
    assert pulse.is_late  # nothing handles messages any more


def test_a_dead_daemon_is_forgotten_after_its_builds_were_taken_over(pulse: Pulse, clock: Clock) -> None:
    run(pulse, clock, 30, "a", "b")
    run(pulse, clock, FORGOTTEN - 10, "a")
    assert pulse.is_late
    run(pulse, clock, 20, "a")
    assert not pulse.is_late


def test_the_newest_handled_message_is_that_of_any_daemon(pulse: Pulse) -> None:
    pulse.note(Beat("a", 7.0))
    pulse.note(Beat("b", 5.0))
    pulse.note(Beat("c", None))
    assert pulse.handled_at == 7.0


def test_a_heartbeat_without_a_name_is_from_an_older_daemon() -> None:
    assert decode(b'{"handled_at": 5}') == Beat("", 5.0)


@pytest.mark.parametrize(
    "fields", [[], {"daemon": 5}, {"daemon": "x" * 100}, {"handled_at": True}, {"handled_at": "x"}]
)
def test_a_malformed_heartbeat_is_refused(fields: object) -> None:
    with pytest.raises(ValueError, match="not"):
        decode(json.dumps(fields).encode())
