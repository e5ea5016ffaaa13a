"""Changing a hub: its layout, its widgets' settings, its own settings."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions import hubs as hub_actions
from hubs.actions import push, widgets
from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.models import Hub, Visibility
from hubs.views import forms
from hubs.views.site import db, find_hub, find_widget, locale, me, site, stream_of
from hubs.widgets.parameters import Parameter
from hubs.widgets.push import Push
from hubs.widgets.registry import WidgetType

blueprint = Blueprint("edit", __name__)

HUB_PARAMETERS = (
    Parameter("display_name", label="Name"),
    Parameter("summary", help="One line of at most 128 characters."),
    Parameter("description", kind="markdown", help="Markdown."),
    Parameter(
        "visibility",
        label="Who may see this hub",
        kind="choice",
        default="public",
        choices=[
            (Visibility.PUBLIC.value, "Everybody"),
            (Visibility.SIGNED_IN.value, "People who are signed in"),
            (Visibility.MEMBERS.value, "Members only"),
            (Visibility.OWNERS.value, "Owners only"),
        ],
    ),
    Parameter("left_width", label="Width of the left column", kind="number", default=8, minimum=1, maximum=11),
    *(Parameter(name) for name in hub_actions.EXTRAS),
)
#: Every widget has this setting, beside those of its kind.
WIDGET_VISIBILITY = Parameter(
    "visibility",
    label="Who may see this widget",
    kind="choice",
    default=Visibility.PUBLIC.value,
    choices=[
        (Visibility.PUBLIC.value, "Everybody who sees this hub"),
        (Visibility.SIGNED_IN.value, "People who are signed in"),
        (Visibility.MEMBERS.value, "Members only"),
        (Visibility.OWNERS.value, "Owners only"),
    ],
)


@blueprint.get("/<any(u, t):space>/<name>/edit")
def layout(space: str, name: str) -> str:
    """Show a hub with the tools to change its layout."""
    cursor = site().stream.cursor()
    hub = find_hub(space, name, "edit")
    found = site().fragments.read_many(hub.widgets, locale())
    return render_template("edit.html", hub=hub, stream=stream_of(hub, cursor), fragments=found, label=_label)


@blueprint.get("/<any(u, t):space>/<name>/add")
def catalogue(space: str, name: str) -> str:
    """Show the widgets that can be added to a column."""
    hub, side = find_hub(space, name, "edit"), _side()
    fitting = [found for found in site().registry if found.fits(hub.kind, side)]
    return render_template("catalogue.html", hub=hub, side=side, types=fitting)


@blueprint.route("/<any(u, t):space>/<name>/add/<plugin>", methods=["GET", "POST"])
def add(space: str, name: str, plugin: str) -> ResponseReturnValue:
    """Show the settings of a new widget, and add it."""
    hub, side = find_hub(space, name, "edit"), _side()
    found = _type(plugin)
    form = forms.Form(found.parameters, {})
    if request.method == "GET":
        return _settings_page(hub, found, form, side=side)
    values = forms.read(found.parameters, request.form)
    label = request.form.get("label", "")
    level = request.form.get("visibility", Visibility.PUBLIC.value)
    try:
        row = widgets.add(db(), site().registry, me(), hub, plugin, side, values, label, visibility=level)
        db().commit()
    except InvalidInput as error:
        form = forms.Form(found.parameters, values, error.fields)
        more = {"label": label, "visibility": level, "problem": str(error)}
        return _settings_page(hub, found, form, side=side, **more), 400
    flash(f"{found.label} is on the page.")
    return redirect(f"{urls.hub_edit(hub.kind, hub.name)}#widget-{row.id}", 303)


@blueprint.route("/w/<int:number>/settings", methods=["GET", "POST"])
def settings(number: int) -> ResponseReturnValue:
    """Show a widget's settings, and save them."""
    row = find_widget(number, "edit")
    found = _type(row.plugin)
    page: dict[str, Any] = {"row": row, "version": row.version, "label": row.label, "visibility": row.visibility}
    if request.method == "GET":
        form = forms.Form(found.parameters, found.schema.shown(row.settings), stored=found.schema.has(row.settings))
        return _settings_page(row.hub, found, form, **page)
    values = forms.read(found.parameters, request.form)
    page["label"] = request.form.get("label", "")
    page["visibility"] = request.form.get("visibility", row.visibility.value)
    seen = request.form.get("version", type=int)
    try:
        widgets.update(db(), site().registry, me(), row, values, page["label"], seen, page["visibility"])
        db().commit()
    except (InvalidInput, Conflict) as error:
        # What was typed stays in the form; after a conflict the form knows the version that it would replace.
        wrong = error.fields if isinstance(error, InvalidInput) else {}
        form = forms.Form(found.parameters, values, wrong, found.schema.has(row.settings))
        return _settings_page(row.hub, found, form, **page, problem=str(error)), error.status
    flash("Saved.")
    return redirect(f"{urls.hub(row.hub.kind, row.hub.name)}#widget-{row.id}", 303)


@blueprint.post("/w/<int:number>/move")
def move(number: int) -> ResponseReturnValue:
    """Move a widget up, down, or to the other column."""
    row = find_widget(number, "edit")
    widgets.move(db(), site().registry, me(), row, request.form.get("way", ""))
    db().commit()
    return redirect(f"{urls.hub_edit(row.hub.kind, row.hub.name)}#widget-{row.id}", 303)


@blueprint.route("/w/<int:number>/remove", methods=["GET", "POST"])
def remove(number: int) -> ResponseReturnValue:
    """Ask whether a widget shall go, and take it off its hub."""
    row = find_widget(number, "edit")
    hub: Hub = row.hub
    if request.method == "GET":
        return render_template("remove.html", hub=hub, row=row, label=_label(row.plugin, row.label))
    widgets.remove(db(), me(), row)
    db().commit()
    flash("The widget is gone from this page.")
    return redirect(urls.hub_edit(hub.kind, hub.name), 303)


@blueprint.route("/<any(u, t):space>/<name>/settings", methods=["GET", "POST"])
def hub_settings(space: str, name: str) -> ResponseReturnValue:
    """Show a hub's settings, and save them."""
    hub = find_hub(space, name, "own")
    values: dict[str, Any] = {**hub.extras, **{p.name: getattr(hub, p.name, None) for p in HUB_PARAMETERS[:5]}}
    wrong: dict[str, str] = {}
    if request.method == "POST" and "archived" in request.form:
        hub_actions.update(db(), me(), hub, {"archived": request.form["archived"] == "1"})
    elif request.method == "POST":
        values = forms.read(HUB_PARAMETERS, request.form)
        try:
            hub_actions.update(db(), me(), hub, values)
        except InvalidInput as error:
            wrong = error.fields
    if request.method == "POST" and not wrong:
        db().commit()
        flash("Saved.")
        return redirect(urls.hub(hub.kind, hub.name), 303)
    page = render_template("hub-settings.html", hub=hub, form=forms.Form(HUB_PARAMETERS, values, wrong))
    return page, 400 if wrong else 200


def _side() -> str:
    side = request.values.get("side", "left")
    if side not in ("left", "right"):
        raise InvalidInput("The column is either left or right.")
    return side


def _type(plugin: str) -> WidgetType:
    found = site().registry.get(plugin)
    if found is None:
        raise NotFound(f"There is no widget called {plugin} here.")
    return found


def _label(plugin: str, label: str) -> str:
    found = site().registry.get(plugin)
    return label or (found.label if found else plugin)


def _settings_page(hub: Hub, found: WidgetType, form: forms.Form, **more: Any) -> str:
    machines = found.name == Push.name and more.get("row") is not None
    tokens = push.tokens(db(), me(), more["row"]) if machines else None
    values = {"tokens": tokens, "row": None, "side": "", "version": None, "label": "", "problem": "", **more}
    seen = forms.Form([WIDGET_VISIBILITY], {"visibility": values.pop("visibility", Visibility.PUBLIC)})
    return render_template("widget-settings.html", hub=hub, type=found, form=form, seen=seen, **values)
