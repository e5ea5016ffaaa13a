"""Administration of a hub by its owners: renaming, export, deletion and restoring."""

from flask import Blueprint, Response, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions import lifecycle
from hubs.actions.layout import documents, yaml_files
from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import Hub
from hubs.permissions import can
from hubs.views.account.settings import myself
from hubs.views.hub.settings_page import why_locked
from hubs.views.web.context import app_context, current_person, db, find_hub

blueprint = Blueprint("manage", __name__)


@blueprint.get("/<any(u, t):space>/<name>/settings/other")
def other(space: str, name: str) -> str:
    """Show the page for archiving, renaming, exporting and deleting a hub."""
    return _other(find_hub(space, name, "own"), {}, "")


@blueprint.post("/<any(u, t):space>/<name>/settings/name")
def rename(space: str, name: str) -> ResponseReturnValue:
    """Rename a hub; its old address redirects to the new one."""
    # Unlike "own", "edit" excludes archived hubs and hubs that are managed in a file.
    hub, typed = find_hub(space, name, "edit"), request.form.get("name", "")
    try:
        renamed = lifecycle.rename(db(), current_person(), hub, typed)
    except (InvalidInput, Conflict) as error:
        return _other(hub, {"name": str(error)}, typed), error.status
    db().commit()
    flash(
        _("The hub has been renamed. Its old address redirects to the new one.")
        if renamed
        else _("The hub already has this name.")
    )
    return redirect(urls.hub_other(hub.kind, hub.name), 303)


@blueprint.get("/<any(u, t):space>/<name>/settings/file")
def export(space: str, name: str) -> Response:
    """Export a hub as a YAML file for `hubs apply`, without secrets."""
    hub = find_hub(space, name, "own")
    text = yaml_files.write(documents.describe(hub, app_context().registry, people=True))
    response = Response(text, mimetype="application/yaml")
    response.headers["Content-Disposition"] = f'attachment; filename="{hub.name}.yaml"'
    # The file names all members, unlisted ones included.
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/<any(u, t):space>/<name>/settings/delete")
def delete(space: str, name: str) -> ResponseReturnValue:
    """Delete a hub after its name was typed to confirm; it can be restored for some days."""
    hub = find_hub(space, name, "own")
    # Typed rather than clicked: deletion affects every member of the hub.
    if request.form.get("name", "").strip() != hub.name:
        sentence = _("Nothing was deleted: this is not the name of the hub.")
        return _other(hub, {"delete": sentence}, ""), 400
    try:
        until = lifecycle.discard(db(), current_person(), hub)
    except InvalidInput as error:
        return _other(hub, {"delete": str(error)}, ""), error.status
    db().commit()
    flash(_("The hub has been deleted. It can be restored here until %(date)s.") % {"date": until.date().isoformat()})
    return redirect(urls.me() + "#deleted", 303)


@blueprint.post("/me/deleted/<int:hub_id>")
def bring_back(hub_id: int) -> ResponseReturnValue:
    """Restore a deleted hub, as an owner or administrator."""
    myself()
    # By id: a deleted hub has no address, and `find_hub` does not see it.
    hub = db().get(Hub, hub_id)
    if hub is None or not can(current_person(), "restore", hub):
        raise NotFound(_("There is no such hub, or it can no longer be restored."))
    lifecycle.bring_back(db(), current_person(), hub)
    db().commit()
    flash(_("The hub has been restored."))
    return redirect(urls.hub(hub.kind, hub.name), 303)


def _other(hub: Hub, wrong: dict[str, str], typed: str) -> str:
    days = lifecycle.GRACE.days
    page = {"wrong": wrong, "typed": typed or hub.name, "days": days, "why": why_locked(hub)}
    return render_template("hub-other.html", hub=hub, **page)
