"""The status page of a community's services: outages that are going on, and planned ones.

Format: the files ``ongoing.json`` and ``planned.json`` that Fedora's generator (https://github.com/fedora-infra/statusfpo)
writes beside the page::

    {"outages": [{"title": "Wiki is slow", "ticket": {"id": "12183", "url": "https://…"},
                  "startdate": "2026-03-01T16:00:00+0000", "enddate": null}]}

``ticket``, ``startdate`` and ``enddate`` may be null. Somebody moves an outage from one file to the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Records
from hubs.clients.http.response import LARGE, Link, Moment, Shape, Text
from hubs.parameters.addresses import TypedAddress


@dataclass(frozen=True)
class Outage:
    """An outage; times that nobody knows are None, and ``url`` is that of its ticket, or empty."""

    title: str
    url: str
    start: datetime | None
    end: datetime | None
    planned: bool


@dataclass(frozen=True)
class Status:
    """The outages of a status page: current ones first, then planned ones, the next first."""

    outages: tuple[Outage, ...]
    page: str


class _Ticket(Shape):
    url: Link = ""


class _Outage(Shape):
    title: Text
    ticket: _Ticket | None = None
    startdate: Moment | None = None
    enddate: Moment | None = None

    def outage(self, planned: bool) -> Outage:
        return Outage(self.title, self.ticket.url if self.ticket else "", self.startdate, self.enddate, planned)


class _File(Shape):
    outages: Records[_Outage]


class StatusPage:
    """A client of status pages: the one of the settings, and others that people name."""

    def __init__(self, http: HTTP, base: str) -> None:
        self._http, self._own = http, Service("Status page", base)
        self.is_used = self._own.is_used

    def read(self, address: TypedAddress | None = None) -> Status:
        """Return the outages of our own status page, or of the page at an address.

        :raises UpstreamMissing: when there is no such page.
        :raises UpstreamForbidden: when the address leads to no public web server.
        :raises UpstreamError: when there is no usable response.
        """
        outages = [*self._outages(address, planned=False), *self._outages(address, planned=True)]
        page = str(address) if address else self._own.base
        return Status(tuple(sorted(outages, key=_order)), page)

    def _outages(self, address: TypedAddress | None, planned: bool) -> Iterator[Outage]:
        name = "planned.json" if planned else "ongoing.json"
        if address is None:
            response = self._http.get(self._own.url(name), self._own, limit=LARGE)
        else:
            response = self._http.get(address.below(name), limit=LARGE)
        file: _File = response.read_as(_File)
        return (outage.outage(planned) for outage in file.outages)


def _order(outage: Outage) -> tuple[bool, bool, float]:
    start = outage.start.timestamp() if outage.start else 0.0
    # Of current outages the newest comes first, of planned ones the next.
    return outage.planned, outage.start is None, start if outage.planned else -start
