"""The Members tab: lists of people, joining, and managing members. Plain forms throughout."""

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions import hubs as hub_actions
from hubs.actions import push
from hubs.actions.people import membership
from hubs.actions.people import roles as role_actions
from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.i18n import N_, _
from hubs.models import Hub, JoinMode, JoinRequest, RoleName, hub_fields
from hubs.permissions import can, offers, require
from hubs.views.account import intents
from hubs.views.hub import roster
from hubs.views.hub.page import banner_context
from hubs.views.web import forms
from hubs.views.web.context import current_person, db, find_hub

blueprint = Blueprint("members", __name__, url_prefix="/<any(u, t):space>/<name>")

JOINING = hub_fields.on_page("members")
NOBODY = N_("Please select at least one person.")
_ANSWERED = {
    True: N_("Approved. %(name)s is now a member of %(hub)s."),
    False: N_("Denied the request of %(name)s to join %(hub)s."),
}
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
    """Approve or deny requests, with a note: the selected ones, or the one whose button was pressed."""
    hub = find_hub(space, name, "edit")
    verb, usernames = request.form.get("answer", ""), _selected()
    for single in ("approve", "deny"):
        if single in request.form:
            verb, usernames = single, [request.form[single].strip()]
    if not usernames:
        return _page(hub, {"requests": _(NOBODY)}), InvalidInput.status
    note = request.form.get("note", "")
    for username in usernames:
        try:
            membership.answer(db(), current_person(), hub, username, approve=verb == "approve", note=note)
        except Conflict:
            # Of several, another owner may have answered some meanwhile; the others are still answered.
            if len(usernames) == 1:
                raise
    db().commit()
    names = {"name": usernames[0], "hub": hub.title}
    flash(_(_ANSWERED[verb == "approve"]) % names if len(usernames) == 1 else _("Done."))
    return redirect(urls.front() if request.form.get("back") == "home" else urls.hub_members(hub.kind, hub.name), 303)


@blueprint.post("/roles")
def roles(space: str, name: str) -> ResponseReturnValue:
    """Grant, change or revoke a person's role."""
    hub = find_hub(space, name, "edit")
    if "do" in request.form:
        return _change_selected(hub, request.form["do"])
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
        user = role_actions.account_to_grant(db(), current_person(), hub, _username(), role)
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
            user = role_actions.account_to_grant(db(), current_person(), hub, _username(), role)
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


def _change_selected(hub: Hub, do: str) -> ResponseReturnValue:
    """Make the selected people owners or members, or remove them, all or none; return to the same list."""
    usernames = _selected()
    if not usernames or do not in ("owner", "member", "remove"):
        return _page(hub, {"roster": _("Please choose an action.") if usernames else _(NOBODY)}), InvalidInput.status
    for username in usernames:
        user = role_actions.find_account(db(), username)
        if user is None:
            continue
        if do == "remove":
            for role in _removable(hub):
                role_actions.drop_role(db(), current_person(), hub, user, role)
        else:
            new = _ROLES[do]
            old = RoleName.MEMBER if new == RoleName.OWNER else RoleName.OWNER
            role_actions.change_role(db(), current_person(), hub, user, old, new)
    db().commit()
    flash(_("Done."))
    return redirect(urls.hub_members(hub.kind, hub.name, **_filters().query), 303)


def _removable(hub: Hub) -> list[RoleName]:
    """Return the roles that owners can revoke: the members of a hub with a group come from the account system."""
    return [RoleName.OWNER] if hub.group_name else [RoleName.OWNER, RoleName.MEMBER]


def _page(hub: Hub, wrong: dict[str, str]) -> str:
    owner, filters = can(current_person(), "edit", hub), _filters()
    # After an error the form keeps what was typed.
    values = request.form if wrong else hub_fields.values(hub, JOINING)
    requests = membership.requests(db(), hub) if owner else []
    return render_template(
        "members.html",
        hub=hub,
        filters=filters,
        roster=roster.read_page(db(), current_person(), hub, filters),
        requests=requests[: roster.PER_PAGE],
        more_requests=max(0, len(requests) - roster.PER_PAGE),
        invitations=membership.invitations(db(), hub) if owner else [],
        tokens=push.orphaned_tokens(db(), current_person(), hub) if owner else [],
        owner=owner,
        form=forms.Form(JOINING, values, wrong),
        problem=wrong.get("invite", ""),
        wrong=wrong,
        typed=request.form.get("username", "") if "invite" in wrong else "",
        selected=_selected() if wrong else [],
        **banner_context(hub),
    )


def _filters() -> roster.Filters:
    args = request.args
    return roster.Filters.of(args.get("q", ""), args.get("role", ""), args.get("page", 1, type=int))


def _selected() -> list[str]:
    """Return the names whose boxes are checked."""
    return [name.strip() for name in request.form.getlist("username")[: roster.PER_PAGE]]


def _request(hub: Hub) -> JoinRequest | None:
    return db().get(JoinRequest, (hub.id, current_person().id))


def _username() -> str:
    return request.form.get("username", "").strip()


def _role() -> RoleName:
    try:
        return _ROLES[request.form.get("role", RoleName.MEMBER.value)]
    except KeyError:
        raise InvalidInput(_("Please choose member or owner.")) from None
