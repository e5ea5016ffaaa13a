"""Notifications about messages of the bus, and subjects that messages report as finished.

A message is delivered to the people whom its activity concerns directly: assignees, reviewers, people mentioned in a
comment, and owners of a build or update. Other people whom it names are told if they follow a hub of the agent.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from urllib.parse import urlsplit

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, select
from sqlalchemy.orm import Session

from hubs.actions.inbox import items, places
from hubs.actions.inbox.items import Delivery
from hubs.activities.activity import Activity
from hubs.models import Notice, NoticeKind, NoticeReason, StoredMessage, User, Visibility

#: Messages whose notifications are looked up in one query.
BATCH = 200
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


@dataclass(frozen=True, slots=True)
class _Finish:
    """Which open notifications a message resolves: those of a subject, or only some of them."""

    subject: str
    #: Empty means any.
    reasons: tuple[NoticeReason, ...] = ()
    #: Empty means everybody's.
    username: str = ""

    def condition(self) -> ColumnElement[bool]:
        """Return the condition on `Notice`."""
        conditions = [Notice.subject == self.subject, Notice.needs_you.is_(True)]
        if self.reasons:
            conditions.append(Notice.reason.in_(self.reasons))
        if self.username:
            account = select(User.id).where(User.username == self.username).scalar_subquery()
            conditions.append(Notice.user_id == account)
        return and_(*conditions)


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
    finishes = {heard.msg_id: finish for heard in messages if (finish := _finishes(heard)) is not None}
    deliveries = _deliveries(session, recipients)
    # Most messages finish what nobody was notified of; one query for all of them is enough to know that.
    noticed = _open_subjects(session, {finish.subject for finish in finishes.values()})
    notices: list[Notice] = []
    pending: list[Delivery] = []
    # In order: an issue that is assigned and then closed needs nobody, one that is reopened and assigned again does.
    for heard in messages:
        new = deliveries.get(heard.msg_id, ())
        pending += new
        noticed.update(delivery.subject for delivery in new)
        finish = finishes.get(heard.msg_id)
        if finish is not None and finish.subject in noticed:
            notices += items.deliver(session, pending)
            pending = []
            items.resolve(session, finish.condition(), heard.actor)
    return notices + (items.deliver(session, pending) if pending else [])


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


def _finishes(heard: Heard) -> _Finish | None:
    """Return which open notifications a message resolves, or None."""
    if heard.verb in FINISHED:
        return _Finish(heard.subject)
    if heard.verb in _UNASSIGNED:
        return _Finish(heard.subject, (NoticeReason.ASSIGNED,))
    if not heard.actor:
        return None
    if heard.verb in _REVIEWS:
        return _Finish(heard.subject, (NoticeReason.MENTIONED, NoticeReason.REVIEW_REQUESTED), heard.actor)
    return _Finish(heard.subject, (NoticeReason.MENTIONED,), heard.actor) if heard.verb in _COMMENTS else None


def _open_subjects(session: Session, subjects: Collection[str]) -> set[str]:
    """Return those of ``subjects`` of which somebody has an open notification."""
    return set(session.scalars(_open_subjects_statement(), {"subjects": list(subjects)})) if subjects else set()


@cache
def _open_subjects_statement() -> Select[str]:
    subjects: BindParameter[str] = bindparam("subjects", expanding=True)
    return select(Notice.subject).where(Notice.done_on.is_(None), Notice.subject.in_(subjects)).distinct()


def _deliveries(session: Session, recipients: Sequence[_Recipient]) -> Mapping[str, list[Delivery]]:
    """Return the events to deliver, by the id of their message."""
    named = frozenset[str]().union(*({each.username, each.heard.actor, *each.heard.people} for each in recipients))
    named -= {""}
    if not named:
        return {}
    shared = places.shared(session, {(each.heard.actor, each.username) for each in recipients})
    own = places.own(session, {each.username for each in recipients if each.reason in _DIRECT})
    if not shared and not own:
        return {}
    hidden = set(session.scalars(_hidden_statement(), {"people": list(named)}))
    msg_ids = list({each.heard.msg_id for each in recipients})
    numbers = {row.msg_id: row.id for row in session.execute(_numbers_statement(), {"msg_ids": msg_ids})}
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


@cache
def _hidden_statement() -> Select[str]:
    hides = User.activity.not_in((Visibility.PUBLIC, Visibility.SIGNED_IN))
    return select(User.username).where(User.username.in_(bindparam("people", expanding=True)), hides)


@cache
def _numbers_statement() -> Select[str, int]:
    msg_ids: BindParameter[str] = bindparam("msg_ids", expanding=True)
    return select(StoredMessage.msg_id, StoredMessage.id).where(StoredMessage.msg_id.in_(msg_ids))
