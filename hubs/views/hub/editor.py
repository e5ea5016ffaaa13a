"""The page editor: a draft that one changes step by step, looks at, and saves or discards. Works without JavaScript."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions import widgets as widget_actions
from hubs.actions.layout import documents, drafts, edits, previews
from hubs.actions.layout.documents import HubDocument, WidgetDocument
from hubs.actions.layout.drafts import SavedMeanwhile
from hubs.errors import HubsError, InvalidInput
from hubs.i18n import _
from hubs.models import Hub, Visibility, Widget
from hubs.views.web import forms
from hubs.views.web.context import app_context, current_person, db, find_hub, hub_page_url, locale
from hubs.widgets.registry import WidgetType

blueprint = Blueprint("editor", __name__, url_prefix="/<any(u, t):space>/<name>/edit")


@blueprint.get("")
def show(space: str, name: str) -> str:
    """Show the draft with the tools to change it."""
    return _page(find_hub(space, name, "edit"))


@blueprint.post("")
def act(space: str, name: str) -> ResponseReturnValue:
    """Take a step, undo or redo one, discard the draft, or save it."""
    hub = find_hub(space, name, "edit")
    wanted = request.form.get("act", "")
    try:
        if wanted == "save":
            return _save(hub)
        _ACTS.get(wanted, _step)(hub)
        db().commit()
    except InvalidInput as error:
        db().rollback()
        return _page(find_hub(space, name, "edit"), problem=error), error.status
    key = request.form.get("key", "")
    return redirect(urls.hub_edit(hub.kind, hub.name) + (f"#edit-{key}" if key else ""), 303)


@blueprint.get("/add")
def catalogue(space: str, name: str) -> str:
    """Show the widgets that can be added to a column, or those of them that the words in ``q`` find."""
    hub, side = find_hub(space, name, "edit"), _side()
    query = request.args.get("q", "").strip()[:100]
    types = [found for found in app_context().registry if found.fits(hub.kind, side) and _matches(found, query)]
    return render_template("catalogue.html", hub=hub, side=side, types=types, query=query)


@blueprint.route("/add/<plugin>", methods=["GET", "POST"])
def add(space: str, name: str, plugin: str) -> ResponseReturnValue:
    """Show the settings of a new widget with a preview, and put it into the draft."""
    hub, side = find_hub(space, name, "edit"), _side()
    found = widget_actions.fitting(app_context().registry, hub.kind, side, plugin)

    def put(document: HubDocument, values: Mapping[str, Any], title: str, level: str) -> HubDocument:
        return edits.add(document, app_context().registry, side, plugin, values, title, level)

    return _settings(hub, found, None, put, side)


@blueprint.route("/widget/<key>", methods=["GET", "POST"])
def configure(space: str, name: str, key: str) -> ResponseReturnValue:
    """Show the settings of a widget in the draft with a preview, and change them there."""
    hub = find_hub(space, name, "edit")
    document = drafts.view(db(), app_context().registry, current_person(), hub).document
    one = edits.find(document, key)
    found = widget_actions.installed(app_context().registry, one.widget)

    def put(before: HubDocument, values: Mapping[str, Any], title: str, level: str) -> HubDocument:
        return edits.configure(before, app_context().registry, key, values, title, level)

    return _settings(hub, found, one, put, edits.side_of(document, key))


def _settings(
    hub: Hub,
    found: WidgetType,
    one: WidgetDocument | None,
    put: Callable[[HubDocument, Mapping[str, Any], str, str], HubDocument],
    side: str,
) -> ResponseReturnValue:
    """Answer a settings form of the draft: show it, preview it, or put what it holds into the draft."""
    before: Mapping[str, Any] = one.settings if one else {}
    values: Mapping[str, Any] = found.schema.shown(before)
    title, level = (one.title, str(one.visibility)) if one else ("", Visibility.PUBLIC.value)
    wrong: Mapping[str, str] = {}
    if request.method == "POST":
        values, title = forms.read(found.parameters, request.form), request.form.get("label", "")
        level = request.form.get("visibility", level)
        try:
            document = put(
                drafts.view(db(), app_context().registry, current_person(), hub).document, values, title, level
            )
            if "preview" not in request.form:
                drafts.put(db(), app_context().registry, current_person(), hub, document)
                db().commit()
                return redirect(urls.hub_edit(hub.kind, hub.name), 303)
        except InvalidInput as error:
            wrong = error.fields or {"": str(error)}
    answer = render_template(
        "draft-widget.html",
        hub=hub,
        type=found,
        new=one is None,
        side=side,
        form=forms.Form(found.parameters, values, wrong, found.schema.has(before)),
        seen=forms.Form([forms.WIDGET_VISIBILITY], {"visibility": level}, wrong),
        label=title,
        problem=_first(wrong),
        preview=previews.render(db(), app_context().jobs, hub, found, values, before, title, side, locale()),
    )
    return answer, 400 if wrong and "preview" not in request.form else 200


def _save(hub: Hub) -> ResponseReturnValue:
    try:
        drafts.save(db(), app_context().registry, current_person(), hub)
    except SavedMeanwhile as error:
        db().commit()  # the draft holds both now
        return _page(hub, meanwhile=error), error.status
    db().commit()
    flash(_("The page has been saved. Everybody who opens it sees the new version now."))
    return redirect(hub_page_url(hub), 303)


def _step(hub: Hub) -> None:
    document = drafts.view(db(), app_context().registry, current_person(), hub).document
    sent, registry = request.form, app_context().registry
    key = sent.get("key", "")
    if sent.get("act") == "width":
        document = edits.width(document, sent.get("left_width"))
    elif sent.get("act") == "remove":
        document = edits.remove(document, key)
    elif sent.get("act") == "place":
        index, before = sent.get("index", 0, int), sent.get("before", "")
        document = edits.place(document, registry, key, sent.get("side", ""), index, before)
    elif sent.get("act") == "theirs":
        draft = drafts.find(db(), current_person(), hub)
        base = documents.read(draft.base) if draft else document
        document = edits.take(document, base, key, sent.get("name", ""))
    else:
        document = edits.step(document, registry, key, sent.get("act", ""))
    drafts.put(db(), registry, current_person(), hub, document)


_ACTS: dict[str, Callable[[Hub], None]] = {
    "undo": lambda hub: drafts.undo(db(), current_person(), hub),
    "redo": lambda hub: drafts.redo(db(), current_person(), hub),
    "discard": lambda hub: drafts.discard(db(), current_person(), hub),
}


def _page(hub: Hub, problem: HubsError | None = None, meanwhile: SavedMeanwhile | None = None) -> str:
    draft = drafts.view(db(), app_context().registry, current_person(), hub)
    rows: dict[str, Widget] = {row.key: row for row in hub.widgets}
    found = app_context().fragments.read_many(hub.widgets, locale())
    changed = {change.subject for change in draft.changes if change.kind in ("set", "add")}
    return render_template(
        "edit.html",
        hub=hub,
        draft=draft,
        rows=rows,
        fragments=found,
        changed=changed,
        type_of=app_context().registry.get,
        problem=problem,
        meanwhile=meanwhile,
    )


def _side() -> str:
    side = request.values.get("side", "left")
    if side not in documents.SIDES:
        raise InvalidInput(_("The column is either left or right."))
    return side


def _matches(found: WidgetType, query: str) -> bool:
    text = f"{found.name} {found.label} {_(found.label)} {found.cls.summary} {_(found.cls.summary)}".lower()
    return all(word in text for word in query.lower().split())


def _first(wrong: Mapping[str, str]) -> str:
    if not wrong:
        return ""
    return wrong.get("") or _("Some fields need your attention.")
