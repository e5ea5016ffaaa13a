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
    #: None if the forge does not state them.
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Tickets:
    """Open tickets, last changed first; ``total`` is their number, which may be larger than that of ``items``.

    ``least`` is true if there may be more than ``total``, for trackers that report no number.
    """

    items: tuple[Ticket, ...]
    total: int
    least: bool = False


def labelled(tickets: Tickets, label: str) -> Tickets:
    """Return the tickets with a label, in any case; all of them if it is empty.

    The forge has selected them, but Forgejo ignores labels that a repository does not have, and then lists everything.
    Tickets whose labels it does not state are kept.
    """
    wanted = label.casefold()
    items = tuple(
        ticket
        for ticket in tickets.items
        if not wanted or ticket.labels is None or wanted in map(str.casefold, ticket.labels)
    )
    if len(items) == len(tickets.items):
        return tickets
    return Tickets(items, len(items))


def listed(tickets: Iterable[Ticket], total: int | None = None, least: bool = False) -> Tickets:
    """Return distinct tickets, last changed first; ``total`` defaults to their number."""
    # With the address: the same project may be on several forges.
    unique = {(ticket.url, ticket.project, ticket.number): ticket for ticket in tickets}
    items = sorted(unique.values(), key=lambda ticket: ticket.updated, reverse=True)
    return Tickets(tuple(items), max(total or 0, len(items)), least)
