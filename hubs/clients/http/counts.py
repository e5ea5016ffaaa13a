"""Counts requests to upstream services and open circuit breakers, for metrics."""

from collections import Counter

from hubs.clients.http.politeness import Circuits

#: The service of all addresses that people typed: their hosts are not bounded.
OTHER = "other"
_Address = tuple[str, str, int]


class RequestCounts:
    """Requests since the start, and circuit breakers, by service."""

    def __init__(self, circuits: Circuits) -> None:
        self._circuits = circuits
        self._titles: dict[_Address, str] = {}
        #: Requests by service and outcome: ok, missing, refused, error, unreachable.
        self.requests: Counter[tuple[str, str]] = Counter()

    def count(self, title: str, origin: _Address, status: int) -> None:
        """Count a request; ``title`` is empty for typed addresses, ``status`` is 0 without a response."""
        if title:
            self._titles[origin] = title
        self.requests[title or OTHER, _outcome(status)] += 1

    def paused(self) -> dict[str, int]:
        """Return the number of open circuit breakers by service."""
        paused = dict.fromkeys([*self._titles.values(), OTHER], 0)
        for owner, origin in self._circuits.open():
            paused[OTHER if owner else self._titles.get(origin, OTHER)] += 1
        return paused


def _outcome(status: int) -> str:
    if status == 0:
        return "unreachable"
    if status >= 500:
        return "error"
    if status in (404, 410):
        return "missing"
    return "refused" if status >= 400 else "ok"
