"""The settings of a hub: one form in sections, among them the appearance with its pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions import hubs as hub_actions
from hubs.actions import pictures
from hubs.errors import InvalidInput
from hubs.i18n import N_, _
from hubs.models import Hub, PictureKind, hub_fields
from hubs.models.hub_fields import HubField
from hubs.permissions import can, refusal
from hubs.pictures.uploads import SQUARE, WIDE, Encoded
from hubs.views.web import forms, uploads
from hubs.views.web.context import current_person, db, find_hub

blueprint = Blueprint("hub_settings", __name__, url_prefix="/<any(u, t):space>/<name>/settings")


@dataclass(frozen=True)
class Section:
    """A part of the form; ``name`` is the anchor, ``icon`` and ``title`` stand in the side navigation as well."""

    name: str
    icon: str
    title: str
    help: str
    fields: Sequence[HubField]


def _sections() -> tuple[Section, ...]:
    general = hub_fields.on_page("general")
    columns = [field for field in general if field.stored_in == "column"]
    embedding = [field for field in general if field.name == "embed_on"]
    accounts = [field for field in general if field.name.endswith(("_username", "_email"))]
    # A field that is declared later appears here.
    places = [field for field in general if field not in (*columns, *embedding, *accounts)]
    return (
        Section("general", "sliders-horizontal", N_("General"), N_("What people read first, and who can."), columns),
        Section(
            "appearance",
            "palette",
            N_("Appearance"),
            N_("The colour of the banner, of the emblem and of the charts."),
            hub_fields.on_page("appearance"),
        ),
        Section("places", "chat", N_("Places"), N_("Where to talk, to read and to meet."), places),
        Section(
            "accounts", "link-2", N_("Accounts"), N_("Names on other services, which the page links to."), accounts
        ),
        Section("embedding", "code", N_("Embedding"), N_("Widgets of this hub on other sites."), embedding),
    )


SECTIONS = _sections()
_FIELDS = tuple(field for section in SECTIONS for field in section.fields)


@blueprint.get("")
def show(space: str, name: str) -> str:
    """Show the settings of a hub."""
    hub = find_hub(space, name, "own")
    return _page(hub, hub_fields.values(hub, _FIELDS), {})


@blueprint.get("/appearance")
def show_appearance(space: str, name: str) -> ResponseReturnValue:
    """Lead to the section with the appearance, which once was a page of its own."""
    find_hub(space, name, "own")
    return redirect(urls.hub_appearance("user" if space == "u" else "team", name), 301)


@blueprint.post("")
@blueprint.post("/appearance")
def save(space: str, name: str) -> ResponseReturnValue:
    """Save the fields that were sent; the others keep their values."""
    hub = find_hub(space, name, "own")
    if "archived" in request.form:
        # A form of its own, on another page.
        hub_actions.update(db(), current_person(), hub, {"archived": request.form["archived"] == "1"})
        db().commit()
        flash(_("Saved."))
        return redirect(urls.hub(hub.kind, hub.name), 303)
    values: dict[str, Any] = forms.read([field for field in _FIELDS if field.name in request.form], request.form)
    wrong: dict[str, str] = {}
    # Pictures come first, so that one answer names all fields that cannot be accepted.
    changes = _read_pictures(hub, wrong)
    try:
        hub_actions.update(db(), current_person(), hub, values)
    except InvalidInput as error:
        wrong |= error.fields
    if wrong:
        db().rollback()
        hub = find_hub(space, name, "own")
        return _page(hub, hub_fields.values(hub, _FIELDS) | values, wrong), InvalidInput.status
    for kind, picture in changes.items():
        pictures.set_hub_picture(db(), current_person(), hub, kind, picture)
    db().commit()
    flash(_("Saved. Everybody sees the new version now."))
    return redirect(urls.hub_settings(hub.kind, hub.name), 303)


def why_locked(hub: Hub) -> str:
    """Return why an owner cannot change the hub at present; empty if they can."""
    return "" if can(current_person(), "edit", hub) else refusal(current_person(), hub)


def _read_pictures(hub: Hub, wrong: dict[str, str]) -> dict[PictureKind, Encoded | None]:
    """Return the pictures to change; ``wrong`` gets a sentence for each that cannot be accepted."""
    sizes = {PictureKind.EMBLEM: SQUARE, PictureKind.COVER: WIDE}
    if hub.kind == "user":
        del sizes[PictureKind.EMBLEM]  # it is the picture of the person, on their account page
    read = {kind: uploads.read(kind.value, wrong, size) for kind, size in sizes.items()}
    return {kind: picture for kind, (is_changed, picture) in read.items() if is_changed}


def _page(hub: Hub, values: dict[str, Any], wrong: dict[str, str]) -> str:
    form = forms.Form(_FIELDS, values, wrong)
    return render_template("hub-settings.html", hub=hub, form=form, sections=SECTIONS, why=why_locked(hub))
