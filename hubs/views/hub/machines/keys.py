"""The keys of a hub for other services, for its owners. No page shows a key."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions.webhooks import keys
from hubs.errors import Conflict, InvalidInput
from hubs.i18n import _
from hubs.models import Hub
from hubs.permissions import refusal
from hubs.views.web.context import app_context, current_person, db, find_hub

blueprint = Blueprint("hub_keys", __name__)

_ALL = "/<any(u, t):space>/<name>/settings/keys"


@blueprint.get(_ALL)
def show(space: str, name: str) -> str:
    """Show for which hosts the hub has keys, and the form that stores one."""
    return _page(find_hub(space, name, "own"))


@blueprint.post(_ALL)
def enter(space: str, name: str) -> ResponseReturnValue:
    """Store a key, or replace the one for the same host."""
    hub = find_hub(space, name, "own")
    address = request.form.get("address", "")
    try:
        row = keys.enter(db(), current_person(), app_context().secret_box, hub, address, request.form.get("key", ""))
    except (InvalidInput, Conflict) as error:
        # The key is not repeated in the form: no page shows one.
        wrong = error.fields if isinstance(error, InvalidInput) else {}
        return _page(hub, typed=address, wrong=wrong, problem=str(error)), error.status
    db().commit()
    flash(_("The key for %(host)s has been stored.") % {"host": row.origin})
    return redirect(urls.hub_keys(hub.kind, hub.name), 303)


@blueprint.post(f"{_ALL}/<int:number>/remove")
def remove(space: str, name: str, number: int) -> ResponseReturnValue:
    """Remove a key."""
    hub = find_hub(space, name, "own")
    keys.remove(db(), current_person(), hub, number)
    db().commit()
    flash(_("The key has been removed. Revoke it at the service, too."))
    return redirect(urls.hub_keys(hub.kind, hub.name), 303)


def _page(hub: Hub, **more: Any) -> str:
    values = {"typed": "", "wrong": {}, "problem": "", **more}
    why = refusal(current_person(), hub) if hub.archived else ""
    return render_template("keys.html", hub=hub, keys=keys.of_hub(db(), current_person(), hub), why=why, **values)
