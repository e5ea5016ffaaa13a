"""Settings of a widget, saved at once; `hubs.views.hub.editor` changes the layout."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs.actions import push, widgets
from hubs.errors import Conflict, InvalidInput
from hubs.i18n import _
from hubs.models import Hub, Visibility
from hubs.views.web import forms
from hubs.views.web.context import app_context, current_person, db, find_widget, hub_page_url
from hubs.widgets.push import Push
from hubs.widgets.registry import WidgetType

blueprint = Blueprint("edit", __name__)


@blueprint.route("/w/<int:widget_id>/settings", methods=["GET", "POST"])
def settings(widget_id: int) -> ResponseReturnValue:
    """Show and save a widget's settings."""
    row = find_widget(widget_id, "edit")
    widget_type = widgets.installed(app_context().registry, row.plugin)
    parameters, schema = widget_type.parameters, widget_type.schema
    page: dict[str, Any] = {"row": row, "version": row.version, "label": row.label, "visibility": row.visibility}
    if request.method == "GET":
        form = forms.Form(parameters, schema.shown(row.settings), stored=schema.has(row.settings))
        return _settings_page(row.hub, widget_type, form, **page)
    values = forms.read(parameters, request.form)
    page["label"] = request.form.get("label", "")
    page["visibility"] = request.form.get("visibility", row.visibility.value)
    version = request.form.get("version", type=int)
    try:
        texts = page["label"], version, page["visibility"]
        widgets.update(db(), app_context().registry, current_person(), row, values, *texts)
        db().commit()
    except (InvalidInput, Conflict) as error:
        # The form keeps what was typed. After a conflict it carries the current version, so saving again overwrites.
        wrong = error.fields if isinstance(error, InvalidInput) else {}
        form = forms.Form(parameters, values, wrong, schema.has(row.settings))
        return _settings_page(row.hub, widget_type, form, **page, problem=str(error)), error.status
    flash(_("Saved."))
    return redirect(hub_page_url(row.hub, f"widget-{row.id}", row.slug), 303)


def _settings_page(hub: Hub, widget_type: WidgetType, form: forms.Form, **more: Any) -> str:
    is_push = widget_type.name == Push.name
    tokens = push.tokens(db(), current_person(), more["row"]) if is_push else None
    values = {"tokens": tokens, "version": None, "label": "", "problem": "", **more}
    seen = forms.Form([forms.WIDGET_VISIBILITY], {"visibility": values.pop("visibility", Visibility.PUBLIC)})
    return render_template("widget-settings.html", hub=hub, type=widget_type, form=form, seen=seen, **values)
