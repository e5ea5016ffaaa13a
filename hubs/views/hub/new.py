"""Creating a team hub from a template."""

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions import templates
from hubs.errors import Conflict, InvalidInput
from hubs.i18n import N_, _
from hubs.models import User
from hubs.models.hub_fields import HUB_FIELDS
from hubs.permissions import require
from hubs.views.web import forms
from hubs.views.web.context import app_context, current_person, db
from hubs.widgets.parameters import Parameter

blueprint = Blueprint("new", __name__)

PARAMETERS = (
    Parameter(
        "name",
        label=N_("URL name"),
        required=True,
        help=N_("Letters, digits and . _ - only, for example: docs. It becomes the last part of the hub's address."),
    ),
    *(field for field in HUB_FIELDS if field.on_create),
)


@blueprint.get("/new")
def show() -> str:
    """Show the form that creates a hub."""
    require(current_person(), "create")
    return _page(forms.Form(PARAMETERS, {}), templates.TEMPLATES[0].name)


@blueprint.post("/new")
def create() -> ResponseReturnValue:
    """Create a hub owned by the current user."""
    require(current_person(), "create")
    values, chosen = forms.read(PARAMETERS, request.form), request.form.get("template", "")
    record = {name: value for name, value in values.items() if name != "name"}
    founder = db().get_one(User, current_person().id)
    try:
        hub = templates.start(db(), app_context().registry, current_person(), founder, values["name"], record, chosen)
    except (InvalidInput, Conflict) as error:
        # A conflict concerns the name: another hub has it, perhaps since this form was opened.
        wrong = error.fields if isinstance(error, InvalidInput) else {"name": str(error)}
        return _page(forms.Form(PARAMETERS, values, wrong), chosen, str(error)), error.status
    db().commit()
    flash(_("Your hub has been created. You own it: change its layout and invite people as you like."))
    return redirect(urls.hub(hub.kind, hub.name), 303)


def _page(form: forms.Form, chosen: str, problem: str = "") -> str:
    shown = {"form": form, "chosen": chosen, "problem": problem}
    return render_template("new.html", templates=templates.TEMPLATES, **shown)
