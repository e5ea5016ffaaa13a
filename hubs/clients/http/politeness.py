"""Load limits per host: concurrency, rate, and a circuit breaker for hosts that are down."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hubs.clients.http.status import limit_error
from hubs.errors import UpstreamRefused, UpstreamUnreachable
from hubs.i18n import _

#: Number of hosts and of circuit breakers that are kept; the least recently used are dropped first.
REMEMBERED = 2000
#: Whether only public addresses are allowed; scheme, name and port.
Origin = tuple[bool, str, str, int]


#: Seconds after the end of a pause at which a host that nobody asks any more no longer counts as down.
FORGOTTEN = 3600.0


@dataclass(frozen=True)
class Policy:
    """The limits for every host. Times are seconds, sizes are bytes."""

    #: Timeouts for a connection, for each read or write, and for the whole request with all retries.
    connect: float = 3.0
    read: float = 6.0
    total: float = 12.0
    #: Largest response, both compressed and uncompressed.
    limit: int = 2_000_000
    #: Tries, and the pause after the first failed one; doubled each time up to the second figure, and jittered.
    tries: int = 3
    backoff: tuple[float, float] = (0.4, 3.0)
    #: Concurrent requests to a host, and the seconds between two of them after a ``burst``.
    concurrency: int = 4
    gap: float = 0.1
    burst: int = 10
    #: Failures in a row that open the circuit breaker, and for how long: doubled each time up to the second figure.
    threshold: int = 5
    rest: tuple[float, float] = (30.0, 600.0)


class Host:
    """The load limits of one host: concurrent requests and rate."""

    def __init__(self, name: str, policy: Policy, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self.policy, self.clock = name, policy, clock
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(policy.concurrency)
        self._next_slot = float("-inf")

    @contextmanager
    def slot(self, deadline: float) -> Iterator[None]:
        """Wait until the limits allow a request, at most until ``deadline`` (monotonic).

        :raises UpstreamRefused: when the wait would exceed the deadline.
        """
        if not self._slots.acquire(timeout=max(0.0, deadline - self.clock())):
            raise self._busy(1.0)
        try:
            self._pace(deadline)
            yield
        finally:
            self._slots.release()

    def _pace(self, deadline: float) -> None:
        """Wait as long as the rate limit requires."""
        with self._lock:
            now = self.clock()
            planned = max(self._next_slot, now) + self.policy.gap
            wait = planned - self.policy.burst * self.policy.gap - now
            if now + wait > deadline:
                raise self._busy(wait)
            self._next_slot = planned
        if wait > 0:
            time.sleep(wait)

    def _busy(self, wait: float) -> UpstreamRefused:
        text = _("Too many requests to {host} at once; it will be tried again later.")
        return UpstreamRefused(text.format(host=self.name), retry_after=max(wait, 1.0))


class Circuit:
    """A circuit breaker for the requests of one owner to one host.

    After ``threshold`` failures in a row requests are refused for a while. Then a single request probes the host; the
    others follow once it has succeeded.
    """

    def __init__(self, host: Host) -> None:
        self._host, self._policy, self._clock = host, host.policy, host.clock
        self._lock = threading.Lock()
        self._not_before = float("-inf")
        self._renewed = float("-inf")
        self._failures = 0
        self._probing = False

    @contextmanager
    def turn(self, deadline: float) -> Iterator[None]:
        """Wait for permission to send, at most until ``deadline`` (monotonic); the block calls `succeeded` or `failed`.

        :raises UpstreamUnreachable: while the circuit breaker is open.
        :raises UpstreamRefused: when the wait would exceed the deadline, or the host's rate limit is used up.
        """
        probe = self._admit()
        try:
            with self._host.slot(deadline):
                yield
        finally:
            if probe:
                with self._lock:
                    self._probing = False

    def succeeded(self) -> None:
        """Record a response."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """Record a failure: no response, or a server error."""
        with self._lock:
            self._failures += 1
            beyond = self._failures - self._policy.threshold
            if beyond >= 0:
                shortest, longest = self._policy.rest
                self._not_before = self._clock() + min(shortest * 2.0 ** min(beyond, 30), longest)

    def pause(self, seconds: float) -> None:
        """Send nothing for as long as the host asks for, within bounds."""
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + min(seconds, self._policy.rest[1]))

    def limit(self, seconds: float) -> None:
        """Send nothing until the rate limit of the host is renewed."""
        with self._lock:
            self._renewed = max(self._renewed, self._clock() + seconds)

    @property
    def is_open(self) -> bool:
        """Whether the host has failed and not answered since; one that is no longer asked is forgotten after a while.

        Also true between the end of a pause and the probe that follows: until it succeeds, the host counts as down.
        """
        is_forgotten = self._clock() > self._not_before + FORGOTTEN
        return self._failures >= self._policy.threshold and not is_forgotten

    def _admit(self) -> bool:
        """Return whether this request is the probe of a host that was down."""
        with self._lock:
            limited = self._renewed - self._clock()
            if limited > 0:
                raise limit_error(self._host.name, limited)
            wait = self._not_before - self._clock()
            if wait > 0 or self._probing:
                text = _("{host} is temporarily paused after repeated errors and will be tried again later.")
                raise UpstreamUnreachable(text.format(host=self._host.name), retry_after=max(wait, 1.0))
            self._probing = self._failures >= self._policy.threshold
            return self._probing


class Circuits:
    """The hosts that this process has sent requests to, and the circuit breakers of their owners."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lock = threading.Lock()
        self._hosts: OrderedDict[Origin, Host] = OrderedDict()
        self._circuits: OrderedDict[tuple[str, Origin], Circuit] = OrderedDict()

    def get(self, owner: str, guarded: bool, origin: tuple[str, str, int]) -> Circuit:
        """Return the circuit breaker of ``owner`` for a host, given by scheme, name and port.

        Each hub has its own breaker for the addresses that its people typed, so that a bad address on one hub does not
        pause the host for others; the configured services share the owner ``""``. The limits on load hold for all
        owners together. The scheme is part of the key because a failing http:// request to a TLS port says nothing
        about https:// there.
        """
        key = (guarded, *origin)
        with self._lock:
            host = self._hosts.pop(key, None) or Host(origin[1], self._policy)
            self._hosts[key] = host
            circuit = self._circuits.pop((owner, key), None) or Circuit(host)
            self._circuits[owner, key] = circuit
            for known in (self._hosts, self._circuits):
                if len(known) > REMEMBERED:
                    known.popitem(last=False)
            return circuit

    def open(self) -> list[tuple[str, tuple[str, str, int]]]:
        """Return the owner and the host of each open circuit breaker."""
        with self._lock:
            circuits = list(self._circuits.items())
        return [(owner, key[1:]) for (owner, key), circuit in circuits if circuit.is_open]
