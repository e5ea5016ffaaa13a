"""Administration of a hub by its owners: appearance, renaming, export, deletion and restoring."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions import hubs as hub_actions
from hubs.actions import lifecycle, pictures
from hubs.actions.layout import documents, yaml_files
from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import Hub, PictureKind, hub_fields
from hubs.permissions import can, refusal
from hubs.pictures.uploads import SQUARE, WIDE, Encoded
from hubs.views.account.settings import myself
from hubs.views.web import forms, uploads
from hubs.views.web.context import app_context, current_person, db, find_hub, hub_page_url

blueprint = Blueprint("manage", __name__)

APPEARANCE = hub_fields.on_page("appearance")


@blueprint.route("/<any(u, t):space>/<name>/settings/appearance", methods=["GET", "POST"])
def appearance(space: str, name: str) -> ResponseReturnValue:
    """Show and save the appearance of a hub."""
    hub = find_hub(space, name, "own")
    values: dict[str, Any] = hub_fields.values(hub, APPEARANCE)
    wrong: dict[str, str] = {}
    if request.method == "POST":
        values = forms.read(APPEARANCE, request.form)
        # Pictures come first, so that one answer names all fields that cannot be accepted.
        changes = _read_pictures(hub, wrong)
        try:
            hub_actions.update(db(), current_person(), hub, values)
        except InvalidInput as error:
            wrong |= error.fields
        if wrong:
            db().rollback()
        else:
            for kind, picture in changes.items():
                pictures.set_hub_picture(db(), current_person(), hub, kind, picture)
            db().commit()
            flash(_("Saved."))
            return redirect(hub_page_url(hub), 303)
    form = forms.Form(APPEARANCE, values, wrong)
    page = render_template("hub-appearance.html", hub=hub, form=form, why=_why(hub))
    return page, 400 if wrong else 200


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


def _read_pictures(hub: Hub, wrong: dict[str, str]) -> dict[PictureKind, Encoded | None]:
    """Return the pictures to change; ``wrong`` gets a sentence for each that cannot be accepted."""
    sizes = {PictureKind.EMBLEM: SQUARE, PictureKind.COVER: WIDE}
    if hub.kind == "user":
        del sizes[PictureKind.EMBLEM]  # it is the picture of the person, on their account page
    read = {kind: uploads.read(kind.value, wrong, size) for kind, size in sizes.items()}
    return {kind: picture for kind, (is_changed, picture) in read.items() if is_changed}


def _other(hub: Hub, wrong: dict[str, str], typed: str) -> str:
    days = lifecycle.GRACE.days
    page = {"wrong": wrong, "typed": typed or hub.name, "days": days, "why": _why(hub)}
    return render_template("hub-other.html", hub=hub, **page)


def _why(hub: Hub) -> str:
    """Return why the owner cannot change the hub at present; empty if they can."""
    return "" if can(current_person(), "edit", hub) else refusal(current_person(), hub)
