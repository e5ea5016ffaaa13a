"""The newest activities that a person may see, whichever hubs they are about, each with a team of its people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from hubs.models import Hub, MessagePerson, Role, StoredMessage, User
from hubs.permissions import INSIDE, Person, hides_from, names_any, visible
from hubs.widgets.feed.cards import SHOWN, Item, items_of

#: Newest messages that are searched: further back only programs that are nobody's account may have been active.
SEARCHED = 400


@dataclass(frozen=True)
class Line:
    """An activity and, if its people belong to a team that the person may see, that team."""

    item: Item
    hub: Hub | None


def newest(session: Session, person: Person, limit: int, after: int = 0) -> list[Line]:
    """Return the newest activities of accounts, newest first; only those with a larger id than ``after``."""
    recent = select(StoredMessage.id).order_by(StoredMessage.received_at.desc(), StoredMessage.id.desc())
    recent = recent.where(StoredMessage.hub_id.is_(None)).limit(SEARCHED)
    query = select(*SHOWN).where(StoredMessage.id.in_(recent), StoredMessage.id > after, _of_accounts())
    query = query.where(*shown_to(person)).order_by(StoredMessage.received_at.desc(), StoredMessage.id.desc())
    items = items_of(session, session.execute(query.limit(limit)).all())
    teams = teams_of(session, person, {name for item in items for name in item.people})
    return [Line(item, next((teams[name] for name in item.people if name in teams), None)) for item in items]


def shown_to(person: Person) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on `StoredMessage` that leave out what a person may not see anywhere."""
    # Messages about a hidden hub are deleted or stored without names; this covers the time until that is done.
    hidden = select(Hub.id).where(Hub.id == StoredMessage.about_hub_id, ~visible(person))
    return StoredMessage.hub_id.is_(None), ~hidden.exists(), ~names_any(StoredMessage.id, hides_from(person))


def teams_of(session: Session, person: Person, usernames: Iterable[str]) -> dict[str, Hub]:
    """Return one visible team for each of these accounts that has one: the most recently active."""
    query = (
        select(User.username, Hub)
        .join(Role, Role.user_id == User.id)
        .join(Hub, Hub.id == Role.hub_id)
        .where(User.username.in_(sorted(usernames)), Role.role.in_(INSIDE))
        .where(Hub.kind != "user", Hub.archived.is_(False), visible(person))
        .order_by(Hub.last_activity.desc().nulls_last(), Hub.id)
    )
    teams: dict[str, Hub] = {}
    for username, hub in session.execute(query):
        teams.setdefault(username, hub)
    return teams


def last_of_teams(session: Session, person: Person, hubs: Sequence[Hub], since: datetime) -> dict[int, list[Item]]:
    """Return up to three of the newest activities of each of a few teams' people, newest first, by hub id."""
    return {hub.id: _last(session, person, hub, since) for hub in hubs}


def _last(session: Session, person: Person, hub: Hub, since: datetime) -> list[Item]:
    members = select(User.username).join(Role, Role.user_id == User.id)
    members = members.where(Role.hub_id == hub.id, Role.role.in_(INSIDE), ~hides_from(person))
    named = select(MessagePerson.message_id).where(
        MessagePerson.username.in_(members), MessagePerson.received_at >= since
    )
    query = select(*SHOWN).where(StoredMessage.id.in_(named), *shown_to(person))
    newest_first = query.order_by(StoredMessage.received_at.desc(), StoredMessage.id.desc()).limit(3)
    return items_of(session, session.execute(newest_first).all())


def _of_accounts() -> ColumnElement[bool]:
    named = select(MessagePerson.message_id).join(User, User.username == MessagePerson.username)
    return named.where(MessagePerson.message_id == StoredMessage.id).exists()
