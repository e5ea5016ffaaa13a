"""Issues and pull requests: the common result of all tracker clients."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

#: Tickets per request.
PAGE = 50
#: The time of the last change of a ticket whose forge does not state it.
EVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Ticket:
    """An open issue or pull request; ``project`` is spelled as on the forge.

    ``reviewers`` are people whose review was requested. A ``draft`` is not ready for review.
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
    """Open tickets, last changed first; ``total`` is their number, which may be larger than that of ``items``.

    ``least`` is true if there may be more than ``total``, for trackers that report no number.
    """

    items: tuple[Ticket, ...]
    total: int
    least: bool = False


def listed(tickets: Iterable[Ticket], total: int | None = None, least: bool = False) -> Tickets:
    """Return distinct tickets, last changed first; ``total`` defaults to their number."""
    unique = {(ticket.project, ticket.number): ticket for ticket in tickets}
    items = sorted(unique.values(), key=lambda ticket: ticket.updated, reverse=True)
    return Tickets(tuple(items), max(total or 0, len(items)), least)
