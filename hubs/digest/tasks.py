"""Open tasks: what people called for help with in meetings, the team that it belongs to, and who works on it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from hubs.digest.live import shown_to, teams_of
from hubs.models import HelpClaim, Hub, MessagePerson, StoredMessage, User, now
from hubs.permissions import Person, hides_from
from hubs.widgets.halp.requests import ENDS, Request, request_of

#: Days for which a call for help counts as open, and most that are read.
OPEN_DAYS, READ = 30, 60


@dataclass(frozen=True)
class Claim:
    """Who offered to help; without a name for viewers who may not see that person's activity."""

    username: str
    name: str
    is_mine: bool


@dataclass(frozen=True)
class Task:
    """A call for help, the team of somebody whom it names, who works on it, and the name of the caller."""

    request: Request
    hub: Hub | None
    claim: Claim | None = None
    asker: str = ""


def tasks(session: Session, person: Person) -> list[Task]:
    """Return the open tasks that a person may see, newest first.

    What the person works on comes first, then the tasks of their own hubs; what others work on comes last.
    """
    query = _calls(person).where(StoredMessage.sent_at >= now() - timedelta(days=OPEN_DAYS))
    query = query.order_by(StoredMessage.sent_at.desc(), StoredMessage.id.desc()).limit(READ)
    distinct: dict[str, Task] = {}
    for task in _tasks(session, person, query):
        key = task.request.line.casefold()
        # The same call in two meetings is one task, and somebody may have offered to help with either.
        if key not in distinct or (task.claim and not distinct[key].claim):
            distinct[key] = task
    return sorted(distinct.values(), key=lambda task: _rank(task, person))


def task(session: Session, person: Person, message_id: int) -> Task | None:
    """Return one call for help of any age; None if there is none that the person may see."""
    return next(iter(_tasks(session, person, _calls(person).where(StoredMessage.id == message_id))), None)


def is_call() -> ColumnElement[bool]:
    """Return the condition on `StoredMessage` that it is a call for help."""
    return or_(*((StoredMessage.category == name) & StoredMessage.topic.like(end) for name, end in ENDS.items()))


def _calls(person: Person) -> Select[*tuple[Any, ...]]:
    """Return the query for calls for help that a person may see, with who works on each and whether they hide it."""
    claimant = (User.id, User.username, User.fullname, User.unlisted, hides_from(person).label("hidden"))
    query = select(StoredMessage, *claimant).outerjoin(HelpClaim, HelpClaim.message_id == StoredMessage.id)
    return query.outerjoin(User, User.id == HelpClaim.user_id).where(is_call(), *shown_to(person))


def _tasks(session: Session, person: Person, query: Select[*tuple[Any, ...]]) -> list[Task]:
    calls = [
        (request, _claim(person, row)) for row in session.execute(query) if (request := request_of(row[0])) is not None
    ]
    named = select(MessagePerson.message_id, MessagePerson.username, User.fullname, User.unlisted)
    named = named.outerjoin(User, User.username == MessagePerson.username)
    named = named.where(MessagePerson.message_id.in_([request.key for request, _claim in calls]))
    people: dict[int, list[str]] = {}
    fullnames: dict[str, str] = {}
    for message_id, username, fullname, unlisted in session.execute(named.order_by(MessagePerson.username)):
        people.setdefault(message_id, []).append(username)
        fullnames[username] = "" if unlisted else fullname or ""
    teams = teams_of(session, person, {name for names in people.values() for name in names})
    return [
        Task(
            request,
            next((teams[name] for name in people.get(request.key, ()) if name in teams), None),
            claim,
            fullnames.get(request.nick) or request.nick,
        )
        for request, claim in calls
    ]


def _claim(person: Person, row: Any) -> Claim | None:
    if row.username is None:
        return None
    if row.hidden:
        return Claim("", "", False)
    name = row.username if row.unlisted else row.fullname or row.username
    return Claim(row.username, name, row.id == person.id)


def _rank(task: Task, person: Person) -> tuple[bool, bool, bool]:
    is_mine = task.claim is not None and task.claim.is_mine
    return not is_mine, task.claim is not None, not (task.hub and task.hub.id in person.roles)
