"""What concerns a person: own requests and invitations."""

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions import membership
from hubs.errors import NotAllowed
from hubs.i18n import _
from hubs.models import User
from hubs.permissions import can
from hubs.views.site import account, db, me

blueprint = Blueprint("me", __name__, url_prefix="/me")


def myself() -> User:
    """Return the account of who asks.

    :raises NotAllowed: when nobody is signed in.
    """
    user = account()
    if user is None:
        raise NotAllowed(_("Please sign in first."))
    return user


@blueprint.get("/")
def show() -> str:
    """Show what concerns who asks."""
    user = myself()
    requests, invitations = membership.mine(db(), me())
    # A hub that closed meanwhile is not named to those who only asked.
    seen = [one for one in requests if can(me(), "view", one.hub)]
    return render_template("me.html", user=user, requests=seen, invitations=invitations)


@blueprint.post("/invitations/<int:hub_id>")
def respond(hub_id: int) -> ResponseReturnValue:
    """Accept or decline an invitation."""
    myself()
    accept = request.form.get("answer") == "accept"
    hub = membership.respond(db(), me(), hub_id, accept=accept)
    db().commit()
    flash(_("Welcome.") if accept else _("The invitation is gone."))
    return redirect(urls.hub(hub.kind, hub.name) if accept else urls.me(), 303)
