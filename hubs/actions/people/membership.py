"""Becoming a member: by request, at once where the hub is open, or by invitation."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from hubs.actions import outbox
from hubs.actions.people import notifications, roles
from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import (
    AuditEntry,
    Hub,
    Invitation,
    JoinMode,
    JoinRequest,
    NoticeKind,
    RequestState,
    RoleName,
    User,
    now,
)
from hubs.models.people.membership import INVITED
from hubs.permissions import INSIDE, Person, require

#: Longest message or note in characters; most requests and most invitations that wait at one hub.
LENGTH, WAITING = 2000, 500


def join(session: Session, who: Person, hub: Hub, message: str = "") -> bool:
    """Ask to become a member; return True where the hub is open and the person is one at once."""
    require(who, "join", hub)
    user = session.get_one(User, who.id)
    if hub.join_mode == JoinMode.OPEN:
        roles.grant_role_unchecked(session, who.username, hub, user, RoleName.MEMBER)
        _forget(session, hub, user)
        return True
    message = _text(message, "message")
    request = session.get(JoinRequest, (hub.id, user.id))
    if request is None:
        _check_room(session, JoinRequest, hub)
        request = JoinRequest(hub_id=hub.id, user_id=user.id)
        session.add(request)
    elif request.state == RequestState.PENDING:
        raise Conflict(_("You have already asked, and the owners have not answered yet."))
    request.message, request.state, request.note, request.decided_by = message, RequestState.PENDING, "", ""
    request.created_on, request.decided_on = now(), None
    notifications.tell(session, hub, NoticeKind.JOIN_REQUEST, hub.people(RoleName.OWNER), who.username)
    _note(session, who, "hubs.request.created", hub, user)
    return False


def withdraw(session: Session, who: Person, hub: Hub) -> None:
    """Take back one's own request to join, or put away the answer to it."""
    request = session.get(JoinRequest, (hub.id, who.id)) if who.signed_in else None
    if request is None:
        raise NotFound(_("You have not asked to join this hub."))
    session.delete(request)
    notifications.settle(session, hub, NoticeKind.JOIN_REQUEST, who.username)
    session.flush()


def answer(session: Session, who: Person, hub: Hub, user: User, *, approve: bool, note: str = "") -> None:
    """Approve or deny a request as an owner, with a note to the person."""
    require(who, "edit", hub)
    note = _text(note, "note")
    request = session.get(JoinRequest, (hub.id, user.id), with_for_update=True)
    if request is None or request.state != RequestState.PENDING:
        raise Conflict(_("The request of %(username)s has already been answered.") % {"username": user.username})
    request.state = RequestState.APPROVED if approve else RequestState.DENIED
    request.note, request.decided_by, request.decided_on = note, who.username, now()
    _note(session, who, "hubs.request.approved" if approve else "hubs.request.denied", hub, user)
    if approve:
        roles.grant_role_unchecked(session, who.username, hub, user, RoleName.MEMBER)
    notifications.settle(session, hub, NoticeKind.JOIN_REQUEST, user.username)
    notifications.tell(session, hub, NoticeKind.APPROVED if approve else NoticeKind.DENIED, [user], who.username)


def invite(session: Session, who: Person, hub: Hub, user: User, role: RoleName, message: str = "") -> Invitation:
    """Offer a role to a person as an owner; a newer invitation replaces an older one."""
    require(who, "edit", hub)
    if hub.kind == "user":
        raise InvalidInput(_("A person's hub has no members."))
    if role not in INSIDE:
        raise InvalidInput(
            _("People can be invited as members or owners."), {"role": _("Please choose member or owner.")}
        )
    if hub.group_name and role == RoleName.MEMBER:
        raise Conflict(
            _("Membership is managed by the group %(group_name)s: add the person there.")
            % {"group_name": hub.group_name}
        )
    if any(held.user_id == user.id and held.role == role for held in hub.roles):
        raise Conflict(_("%(username)s already has this role.") % {"username": user.username})
    invitation = session.get(Invitation, (hub.id, user.id))
    if invitation is None:
        _check_room(session, Invitation, hub)
        invitation = Invitation(hub_id=hub.id, user_id=user.id)
        session.add(invitation)
    invitation.role, invitation.message, invitation.invited_by = role, _text(message, "message"), who.username
    invitation.created_on, invitation.expires_on = now(), now() + INVITED
    notifications.settle(session, hub, NoticeKind.INVITATION, user=user)
    notifications.tell(session, hub, NoticeKind.INVITATION, [user], who.username)
    _note(session, who, "hubs.invitation.created", hub, user, role=role.value)
    return invitation


def take_back(session: Session, who: Person, hub: Hub, user: User) -> None:
    """Take an invitation back as an owner."""
    require(who, "edit", hub)
    invitation = session.get(Invitation, (hub.id, user.id))
    if invitation is None:
        raise NotFound(_("%(username)s is not invited.") % {"username": user.username})
    session.delete(invitation)
    notifications.settle(session, hub, NoticeKind.INVITATION, user=user)
    _note(session, who, "hubs.invitation.removed", hub, user, role=invitation.role.value)
    session.flush()


def respond(session: Session, who: Person, hub_id: int, *, accept: bool) -> Hub:
    """Accept or decline one's own invitation, also to a hub that one cannot see yet; return the hub.

    :raises NotFound: when there is none that is still good.
    :raises Conflict: when it cannot be accepted any more, as when who sent it no longer owns the hub.
    """
    invitation = session.get(Invitation, (hub_id, who.id), with_for_update=True) if who.signed_in else None
    if invitation is None or invitation.expires_on < now() or invitation.hub.deleted_on is not None:
        raise NotFound(_("There is no such invitation, or it has expired. Ask an owner for a new one."))
    hub, role, invited_by = invitation.hub, invitation.role, invitation.invited_by
    if accept and hub.archived:
        raise Conflict(_("%(hub)s is archived and accepts no new people.") % {"hub": hub.title})
    if accept and invited_by not in [owner.username for owner in hub.people(RoleName.OWNER)]:
        raise Conflict(
            _("%(username)s, who invited you, does not own this hub any more. Ask an owner for a new invitation.")
            % {"username": invited_by}
        )
    user = session.get_one(User, who.id)
    session.delete(invitation)
    notifications.settle(session, hub, NoticeKind.INVITATION, user=user)
    what = "hubs.invitation.accepted" if accept else "hubs.invitation.declined"
    _note(session, who, what, hub, user, role=role.value, invited_by=invited_by)
    if accept:
        roles.grant_role_unchecked(session, who.username, hub, user, role)
        _forget(session, hub, user)
    session.flush()
    return hub


def requests(session: Session, hub: Hub) -> list[JoinRequest]:
    """Return the requests that wait for an answer, oldest first."""
    query = select(JoinRequest).options(joinedload(JoinRequest.user)).order_by(JoinRequest.created_on)
    return list(session.scalars(query.where(JoinRequest.hub_id == hub.id, JoinRequest.state == RequestState.PENDING)))


def invitations(session: Session, hub: Hub) -> list[Invitation]:
    """Return the invitations to a hub that can still be accepted, newest first."""
    query = select(Invitation).options(joinedload(Invitation.user)).order_by(Invitation.created_on.desc())
    return list(session.scalars(query.where(Invitation.hub_id == hub.id, Invitation.expires_on > now())))


def mine(session: Session, who: Person) -> tuple[list[JoinRequest], list[Invitation]]:
    """Return a person's own requests and the invitations that can still be accepted, newest first."""
    asked = select(JoinRequest).options(joinedload(JoinRequest.hub)).where(JoinRequest.user_id == who.id)
    offered = select(Invitation).options(joinedload(Invitation.hub)).where(Invitation.user_id == who.id)
    offered = offered.where(Invitation.expires_on > now()).order_by(Invitation.created_on.desc())
    return (
        list(session.scalars(asked.order_by(JoinRequest.created_on.desc()))),
        [one for one in session.scalars(offered) if one.hub.deleted_on is None],
    )


def _note(session: Session, who: Person, action: str, hub: Hub, user: User, **more: str) -> None:
    """Write it into the audit log; the bus, which everybody hears, is told of roles alone."""
    session.add(
        AuditEntry(
            agent=who.username,
            origin=session.info.get(outbox.ORIGIN, ""),
            action=action,
            hub_id=hub.id,
            hub_name=hub.name,
            detail={"username": user.username, **more},
        )
    )


def _forget(session: Session, hub: Hub, user: User) -> None:
    """Forget a request that is answered by the person having become a member."""
    request = session.get(JoinRequest, (hub.id, user.id))
    if request is not None and request.state == RequestState.PENDING:
        session.delete(request)
        notifications.settle(session, hub, NoticeKind.JOIN_REQUEST, user.username)
        session.flush()


def _check_room(session: Session, table: type[JoinRequest] | type[Invitation], hub: Hub) -> None:
    if (session.scalar(select(func.count()).where(table.hub_id == hub.id)) or 0) >= WAITING:
        raise Conflict(_("Too many requests are waiting already. Please ask an owner to answer some of them first."))


def _text(text: str, name: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > LENGTH or "\0" in text:
        sentence = _("This is %(length)d characters long; at most %(limit)d are possible.")
        sentence %= {"length": len(text), "limit": LENGTH}
        raise InvalidInput(sentence, {name: sentence})
    return text
