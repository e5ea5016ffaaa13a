"""Open tasks: what people called for help with in meetings, with a team that it belongs to."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hubs.digest.live import shown_to, teams_of
from hubs.models import Hub, MessagePerson, StoredMessage, now
from hubs.permissions import Person
from hubs.widgets.halp.requests import ENDS, Request, request_of

#: Days for which a call for help counts as open, and most that are read.
OPEN_DAYS, READ = 30, 60


@dataclass(frozen=True)
class Task:
    """A call for help, and the team of somebody whom it names."""

    request: Request
    hub: Hub | None


def tasks(session: Session, person: Person) -> list[Task]:
    """Return the open tasks that a person may see, newest first; tasks of the person's own hubs come first."""
    topics = or_(*((StoredMessage.category == name) & StoredMessage.topic.like(end) for name, end in ENDS.items()))
    query = select(StoredMessage).where(topics, StoredMessage.sent_at >= now() - timedelta(days=OPEN_DAYS))
    query = query.where(*shown_to(person)).order_by(StoredMessage.sent_at.desc(), StoredMessage.id.desc()).limit(READ)
    requests = [request for message in session.scalars(query) if (request := request_of(message)) is not None]
    named = select(MessagePerson.message_id, MessagePerson.username)
    named = named.where(MessagePerson.message_id.in_([request.key for request in requests]))
    people: dict[int, list[str]] = {}
    for message_id, username in session.execute(named.order_by(MessagePerson.username)):
        people.setdefault(message_id, []).append(username)
    teams = teams_of(session, person, {name for names in people.values() for name in names})
    distinct: dict[str, Task] = {}
    for request in requests:
        hub = next((teams[name] for name in people.get(request.key, ()) if name in teams), None)
        distinct.setdefault(request.line.casefold(), Task(request, hub))
    return sorted(distinct.values(), key=lambda task: not (task.hub and task.hub.id in person.roles))
