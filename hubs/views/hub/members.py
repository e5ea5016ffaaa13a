"""The Members tab: lists of people, joining, and managing members. Plain forms throughout."""

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from hubs import urls
from hubs.actions import hubs as hub_actions
from hubs.actions import push
from hubs.actions.people import membership
from hubs.actions.people import roles as role_actions
from hubs.errors import InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import Hub, JoinMode, JoinRequest, Role, RoleName, User, hub_fields
from hubs.permissions import can, offers, require
from hubs.views.account import intents
from hubs.views.web import forms
from hubs.views.web.context import current_person, db, find_hub

blueprint = Blueprint("members", __name__, url_prefix="/<any(u, t):space>/<name>")

JOINING = hub_fields.on_page("members")
_ROLES = {role.value: role for role in (RoleName.OWNER, RoleName.MEMBER)}


@blueprint.get("/members")
def show(space: str, name: str) -> str:
    """Show the members of a hub; owners also see requests to join and invitations."""
    return _page(find_hub(space, name), {})


@blueprint.get("/join")
def conditions(space: str, name: str) -> ResponseReturnValue:
    """Show the conditions for joining, with the form to request it; visitors sign in next."""
    hub = find_hub(space, name)
    if not offers(current_person(), "join", hub):
        require(current_person(), "join", hub)
    if not current_person().signed_in and hub.join_mode == JoinMode.OPEN and not hub.join_conditions:
        return redirect(intents.state("join", hub), 303)
    return render_template("join.html", hub=hub, join_request=_request(hub), problem="", message="")


@blueprint.post("/join")
def join(space: str, name: str) -> ResponseReturnValue:
    """Request to join, or join at once if the hub is open."""
    hub = find_hub(space, name)
    message = request.form.get("message", "")
    try:
        if not current_person().signed_in and offers(current_person(), "join", hub):
            return redirect(intents.state("join", hub, message), 303)
        joined = membership.join(db(), current_person(), hub, message)
    except InvalidInput as error:
        page = render_template("join.html", hub=hub, join_request=None, problem=str(error), message=message)
        return page, error.status
    db().commit()
    flash(_("You are now a member.") if joined else _("The owners have been asked. Their answer will appear here."))
    return redirect(urls.hub(hub.kind, hub.name), 303)


@blueprint.post("/withdraw")
def withdraw(space: str, name: str) -> ResponseReturnValue:
    """Withdraw the current user's request to join."""
    hub = find_hub(space, name)
    require(current_person(), "subscribe", hub)  # allowed to everyone signed in who sees the hub
    membership.withdraw(db(), current_person(), hub)
    db().commit()
    flash(_("Your request has been withdrawn."))
    return redirect(urls.hub(hub.kind, hub.name), 303)


@blueprint.post("/requests")
def answer(space: str, name: str) -> ResponseReturnValue:
    """Approve or deny a request, with a note."""
    hub = find_hub(space, name, "edit")
    approve, note = request.form.get("answer") == "approve", request.form.get("note", "")
    membership.answer(db(), current_person(), hub, _username(), approve=approve, note=note)
    db().commit()
    flash(_("Done."))
    return redirect(urls.front() if request.form.get("back") == "home" else urls.hub_members(hub.kind, hub.name), 303)


@blueprint.post("/roles")
def roles(space: str, name: str) -> ResponseReturnValue:
    """Grant, change or revoke a person's role."""
    hub = find_hub(space, name, "edit")
    role, act = _role(), request.form.get("act", "give")
    if act in ("take", "change"):
        # Without such an account there is nothing to do, as for somebody without the role: the answer is the same.
        user = role_actions.find_account(db(), _username())
        other = RoleName.MEMBER if role == RoleName.OWNER else RoleName.OWNER
        if user is not None and act == "take":
            role_actions.drop_role(db(), current_person(), hub, user, role)
        elif user is not None:
            role_actions.change_role(db(), current_person(), hub, user, other, role)
    else:
        user = role_actions.account_to_grant(db(), hub, _username(), role)
        role_actions.give_role(db(), current_person(), hub, user, role)
    db().commit()
    flash(_("Done."))
    return redirect(urls.hub_members(hub.kind, hub.name), 303)


@blueprint.post("/invitations")
def invitations(space: str, name: str) -> ResponseReturnValue:
    """Invite a person, or withdraw an invitation."""
    hub = find_hub(space, name, "edit")
    try:
        if request.form.get("act") == "withdraw":
            membership.take_back(db(), current_person(), hub, _username())
        else:
            role = _role()
            user = role_actions.account_to_grant(db(), hub, _username(), role)
            membership.invite(db(), current_person(), hub, user, role, request.form.get("message", ""))
    except (InvalidInput, NotFound) as error:
        return _page(hub, {"invite": str(error)}), error.status
    db().commit()
    flash(_("Done."))
    return redirect(urls.hub_members(hub.kind, hub.name), 303)


@blueprint.post("/joining")
def joining(space: str, name: str) -> ResponseReturnValue:
    """Save how people join, and the conditions for it."""
    hub = find_hub(space, name, "edit")
    try:
        hub_actions.update(db(), current_person(), hub, forms.read(JOINING, request.form))
    except InvalidInput as error:
        return _page(hub, error.fields), error.status
    db().commit()
    flash(_("Saved."))
    return redirect(urls.hub_members(hub.kind, hub.name), 303)


def _page(hub: Hub, wrong: dict[str, str]) -> str:
    # Loads all roles with their accounts in two queries, instead of one query per member.
    db().execute(select(Hub).options(selectinload(Hub.roles).joinedload(Role.user)).where(Hub.id == hub.id)).all()
    owner, owners = can(current_person(), "edit", hub), hub.people(RoleName.OWNER)
    # After an error the form keeps what was typed.
    values = request.form if wrong else hub_fields.values(hub, JOINING)
    return render_template(
        "members.html",
        hub=hub,
        owners=owners,
        members=[user for user in hub.people(RoleName.MEMBER) if user not in owners and _listed(user, owner)],
        requests=membership.requests(db(), hub) if owner else [],
        invitations=membership.invitations(db(), hub) if owner else [],
        tokens=push.orphaned_tokens(db(), current_person(), hub) if owner else [],
        owner=owner,
        form=forms.Form(JOINING, values, wrong),
        problem=wrong.get("invite", ""),
        typed=request.form.get("username", ""),
    )


def _listed(user: User, owner: bool) -> bool:
    """Return whether a list shows a person: always in lists for owners, and to that person."""
    return owner or not user.unlisted or user.id == current_person().id


def _request(hub: Hub) -> JoinRequest | None:
    return db().get(JoinRequest, (hub.id, current_person().id))


def _username() -> str:
    return request.form.get("username", "").strip()


def _role() -> RoleName:
    try:
        return _ROLES[request.form.get("role", RoleName.MEMBER.value)]
    except KeyError:
        raise InvalidInput(_("Please choose member or owner.")) from None
