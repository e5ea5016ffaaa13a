"""Offers to help with what somebody called for help with in a meeting: made, confirmed, withdrawn, and ended by time.

Whoever called for help is told. After ten idle days the helper is reminded, and four days later the call is open again.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from hubs.actions import outbox
from hubs.actions.inbox import items
from hubs.actions.inbox.items import Delivery
from hubs.activities.activity import Activity
from hubs.digest.live import shown_to
from hubs.digest.tasks import is_call
from hubs.errors import Conflict, NotFound
from hubs.i18n import _
from hubs.models import AuditEntry, HelpClaim, Hub, MessagePerson, Notice, NoticeKind, StoredMessage, User, now
from hubs.permissions import Person, hides_from, require
from hubs.widgets.halp.requests import OFFERS

#: Time after which an idle helper is reminded, and from then until the call is open again.
IDLE, GRACE = timedelta(days=10), timedelta(days=4)
#: Most offers of a person at the same time.
MOST = 20
#: Most offers that one turn of the timer reminds of or ends.
BATCH = 200


def offer(session: Session, person: Person, message_id: int) -> HelpClaim:
    """Offer to help with a call, or confirm an offer: the ten days begin again.

    :raises NotFound: if there is no such call that the person may see.
    :raises Conflict: if somebody else works on it, or the person has made too many offers.
    """
    require(person, "help")
    message = session.scalars(
        select(StoredMessage).where(StoredMessage.id == message_id, is_call(), *shown_to(person))
    ).first()
    if message is None:
        raise NotFound(_("There is no such call for help, or you may not see it."))
    claim = _locked(session, message_id) or _create(session, person, message_id)
    if claim.user_id != person.id:
        raise Conflict(_("%(username)s is already working on this.") % {"username": _name(session, person, claim)})
    claim.touched_on, claim.reminded_on = now(), None
    items.resolve(session, _reminder(claim), "")
    session.flush()
    return claim


def withdraw(session: Session, person: Person, message_id: int) -> None:
    """Withdraw an offer of the person, and tell who called for help.

    :raises NotFound: if the person has made none.
    """
    require(person, "help")
    claim = _locked(session, message_id)
    if claim is None or claim.user_id != person.id:
        raise NotFound(_("You are not working on this."))
    _end(session, claim, "withdrawn")


def keep_up(session: Session) -> tuple[int, int]:
    """Remind helpers who have been idle for ten days, and end offers four days after that; return how many of each."""
    query = select(HelpClaim).options(joinedload(HelpClaim.user)).order_by(HelpClaim.message_id).limit(BATCH)
    ended = session.scalars(query.where(HelpClaim.reminded_on <= now() - GRACE)).all()
    for claim in ended:
        _end(session, claim, "ended")
    idle = session.scalars(query.where(HelpClaim.touched_on <= now() - IDLE, HelpClaim.reminded_on.is_(None))).all()
    for claim in idle:
        claim.reminded_on = now()
        _tell(session, claim, [claim.user], NoticeKind.HELP_REMINDER)
    return len(idle), len(ended)


def _create(session: Session, person: Person, message_id: int) -> HelpClaim:
    number = select(func.count()).select_from(HelpClaim).where(HelpClaim.user_id == person.id)
    if (session.scalar(number) or 0) >= MOST:
        raise Conflict(_("You can work on at most %(most)s calls for help. Withdraw an offer first.") % {"most": MOST})
    claim = HelpClaim(message_id=message_id, user_id=person.id)
    try:
        with session.begin_nested():
            session.add(claim)
    except IntegrityError:  # somebody else offered at the same time
        claim = session.get_one(HelpClaim, message_id)
    if claim.user_id == person.id:
        _tell(session, claim, _callers(session, claim), NoticeKind.HELP_OFFERED)
        _record(session, claim, person.username, "offered")
    return claim


def _end(session: Session, claim: HelpClaim, how: str) -> None:
    """Remove an offer; tell who called for help and, if time ended it, the helper."""
    items.resolve(session, _reminder(claim), "")
    _tell(session, claim, _callers(session, claim), NoticeKind.HELP_FREED)
    if how == "ended":
        _tell(session, claim, [claim.user], NoticeKind.HELP_FREED)
    _record(session, claim, claim.user.username if how == "withdrawn" else "", how)
    session.delete(claim)
    session.flush()


def _tell(session: Session, claim: HelpClaim, people: Sequence[User], kind: NoticeKind) -> None:
    """Notify people on their own hubs, since a call belongs to no hub."""
    reason, needs_you = items.OWN[kind]
    users = {user.id: user for user in people}
    hubs = session.execute(select(Hub.user_id, Hub.id).where(Hub.kind == "user", Hub.user_id.in_(users)))
    items.deliver(
        session,
        [
            Delivery(
                user_id,
                hub_id,
                kind,
                reason,
                needs_you,
                _subject(claim.message_id),
                about="" if user_id == claim.user_id else claim.user.username,
                message_id=claim.message_id,
            )
            for user_id, hub_id in hubs
            if user_id is not None
        ],
    )


def _callers(session: Session, claim: HelpClaim) -> list[User]:
    """Return the account that called for help, if the message names one and it is not the helper."""
    activity = Activity.from_row(claim.message.activity)
    named = select(MessagePerson.username).where(MessagePerson.message_id == claim.message_id)
    query = select(User).where(User.username == (activity.actor if activity else ""), User.username.in_(named))
    return list(session.scalars(query.where(User.id != claim.user_id)))


def _reminder(claim: HelpClaim) -> ColumnElement[bool]:
    return and_(Notice.subject == _subject(claim.message_id), Notice.kind == NoticeKind.HELP_REMINDER)


def _subject(message_id: int) -> str:
    return f"help:{message_id}"


def _name(session: Session, person: Person, claim: HelpClaim) -> str:
    query = select(User.username).where(User.id == claim.user_id, ~hides_from(person))
    return session.scalar(query) or _("Somebody")


def _locked(session: Session, message_id: int) -> HelpClaim | None:
    return session.get(HelpClaim, message_id, with_for_update=True, populate_existing=True)


def _record(session: Session, claim: HelpClaim, agent: str, act: str) -> None:
    """Write the audit log, and rebuild the widgets that show who helps; the bus, which is public, is told no names."""
    outbox.publish(session, OFFERS, {"message_id": claim.message_id})
    detail = {"message": claim.message_id, "username": claim.user.username}
    origin = session.info.get(outbox.ORIGIN, "")
    action = f"hubs.help.{act}"
    session.add(AuditEntry(agent=agent, origin=origin, action=action, hub_id=None, detail=detail))
