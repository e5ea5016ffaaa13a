"""Shared by the widgets of issues and pull requests: which trackers belong to a hub, and how they are queried."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hubs.clients.all import Clients
from hubs.clients.forges.tickets import Ticket, Tickets, listed
from hubs.errors import NeedsSetup, UpstreamError
from hubs.i18n import N_, _
from hubs.models import Widget
from hubs.widgets.caching import Interest
from hubs.widgets.keys import key_for, settings_of_hub
from hubs.widgets.parameters import Parameter

PROJECT = Parameter(
    "project",
    label=N_("Project"),
    default="",
    kind="project",
    help=N_(
        "Written as github:owner/name, pagure:name, pagure:namespace/name, pagure:host/name for another server, "
        "forgejo:host/owner/name, forgejo:host/owner for all projects of a person or an organisation, "
        "gitlab:host/group/name, gitlab:host/group, or bugzilla:product/component. Empty means the tracker accounts in "
        "this hub's settings."
    ),
)
#: Accounts of a hub, by forge.
ACCOUNTS = {
    "pagure": "pagure_username",
    "github": "github_username",
    "gitlab": "gitlab_username",
    "bugzilla": "bugzilla_email",
}
#: Forges whose projects may name a host.
HOSTED = ("forgejo", "gitlab", "pagure")
#: What people call each forge.
TITLES = {"pagure": "Pagure", "github": "GitHub", "gitlab": "GitLab", "bugzilla": "Bugzilla", "forgejo": "Forgejo"}
#: Messages about issues, by forge: the events of webhooks, and GitHub's of the old bus (``github.issue``).
ISSUE_TOPICS = {
    "pagure": ("pagure.issue",),
    "github": ("github.issues", "github.issue_comment", "github.issue"),
    "gitlab": ("gitlab.issue", "gitlab.note", "gitlab.work_item"),
    "bugzilla": ("bugzilla.bug",),
    "forgejo": (
        "forgejo.issues",
        "forgejo.issue_assign",
        "forgejo.issue_comment",
        "forgejo.issue_label",
        "forgejo.issue_milestone",
    ),
}
#: An account on Forgejo with its server.
_OWNER = re.compile(r"[^/\s]+/[^/\s]+")
#: Most tickets kept.
KEPT = 200
K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """A project, or an account, on one forge."""

    forge: str
    name: str
    account: bool = False


@dataclass(frozen=True)
class TrackerTickets:
    """Tickets of all sources; ``failures`` maps each forge that did not answer to the reason."""

    tickets: Tickets
    accounts: frozenset[str]
    failures: Mapping[str, str]


def sources(row: Widget, forges: Iterable[str]) -> list[Source]:
    """Return the sources of a widget: its project, else the hub's accounts on ``forges``."""
    forge, _colon, path = (row.config["project"] or "").partition(":")
    if path:
        return [Source(forge, path)]
    named = [Source(name, account, True) for name, account in accounts(row).items() if name in forges]
    # To visitors, Forgejo lists nothing by person but what is in their own projects.
    if "forgejo" in forges and (owner := _on_forgejo(row)):
        named.append(Source("forgejo", owner))
    return named


def accounts(row: Widget) -> dict[str, str]:
    """Return the tracker accounts of the hub, by forge."""
    extras = row.hub.extras or {}
    named = {forge: extras.get(field) for forge, field in ACCOUNTS.items()}
    return {forge: name.strip() for forge, name in named.items() if isinstance(name, str) and name.strip()}


def _on_forgejo(row: Widget) -> str:
    """Return the hub's account on a server with Forgejo as ``host/name``, or an empty text."""
    name = (row.hub.extras or {}).get("forgejo_username")
    return name.strip() if isinstance(name, str) and _OWNER.fullmatch(name.strip()) else ""


def interests(row: Widget, topics: Mapping[str, Sequence[str]]) -> Iterator[Interest]:
    """Yield the interests of a widget that lists tickets; ``topics`` are topic prefixes by forge."""
    yield from interests_in(row, sources(row, topics), topics)
    if not row.config["project"]:
        yield settings_of_hub(row)  # its accounts


def interests_in(row: Widget, queried: Iterable[Source], topics: Mapping[str, Sequence[str]]) -> Iterator[Interest]:
    """Yield the interests in messages about projects and accounts, and in the keys with which they are read."""
    keyed = False
    for source in queried:
        if names := topics.get(source.forge):
            yield interest(source, names)
        keyed |= source.forge == "gitlab" and not source.account
    if keyed:
        yield settings_of_hub(row)


def interest(source: Source, topics: Sequence[str]) -> Interest:
    """Return the interest in messages about a project or an account."""
    kind, name = "account" if source.account else "project", source.name
    if source.forge == "gitlab" and not source.account:
        name = name.partition("/")[2]  # messages of GitLab do not name the host
    return Interest(tuple(topics), kind, f"{source.forge}:{name}".lower())


def ask(row: Widget, clients: Clients, method: str, forges: Sequence[str]) -> TrackerTickets:
    """Return the tickets of a widget; ``method`` is ``issues`` or ``pulls``.

    :raises NeedsSetup: when neither a project nor an account is named, or the forge has no such tickets.
    :raises UpstreamError: when no source answers.
    """
    queried = [source for source in sources(row, forges) if _is_listed(clients, source)]
    if not queried:
        raise NeedsSetup(
            _("Which project? An owner can name one in this widget's settings, or tracker accounts in the hub's.")
        )
    for source in queried:
        if source.forge not in forges:
            raise NeedsSetup(_("{forge} has none of these.").format(forge=TITLES.get(source.forge, source.forge)))
    answers, failures = ask_each(
        {source: TITLES[source.forge] for source in queried},
        lambda source: [_ask_one(clients, source, method, on_behalf_of(row, source))],
    )
    names = (*accounts(row).values(), _on_forgejo(row).rpartition("/")[2])
    mine = frozenset(name.lower() for name in names if name)
    return TrackerTickets(_joined(answers), mine, failures)


def ask_each(
    named: Mapping[K, str], fetch: Callable[[K], Iterable[T]], budget: float = float("inf")
) -> tuple[list[T], dict[str, str]]:
    """Return the answers of all sources, and the reason for each name under which there is none.

    After ``budget`` seconds no further source is asked, so that a slow one does not cost the results of the others.
    What a source yielded before it failed is kept.

    :raises UpstreamError: when no source answers.
    """
    answers: list[T] = []
    failures: dict[str, str] = {}
    last_error: UpstreamError | None = None
    deadline = time.monotonic() + budget
    for source, name in named.items():
        if time.monotonic() > deadline:
            failures[name] = _("The others took too long.")
            continue
        try:
            answers.extend(fetch(source))
        except UpstreamError as failure:
            failures[name], last_error = str(failure), failure
    if last_error is not None and not answers:
        raise last_error
    return answers, failures


def on_behalf_of(row: Widget, source: Source) -> dict[str, Any]:
    """Return the arguments of a request to a host that people name: the widget's hub, and its key for the host.

    The hub has a circuit breaker of its own for the host.

    :raises NeedsSetup: when the key cannot be decrypted.
    """
    if source.account or source.forge not in HOSTED:
        return {}
    owner = {"owner": f"hub:{row.hub_id}"}
    if source.forge != "gitlab":
        return owner
    return {**owner, "key": key_for(row, f"https://{source.name.partition('/')[0]}")}


def _is_listed(clients: Clients, source: Source) -> bool:
    return not (source.account and source.forge == "gitlab") or clients.gitlab.lists_people


def _ask_one(clients: Clients, source: Source, method: str, more: Mapping[str, Any]) -> Tickets:
    client = getattr(clients, source.forge)
    fetch: Callable[..., Tickets] = getattr(client, f"{method}_of" if source.account else method)
    return fetch(source.name, **more)


def _joined(answers: Sequence[Tickets]) -> Tickets:
    tickets = listed(ticket for answer in answers for ticket in answer.items)
    total = sum(answer.total for answer in answers)
    return Tickets(tickets.items[:KEPT], max(total, tickets.total), any(answer.least for answer in answers))


def is_by(ticket: Ticket, people: Iterable[str]) -> bool:
    """Return whether one of ``people`` (in lower case) filed a ticket or is assigned to it."""
    return any(name.lower() in people for name in (ticket.author, *ticket.assignees))
