"""Notifications about messages of the bus, and subjects that messages report as finished.

A message is delivered to the people whom its activity concerns directly: assignees, reviewers, people mentioned in a
comment, and owners of a build or update. Other people whom it names are told if they follow a hub of the agent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, aliased

from hubs.actions.inbox import items
from hubs.actions.inbox.items import Delivery
from hubs.activities.activity import Activity
from hubs.models import Hub, Notice, NoticeKind, NoticeReason, Role, StoredMessage, User, Visibility
from hubs.permissions import FOLLOWS, INSIDE

#: Messages whose notifications are looked up in one query.
BATCH = 50
#: Activities that finish a subject for everybody.
FINISHED = frozenset(
    (
        "issue.closed",
        "issue.deleted",
        "pull.merged",
        "pull.closed",
        "pull.deleted",
        "bug.closed",
        "update.pushed_to_stable",
        "update.obsoleted",
        "update.unpushed",
        "build.complete",
    )
)
#: Activities after which nobody is assigned any more.
_UNASSIGNED = frozenset(("issue.unassigned", "pull.unassigned"))
_ASSIGNED = frozenset(("issue.assigned", "pull.assigned"))
#: Activities by which a person does what they were asked for.
_REVIEWS = frozenset(("pull.approved", "pull.changes_requested", "pull.reviewed"))
_COMMENTS = frozenset(("issue.commented", "pull.commented", "commit.commented", "bug.commented", "update.commented"))
_ROLES = ("member.", "project.member_")
#: Activities of which the actor is told: what happened to their build or update, and whether they are expected to act.
_YOURS = {
    "build.failed": True,
    "build.canceled": False,
    "update.ejected": True,
    "update.karma_reached": False,
    "update.ready_for_stable": True,
    "update.ready_for_tests": False,
    "update.pushed_to_stable": False,
    "update.pushed_to_testing": False,
}
#: Reasons for which no common hub is needed: the notification is about the person's own hub then.
_DIRECT = frozenset((NoticeReason.ASSIGNED, NoticeReason.REVIEW_REQUESTED, NoticeReason.MENTIONED, NoticeReason.YOURS))
_LONGEST_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class Heard:
    """A stored message: its id, the account that acts, and everybody it names."""

    msg_id: str
    actor: str
    people: frozenset[str]
    activity: Activity | None = None
    #: The accounts that its text mentions as ``@name``.
    mentioned: frozenset[str] = field(default_factory=frozenset)

    @property
    def verb(self) -> str:
        """The verb of its activity; empty if no reader understands it."""
        return self.activity.verb if self.activity else ""

    @property
    def subject(self) -> str:
        """The thread that it belongs to."""
        return subject_of(self.activity) if self.activity else f"message:{self.msg_id}"


@dataclass(frozen=True, slots=True)
class _Recipient:
    heard: Heard
    username: str
    reason: NoticeReason
    needs_you: bool


def note(session: Session, messages: Sequence[Heard]) -> list[Notice]:
    """Notify the people whom messages concern, in the order of the messages; return the notifications.

    Messages that also name somebody who hides their activity are left out.
    """
    notices: list[Notice] = []
    # In parts, since a flood of messages could make one query with thousands of names.
    for start in range(0, len(messages), BATCH):
        notices += _note(session, messages[start : start + BATCH])
    return notices


def subject_of(activity: Activity) -> str:
    """Return the thread of an activity: the same for all events about one issue, pull request or update.

    Builds of a package are one thread, so that a later build finishes a failed one.
    """
    thing = activity.thing
    host = urlsplit(thing.link).hostname or ""
    if activity.verb.startswith("build.") and activity.packages:
        text = f"build:{host}/{min(activity.packages)}"
    elif thing.number:
        text = f"{host}/{activity.project}{thing.number}"
    else:
        text = thing.link.partition("#")[0] or f"{thing.kind}:{activity.project}:{thing.title}"
    if len(text) > _LONGEST_SUBJECT:
        return f"sha256:{sha256(text.encode()).hexdigest()}"
    return text


def _note(session: Session, messages: Sequence[Heard]) -> list[Notice]:
    recipients = [recipient for heard in messages for recipient in _recipients(heard)]
    if not recipients and all(_finishes(heard) is None for heard in messages):
        return []
    deliveries = _deliveries(session, recipients)
    notices: list[Notice] = []
    pending: list[Delivery] = []
    # In order: an issue that is assigned and then closed needs nobody, one that is reopened and assigned again does.
    for heard in messages:
        pending += deliveries.get(heard.msg_id, ())
        if (finished := _finishes(heard)) is not None:
            notices += items.deliver(session, pending)
            pending = []
            items.resolve(session, finished, heard.actor)
    return notices + items.deliver(session, pending)


def _recipients(heard: Heard) -> Iterator[_Recipient]:
    """Yield whom a message concerns, each person once, for the most urgent reason."""
    others, target = heard.people - {heard.actor}, heard.activity.target if heard.activity else ""
    verb, told = heard.verb, set[str]()

    def recipient(username: str, reason: NoticeReason, *, needs_you: bool = False) -> Iterator[_Recipient]:
        if username and username not in told:
            told.add(username)
            yield _Recipient(heard, username, reason, needs_you)

    if target != heard.actor and verb == "pull.review_requested":
        yield from recipient(target, NoticeReason.REVIEW_REQUESTED, needs_you=True)
    if target != heard.actor and verb in _ASSIGNED:
        yield from recipient(target, NoticeReason.ASSIGNED, needs_you=True)
    for username in sorted(heard.mentioned - {heard.actor}):
        yield from recipient(username, NoticeReason.MENTIONED, needs_you=True)
    if verb in _YOURS and heard.activity:
        yield from recipient(heard.actor, NoticeReason.YOURS, needs_you=_YOURS[verb])
    if target in others and verb.startswith(_ROLES):
        yield from recipient(target, NoticeReason.ROLE_CHANGED)
    if heard.actor:
        is_comment = verb in _COMMENTS or verb in _REVIEWS
        for username in sorted(others):
            yield from recipient(username, NoticeReason.REPLIED if is_comment else NoticeReason.FOLLOWED)


def _finishes(heard: Heard) -> ColumnElement[bool] | None:
    """Return the condition on the open notifications that a message resolves, or None."""
    subject = and_(Notice.subject == heard.subject, Notice.needs_you.is_(True))
    if heard.verb in FINISHED:
        return subject
    if heard.verb in _UNASSIGNED:
        return and_(subject, Notice.reason == NoticeReason.ASSIGNED)
    answered = [NoticeReason.MENTIONED, NoticeReason.REVIEW_REQUESTED] if heard.verb in _REVIEWS else []
    answered += [NoticeReason.MENTIONED] if heard.verb in _COMMENTS else []
    if not answered or not heard.actor:
        return None
    actor = select(User.id).where(User.username == heard.actor).scalar_subquery()
    return and_(subject, Notice.user_id == actor, Notice.reason.in_(answered))


def _deliveries(session: Session, recipients: Sequence[_Recipient]) -> Mapping[str, list[Delivery]]:
    """Return the events to deliver, by the id of their message."""
    named = frozenset[str]().union(*({each.username, each.heard.actor, *each.heard.people} for each in recipients))
    named -= {""}
    if not named:
        return {}
    shared = _shared_hubs(session, {each.heard.actor for each in recipients}, named)
    own = _own_hubs(session, {each.username for each in recipients if each.reason in _DIRECT})
    hidden = set(session.scalars(select(User.username).where(User.username.in_(named), _hides())))
    msg_ids = {each.heard.msg_id for each in recipients}
    stored = select(StoredMessage.msg_id, StoredMessage.id).where(StoredMessage.msg_id.in_(msg_ids))
    numbers = {row.msg_id: row.id for row in session.execute(stored)}
    deliveries: dict[str, list[Delivery]] = {}
    for recipient in recipients:
        heard = recipient.heard
        place = shared.get((heard.actor, recipient.username))
        if place is None and recipient.reason in _DIRECT:
            place = own.get(recipient.username)
        names_hidden = ({heard.actor, *heard.people} - {recipient.username}) & hidden
        if place is not None and heard.msg_id in numbers and not names_hidden:
            delivery = _delivery(recipient, *place, numbers[heard.msg_id])
            deliveries.setdefault(heard.msg_id, []).append(delivery)
    return deliveries


def _delivery(recipient: _Recipient, user_id: int, hub_id: int, message_id: int) -> Delivery:
    heard, reason = recipient.heard, recipient.reason
    return Delivery(
        user_id,
        hub_id,
        NoticeKind.MENTION,
        reason,
        recipient.needs_you,
        heard.subject,
        about=heard.actor[:64],
        message_id=message_id,
    )


def _shared_hubs(
    session: Session, agents: Iterable[str], people: Iterable[str]
) -> dict[tuple[str, str], tuple[int, int]]:
    """Map (agent, named user) to the named account and a hub of the agent that it follows."""
    agent_user, agent_role = aliased(User), aliased(Role)
    query = (
        select(agent_user.username, User.username, User.id, Hub.id)
        .join(Role, Role.user_id == User.id)
        .join(Hub, Hub.id == Role.hub_id)
        .join(agent_role, agent_role.hub_id == Hub.id)
        .join(agent_user, agent_user.id == agent_role.user_id)
        .where(
            User.username.in_(people),
            agent_user.username.in_(agents),
            User.id != agent_user.id,
            Hub.archived.is_(False),
        )
        .where(agent_role.role.in_(INSIDE), Role.role.in_(FOLLOWS))
        .where(or_(Hub.visibility.in_((Visibility.PUBLIC, Visibility.SIGNED_IN)), Role.role.in_(INSIDE)))
        # Teams come before people's own hubs, since they say more about the context of a message.
        .order_by(Hub.kind == "user", Hub.id)
    )
    places: dict[tuple[str, str], tuple[int, int]] = {}
    for agent, username, user_id, hub_id in session.execute(query):
        places.setdefault((agent, username), (user_id, hub_id))
    return places


def _own_hubs(session: Session, people: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Map usernames to the account and its own hub."""
    query = select(User.username, User.id, Hub.id).join(Hub, and_(Hub.user_id == User.id, Hub.kind == "user"))
    rows = session.execute(query.where(User.username.in_(people), Hub.archived.is_(False)))
    return {username: (user_id, hub_id) for username, user_id, hub_id in rows}


def _hides() -> ColumnElement[bool]:
    return User.activity.not_in((Visibility.PUBLIC, Visibility.SIGNED_IN))
