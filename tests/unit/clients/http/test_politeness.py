"""Load limits and circuit breaker of a host, on a simulated clock."""

import re
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hubs.clients.http.politeness import FORGOTTEN, REMEMBERED, Circuit, Circuits, Host, Policy
from hubs.errors import UpstreamRefused, UpstreamUnreachable

ROOT = Path(__file__).parents[4]
POLICY = Policy(threshold=2, rest=(10.0, 35.0), gap=0.0)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def fail(host: Circuit, clock: Clock) -> None:
    with host.turn(clock.now + 1):
        host.failed()


def test_the_circuit_breaker_opens_for_longer_each_time_and_probes_with_one_request() -> None:
    clock = Clock()
    host = Circuit(Host("tracker.example", POLICY, clock))
    for expected in (10.0, 20.0, 35.0, 35.0):
        fail(host, clock)
        if expected == 10.0:  # closed: it takes two in a row
            fail(host, clock)
        with pytest.raises(UpstreamUnreachable) as caught, host.turn(clock.now + 1):
            pass
        assert caught.value.retry_after == pytest.approx(expected)
        clock.now += expected + 0.1
    with host.turn(clock.now + 1):
        # Half open: other requests are refused during the probe.
        with pytest.raises(UpstreamUnreachable), host.turn(clock.now + 1):
            pass
        host.succeeded()
    for _ in range(3):
        with host.turn(clock.now + 1):
            host.succeeded()


def test_a_probe_without_a_result_lets_the_next_request_probe() -> None:
    clock = Clock()
    host = Circuit(Host("tracker.example", POLICY, clock))
    fail(host, clock)
    fail(host, clock)
    clock.now += 11
    with pytest.raises(ValueError, match="broken"), host.turn(clock.now + 1):
        raise ValueError("broken")
    with host.turn(clock.now + 1):
        host.succeeded()


def test_a_request_that_would_wait_beyond_its_deadline_is_refused() -> None:
    clock = Clock()
    host = Circuit(Host("tracker.example", replace(POLICY, concurrency=1), clock))
    with host.turn(clock.now + 1):
        with pytest.raises(UpstreamRefused, match="Too many requests"), host.turn(clock.now):
            pass


def test_the_rate_is_limited_after_a_burst() -> None:
    clock = Clock()
    host = Circuit(Host("tracker.example", replace(POLICY, gap=10.0, burst=3), clock))
    for _ in range(3):
        with host.turn(clock.now + 1):
            pass
    with pytest.raises(UpstreamRefused) as caught, host.turn(clock.now + 1):
        pass
    assert caught.value.retry_after == pytest.approx(10.0)
    clock.now += 10
    with host.turn(clock.now + 1):
        pass


def granted(policy: Policy, seconds: int) -> int:
    """Return how many requests of somebody who asks all the time begin in a period."""
    clock, count = Clock(), 0
    host = Host("tracker.example", policy, clock)
    for _ in range(seconds * 20):
        with suppress(UpstreamRefused):
            for _ in range(100):
                with host.slot(clock.now):
                    count += 1
        clock.now += 0.05
    return count


def test_the_documented_budget_of_a_service_is_kept() -> None:
    section = (ROOT / "docs" / "widgets.md").read_text().split("### When other services are asked", 1)[1]
    budget = {name: int(most) for name, most in re.findall(r"^\| (\w[\w ]+) \| (\d+) \|$", section, re.MULTILINE)}
    policy = Policy()
    assert budget == {
        "requests at a time": policy.concurrency,
        "requests at once after a pause": policy.burst,
        "requests in a minute": policy.burst + round(60 / policy.gap),
        "requests in an hour": policy.burst + round(3600 / policy.gap),
        "attempts of a request": policy.tries,
    }
    assert f"the {policy.total:.0f} seconds that a request may take" in section
    assert 0.98 * budget["requests in a minute"] < granted(policy, 60) <= budget["requests in a minute"]


def test_a_pause_is_bounded() -> None:
    clock = Clock()
    host = Circuit(Host("tracker.example", POLICY, clock))
    host.pause(1e9)
    with pytest.raises(UpstreamUnreachable) as caught, host.turn(clock.now + 1):
        pass
    assert caught.value.retry_after == pytest.approx(35.0)


def test_circuits_are_separate_and_limited_in_number() -> None:
    circuits = Circuits(POLICY)
    origin = ("https", "a.example", 443)
    first = circuits.get("hub:1", True, origin)
    assert circuits.get("hub:1", True, origin) is first
    for owner, guarded, other in (("hub:1", False, origin), ("hub:1", True, ("http", *origin[1:])), ("", True, origin)):
        assert circuits.get(owner, guarded, other) is not first
    threads = [
        threading.Thread(target=circuits.get, args=("hub:1", True, ("https", f"h{n}.example", 443)))
        for n in range(REMEMBERED + 5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert circuits.get("hub:1", True, origin) is not first


def test_failures_and_pauses_of_one_owner_do_not_affect_others() -> None:
    circuits, clock = Circuits(POLICY), Clock()
    mallory, everybody = (circuits.get(owner, True, ("https", "blogs.example", 443)) for owner in ("hub:1", "hub:2"))
    for _ in range(POLICY.threshold):
        with mallory.turn(clock.now + 1e9):
            mallory.failed()
    mallory.pause(600)
    with pytest.raises(UpstreamUnreachable), mallory.turn(clock.now + 1e9):
        pass
    with everybody.turn(clock.now + 1e9):
        everybody.succeeded()


def test_the_load_limits_of_a_host_hold_for_all_owners_together() -> None:
    circuits = Circuits(replace(POLICY, concurrency=1))
    origin = ("https", "blogs.example", 443)
    first, second = circuits.get("hub:1", True, origin), circuits.get("hub:2", True, origin)
    with first.turn(time.monotonic() + 60):
        with pytest.raises(UpstreamRefused, match="Too many requests"), second.turn(time.monotonic()):
            pass


def test_a_host_counts_as_down_between_two_probes_and_until_nobody_asks_it_any_more() -> None:
    clock = Clock()
    circuit = Circuit(Host("blogs.example", POLICY, clock))
    for _ in range(POLICY.threshold):
        circuit.failed()
    clock.now += POLICY.rest[0] + 1  # the pause has ended, and no request has come yet
    assert circuit.is_open
    clock.now += FORGOTTEN
    assert not circuit.is_open
    circuit.failed()
    assert circuit.is_open
    circuit.succeeded()
    assert not circuit.is_open
