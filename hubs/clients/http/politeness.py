"""Politeness towards one host: how many requests at once, how fast, and none at all while it is down."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hubs.errors import UpstreamRefused, UpstreamUnreachable
from hubs.i18n import _

#: Hosts that are remembered; those that were not asked for longest are forgotten first.
REMEMBERED = 1000


@dataclass(frozen=True)
class Policy:
    """How we treat every host. Times are seconds, sizes are bytes."""

    #: For a connection, for each step of an answer, and for the whole with all tries.
    connect: float = 3.0
    read: float = 6.0
    total: float = 12.0
    #: Largest answer, as it comes and after unpacking.
    limit: int = 2_000_000
    #: Tries, and the pause after the first failed one; doubled each time up to the second figure, and jittered.
    tries: int = 3
    backoff: tuple[float, float] = (0.4, 3.0)
    #: Requests to one host at once, and the seconds between two starts once ``burst`` of them were made at a stroke.
    concurrency: int = 4
    gap: float = 0.1
    burst: int = 10
    #: Failures in a row after which a host is left alone, and for how long: doubled each time up to the second figure.
    threshold: int = 5
    rest: tuple[float, float] = (30.0, 600.0)


class Host:
    """What is known of one host, with a circuit breaker.

    After ``threshold`` failures in a row it is left alone, then one request tries whether it is back, and the others
    follow when that succeeded.
    """

    def __init__(self, name: str, policy: Policy, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self._policy, self._clock = name, policy, clock
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(policy.concurrency)
        self._paced = float("-inf")
        self._not_before = float("-inf")
        self._failures = 0
        self._probing = False

    @contextmanager
    def turn(self, deadline: float) -> Iterator[None]:
        """Wait for one's turn, at most until ``deadline`` (monotonic). The block must call `succeeded` or `failed`.

        :raises UpstreamUnreachable: while the host is left alone.
        :raises UpstreamRefused: when one's turn comes too late.
        """
        probe = self._admit()
        try:
            if not self._slots.acquire(timeout=max(0.0, deadline - self._clock())):
                raise self._busy(1.0)
            try:
                self._pace(deadline)
                yield
            finally:
                self._slots.release()
        finally:
            if probe:
                with self._lock:
                    self._probing = False

    def succeeded(self) -> None:
        """Note that the host answered."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """Note that the host did not answer, or only with an error of its own."""
        with self._lock:
            self._failures += 1
            beyond = self._failures - self._policy.threshold
            if beyond >= 0:
                shortest, longest = self._policy.rest
                self._not_before = self._clock() + min(shortest * 2.0 ** min(beyond, 30), longest)

    def pause(self, seconds: float) -> None:
        """Leave the host alone for as long as it asks for, within bounds."""
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + min(seconds, self._policy.rest[1]))

    def _admit(self) -> bool:
        """Return whether this request is the one that tries whether the host is back."""
        with self._lock:
            wait = self._not_before - self._clock()
            if wait > 0 or self._probing:
                text = _("{host} is temporarily paused after repeated errors and will be tried again later.")
                raise UpstreamUnreachable(text.format(host=self.name), retry_after=max(wait, 1.0))
            self._probing = self._failures >= self._policy.threshold
            return self._probing

    def _pace(self, deadline: float) -> None:
        """Wait until this request keeps the rate."""
        with self._lock:
            now = self._clock()
            planned = max(self._paced, now) + self._policy.gap
            wait = planned - self._policy.burst * self._policy.gap - now
            if now + wait > deadline:
                raise self._busy(wait)
            self._paced = planned
        if wait > 0:
            time.sleep(wait)

    def _busy(self, wait: float) -> UpstreamRefused:
        text = _("Too many requests to {host} at once; it will be tried again later.")
        return UpstreamRefused(text.format(host=self.name), retry_after=max(wait, 1.0))


class Hosts:
    """All hosts of this process."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[bool, str, str, int], Host] = OrderedDict()

    def get(self, guarded: bool, origin: tuple[str, str, int]) -> Host:
        """Return a host, by scheme, name and port.

        Addresses that people typed are counted apart, so that they cannot shut a service off; and what speaks no HTTP
        on the port of HTTPS says nothing of what speaks HTTPS there.
        """
        key = (guarded, *origin)
        with self._lock:
            found = self._known.pop(key, None) or Host(origin[1], self._policy)
            self._known[key] = found
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
            return found
