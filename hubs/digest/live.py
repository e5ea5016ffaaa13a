"""The newest activities that a person may see, whichever hubs they are about, each with a team of its people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from hubs.models import Hub, MessagePerson, Role, StoredMessage, User, is_message, now
from hubs.permissions import INSIDE, Person, hides_from, names_any, visible
from hubs.widgets.feed.cards import SHOWN, Item, items_of, time_windows
from hubs.widgets.shared.messages import latest

#: Newest messages that are searched: further back only programs that are nobody's account may have been active.
SEARCHED = 400
#: Activities of each team on the front page.
LAST = 3


@dataclass(frozen=True)
class Line:
    """An activity and, if its people belong to a team that the person may see, that team."""

    item: Item
    hub: Hub | None


def newest(session: Session, person: Person, limit: int, after: int = 0) -> list[Line]:
    """Return the newest activities of accounts, newest first; only those with a larger id than ``after``."""
    recent = select(StoredMessage.id, StoredMessage.received_at).where(StoredMessage.hub_id.is_(None))
    recent_first = recent.order_by(StoredMessage.received_at.desc(), StoredMessage.id.desc())
    newest_first = recent_first.limit(SEARCHED).subquery()
    # Joined in this order, and by the time as well, PostgreSQL stops at the last line that is shown, and looks at no
    # other months.
    same = is_message(newest_first.c.id, newest_first.c.received_at)
    query = select(*SHOWN).select_from(newest_first).join(StoredMessage, same)
    query = query.where(StoredMessage.id > after, _of_accounts(), *shown_to(person))
    query = query.order_by(newest_first.c.received_at.desc(), newest_first.c.id.desc())
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
    """Return up to `LAST` of the newest activities of each of a few teams' people, newest first, by hub id."""
    places: dict[int, list[Any]] = {hub.id: [] for hub in hubs}
    # Further back only for teams that the recent past does not fill: all messages about many people would be sorted.
    for start in time_windows(now()):
        missing = [hub_id for hub_id, rows in places.items() if len(rows) < LAST]
        begin = max(start, since)
        if missing:
            newest_rows = session.execute(_last(person, missing, begin)).all()
            places |= {hub_id: [row for row in newest_rows if row.team == hub_id] for hub_id in missing}
        if begin == since:
            break
    shown = {row.id: row for row in chain(*places.values())}
    items = {item.id: item for item in items_of(session, list(shown.values()))}
    return {hub_id: [items[row.id] for row in rows] for hub_id, rows in places.items()}


def _last(person: Person, hub_ids: Sequence[int], since: datetime) -> Select[Any]:
    """Return the query for the newest activities of teams' people since a time, with the team's id as ``team``."""
    members = select(Role.hub_id.label("team"), MessagePerson.message_id, MessagePerson.received_at)
    members = members.join(User, User.id == Role.user_id).join(MessagePerson, MessagePerson.username == User.username)
    members = members.where(Role.hub_id.in_(hub_ids), Role.role.in_(INSIDE), ~hides_from(person))
    named = members.where(MessagePerson.received_at.between(since, latest())).distinct().subquery()
    newest_first = (StoredMessage.received_at.desc(), StoredMessage.id.desc())
    place = func.row_number().over(partition_by=named.c.team, order_by=newest_first).label("place")
    shown = select(*SHOWN, named.c.team, place).join(named, is_message(named.c.message_id, named.c.received_at))
    ranked = shown.where(StoredMessage.received_at.between(since, latest()), *shown_to(person)).subquery()
    return select(ranked).where(ranked.c.place <= LAST).order_by(ranked.c.place)


def _of_accounts() -> ColumnElement[bool]:
    named = select(MessagePerson.message_id).join(User, User.username == MessagePerson.username)
    return named.where(is_message(MessagePerson.message_id, MessagePerson.received_at)).exists()
