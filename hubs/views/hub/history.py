"""A hub's revisions, restoring one of them, and the audit log."""

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs.actions import audit
from hubs.actions.layout import revisions
from hubs.errors import InvalidInput, NotAllowed
from hubs.i18n import _
from hubs.views.web.context import app_context, current_person, db, find_hub, hub_page_url
from hubs.views.web.converters import row_number

blueprint = Blueprint("history", __name__)


@blueprint.get("/<any(u, t):space>/<name>/history")
def history(space: str, name: str) -> str:
    """Show a hub's revisions with their changes."""
    hub = find_hub(space, name, "own")
    return render_template("history.html", hub=hub, revisions=revisions.newest_first(db(), hub))


@blueprint.post("/<any(u, t):space>/<name>/history")
def restore(space: str, name: str) -> ResponseReturnValue:
    """Restore an older revision."""
    # Owners may read the history of an archived hub, but not change the hub.
    hub = find_hub(space, name, "edit")
    number = request.form.get("number", type=row_number)
    if number is None:
        raise InvalidInput(_("Please choose a revision."))
    changed = revisions.restore(db(), app_context().registry, current_person(), hub, number)
    db().commit()
    flash(_("The page has been restored.") if changed else _("The page already looks like this."))
    return redirect(hub_page_url(hub), 303)


@blueprint.get("/<any(u, t):space>/<name>/audit")
def hub_log(space: str, name: str) -> str:
    """Show the audit log of a hub."""
    hub = find_hub(space, name, "own")
    entries, older = audit.newest_first(db(), hub, before=_before())
    return render_template("audit.html", hub=hub, entries=entries, older=older)


@blueprint.get("/audit")
def log() -> str:
    """Show the audit log of the whole instance."""
    if not current_person().admin:
        raise NotAllowed(_("Only administrators can see the whole audit log."))
    entries, older = audit.newest_first(db(), before=_before())
    return render_template("audit.html", hub=None, entries=entries, older=older)


def _before() -> int | None:
    return request.args.get("before", type=row_number)
