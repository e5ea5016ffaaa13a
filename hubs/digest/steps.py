"""A newcomer's first steps, each of which is done once rows and messages say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from hubs.models import Hub, MessagePerson, Role, User, now
from hubs.models.hub_fields import HUB_FIELDS
from hubs.permissions import FOLLOWS, INSIDE, Person, visible

#: Suggested teams, and teams whose own first steps are shown.
SUGGESTED, PATHS = 4, 2
#: How many steps there are.
NUMBER = 3
#: How far back shared messages count as a common interest.
_RECENT = timedelta(days=90)
_FIRST_STEPS = next(field for field in HUB_FIELDS if field.name == "first_steps")


@dataclass(frozen=True)
class Path:
    """A team's own first steps, in Markdown."""

    hub: Hub
    text: str


@dataclass(frozen=True)
class Steps:
    """Which steps are done, the teams that a person may want to follow, and the steps that their teams ask for."""

    follows: bool
    profile: bool
    task: bool
    suggestions: tuple[Hub, ...] = ()
    paths: tuple[Path, ...] = ()

    @property
    def done(self) -> int:
        """How many steps are done."""
        return self.follows + self.profile + self.task


def steps(session: Session, person: Person, user: User, suggestions: int = SUGGESTED) -> Steps:
    """Return a person's first steps, in five queries at most."""
    followed = _followed_teams(session, user)
    texts = [Path(hub, str(_FIRST_STEPS.get(hub))) for hub in followed if _FIRST_STEPS.get(hub)]
    acted = select(MessagePerson.message_id).where(
        # What people do here makes messages too, but is no task.
        MessagePerson.username == person.username,
        MessagePerson.category != "hubs",
        MessagePerson.hub_id.is_(None),
    )
    return Steps(
        follows=bool(followed),
        profile=bool(user.fullname and (user.locale or user.timezone not in ("", "UTC"))),
        task=session.scalar(acted.limit(1)) is not None,
        suggestions=tuple(_suggested(session, person, suggestions)),
        paths=tuple(texts[:PATHS]),
    )


def _followed_teams(session: Session, user: User) -> Sequence[Hub]:
    # Not `role.hub` of each role, which is a query for every team that the page has not read, such as archived ones.
    mine = select(Role.hub_id).where(Role.user_id == user.id, Role.role.in_(FOLLOWS))
    return session.scalars(select(Hub).where(Hub.id.in_(mine), Hub.kind != "user").order_by(Hub.id)).all()


def _suggested(session: Session, person: Person, limit: int) -> Sequence[Hub]:
    """Return teams that the person does not follow: those with whose people they share messages, then active ones."""
    others = select(Hub).where(Hub.kind != "user", Hub.archived.is_(False), visible(person))
    others = others.where(Hub.id.not_in(list(person.roles)))
    active = others.order_by(Hub.last_activity.desc().nulls_last(), Hub.id).limit(limit)
    shared = _shared(session, person)
    interesting = session.scalars(others.where(Hub.id.in_(shared))).all() if shared else []
    ranked = sorted(interesting, key=lambda hub: (-shared[hub.id], hub.id))
    return list(dict.fromkeys([*ranked, *session.scalars(active)]))[:limit]


def _shared(session: Session, person: Person) -> dict[int, int]:
    """Return how many messages a person shares with each team's people."""
    theirs, mine = aliased(MessagePerson), MessagePerson
    query = (
        select(Role.hub_id, func.count(mine.message_id.distinct()))
        .select_from(mine)
        .join(theirs, and_(theirs.message_id == mine.message_id, theirs.received_at == mine.received_at))
        .join(User, User.username == theirs.username)
        .join(Role, Role.user_id == User.id)
        .where(mine.username == person.username, mine.received_at >= now() - _RECENT, mine.hub_id.is_(None))
        .where(User.id != person.id, Role.role.in_(INSIDE))
        .group_by(Role.hub_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}
