"""Ways to become a member: by request, by joining an open hub, or by invitation."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from hubs.actions import outbox
from hubs.actions.inbox import items
from hubs.actions.people import roles
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
from hubs.permissions import INSIDE, Person, require, visible

#: Longest message or note in characters; most pending requests, and most pending invitations, of a hub.
LENGTH, WAITING = 2000, 500


def join(session: Session, person: Person, hub: Hub, message: str = "") -> bool:
    """Ask to become a member; return True if the hub is open, so that the person is a member already."""
    require(person, "join", hub)
    user = session.get_one(User, person.id)
    if hub.join_mode == JoinMode.OPEN:
        roles.grant_role_unchecked(session, person.username, hub, user, RoleName.MEMBER)
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
    items.tell(session, hub, NoticeKind.JOIN_REQUEST, hub.people(RoleName.OWNER), person.username)
    _note(session, person, "hubs.request.created", hub, user)
    return False


def withdraw(session: Session, person: Person, hub: Hub) -> None:
    """Withdraw the person's own request to join, or dismiss the answer to it."""
    request = session.get(JoinRequest, (hub.id, person.id)) if person.signed_in else None
    if request is None:
        raise NotFound(_("You have not asked to join this hub."))
    session.delete(request)
    items.settle(session, hub, NoticeKind.JOIN_REQUEST, person.username, by=person.username)
    session.flush()


def answer(session: Session, person: Person, hub: Hub, username: str, *, approve: bool, note: str = "") -> None:
    """Approve or deny a request as an owner, with a note to the person."""
    require(person, "edit", hub)
    note = _text(note, "note")
    user = roles.find_account(session, username)
    request = session.get(JoinRequest, (hub.id, user.id), with_for_update=True) if user is not None else None
    # The same error without an account: owners must not find out which accounts exist.
    if user is None or request is None or request.state != RequestState.PENDING:
        raise Conflict(_("The request of %(username)s has already been answered.") % {"username": username})
    request.state = RequestState.APPROVED if approve else RequestState.DENIED
    request.note, request.decided_by, request.decided_on = note, person.username, now()
    _note(session, person, "hubs.request.approved" if approve else "hubs.request.denied", hub, user)
    if approve:
        roles.grant_role_unchecked(session, person.username, hub, user, RoleName.MEMBER)
    items.settle(session, hub, NoticeKind.JOIN_REQUEST, user.username, by=person.username)
    items.tell(session, hub, NoticeKind.APPROVED if approve else NoticeKind.DENIED, [user], person.username)


def invite(session: Session, person: Person, hub: Hub, user: User, role: RoleName, message: str = "") -> Invitation:
    """Offer a role to a person, as an owner; a new invitation replaces an older one."""
    require(person, "edit", hub)
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
    if any(current.user_id == user.id and current.role == role for current in hub.roles):
        raise Conflict(_("%(username)s already has this role.") % {"username": user.username})
    invitation = session.get(Invitation, (hub.id, user.id))
    if invitation is None:
        _check_room(session, Invitation, hub)
        invitation = Invitation(hub_id=hub.id, user_id=user.id)
        session.add(invitation)
    invitation.role, invitation.message, invitation.invited_by = role, _text(message, "message"), person.username
    invitation.created_on, invitation.expires_on = now(), now() + INVITED
    items.tell(session, hub, NoticeKind.INVITATION, [user], person.username)
    _note(session, person, "hubs.invitation.created", hub, user, role=role.value)
    return invitation


def take_back(session: Session, person: Person, hub: Hub, username: str) -> None:
    """Withdraw an invitation, as an owner."""
    require(person, "edit", hub)
    user = roles.find_account(session, username)
    invitation = session.get(Invitation, (hub.id, user.id)) if user is not None else None
    if user is None or invitation is None:
        raise NotFound(_("%(username)s is not invited.") % {"username": username})
    session.delete(invitation)
    items.settle(session, hub, NoticeKind.INVITATION, user=user, by=person.username)
    _note(session, person, "hubs.invitation.removed", hub, user, role=invitation.role.value)
    session.flush()


def respond(session: Session, person: Person, hub_id: int, *, accept: bool) -> Hub:
    """Accept or decline the person's own invitation, also to a hub that they cannot see yet; return the hub.

    :raises NotFound: when there is no valid one.
    :raises Conflict: when it cannot be accepted any more, for example because its sender no longer owns the hub.
    """
    invitation = session.get(Invitation, (hub_id, person.id), with_for_update=True) if person.signed_in else None
    if invitation is None or invitation.expires_on < now() or invitation.hub.deleted_on is not None:
        raise NotFound(_("There is no such invitation, or it has expired. Ask an owner for a new one."))
    hub, role, invited_by = invitation.hub, invitation.role, invitation.invited_by
    if accept and hub.archived:
        raise Conflict(_("%(hub)s is archived and accepts no new people.") % {"hub": hub.title})
    # Somebody who lost the hub must not be able to let people in afterwards.
    if accept and invited_by not in [owner.username for owner in hub.people(RoleName.OWNER)]:
        raise Conflict(
            _("%(username)s, who invited you, does not own this hub any more. Ask an owner for a new invitation.")
            % {"username": invited_by}
        )
    user = session.get_one(User, person.id)
    session.delete(invitation)
    items.settle(session, hub, NoticeKind.INVITATION, user=user, by=person.username)
    what = "hubs.invitation.accepted" if accept else "hubs.invitation.declined"
    _note(session, person, what, hub, user, role=role.value, invited_by=invited_by)
    if accept:
        roles.grant_role_unchecked(session, person.username, hub, user, role)
        _forget(session, hub, user)
    session.flush()
    return hub


def requests(session: Session, hub: Hub) -> list[JoinRequest]:
    """Return the pending requests of a hub, oldest first."""
    query = select(JoinRequest).options(joinedload(JoinRequest.user)).order_by(JoinRequest.created_on)
    return list(session.scalars(query.where(JoinRequest.hub_id == hub.id, JoinRequest.state == RequestState.PENDING)))


def invitations(session: Session, hub: Hub) -> list[Invitation]:
    """Return the valid invitations to a hub, newest first."""
    query = select(Invitation).options(joinedload(Invitation.user)).order_by(Invitation.created_on.desc())
    return list(session.scalars(query.where(Invitation.hub_id == hub.id, Invitation.expires_on > now())))


def mine(session: Session, person: Person) -> tuple[list[JoinRequest], list[Invitation]]:
    """Return a person's own requests, and the valid invitations to them, newest first.

    Requests to hubs that the person can no longer see are left out; an invitation names its hub in any case.
    """
    requests = select(JoinRequest).join(JoinRequest.hub).options(contains_eager(JoinRequest.hub))
    requests = requests.where(JoinRequest.user_id == person.id, visible(person))
    invitations = select(Invitation).options(joinedload(Invitation.hub)).where(Invitation.user_id == person.id)
    invitations = invitations.where(Invitation.expires_on > now()).order_by(Invitation.created_on.desc())
    return (
        list(session.scalars(requests.order_by(JoinRequest.created_on.desc()))),
        [invitation for invitation in session.scalars(invitations) if invitation.hub.deleted_on is None],
    )


def _note(session: Session, person: Person, action: str, hub: Hub, user: User, **more: str) -> None:
    """Write to the audit log only: the bus, which is public, gets messages about roles alone."""
    session.add(
        AuditEntry(
            agent=person.username,
            origin=session.info.get(outbox.ORIGIN, ""),
            action=action,
            hub_id=hub.id,
            hub_name=hub.name,
            detail={"username": user.username, **more},
        )
    )


def _forget(session: Session, hub: Hub, user: User) -> None:
    """Delete a pending request of a person who became a member in another way."""
    request = session.get(JoinRequest, (hub.id, user.id))
    if request is not None and request.state == RequestState.PENDING:
        session.delete(request)
        items.settle(session, hub, NoticeKind.JOIN_REQUEST, user.username)
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
