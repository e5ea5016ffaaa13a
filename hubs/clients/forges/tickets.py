"""Issues and pull requests, as the client of every tracker gives them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

#: Tickets asked for at once.
PAGE = 50


@dataclass(frozen=True)
class Ticket:
    """An open issue or pull request; ``project`` as the forge writes it, ``number`` as text.

    ``reviewers`` are those whose review was asked for. A ``draft`` does not wait for a review yet.
    """

    project: str
    number: str
    title: str
    url: str
    author: str
    updated: datetime
    assignees: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    draft: bool = False


@dataclass(frozen=True)
class Tickets:
    """Open tickets, those that changed last first; ``total`` is their number, of which some may not be among them.

    ``least`` tells that there are at least so many, since the tracker does not count them.
    """

    items: tuple[Ticket, ...]
    total: int
    least: bool = False


def listed(tickets: Iterable[Ticket], total: int | None = None, least: bool = False) -> Tickets:
    """Return tickets in their order, each once; without ``total`` those that are there are counted."""
    unique = {(ticket.project, ticket.number): ticket for ticket in tickets}
    items = sorted(unique.values(), key=lambda ticket: ticket.updated, reverse=True)
    return Tickets(tuple(items), max(total or 0, len(items)), least)
