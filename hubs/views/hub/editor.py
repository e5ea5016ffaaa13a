"""The page editor: a draft that is changed step by step, then saved or discarded. Works without JavaScript."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from hubs import urls
from hubs.actions import widgets as widget_actions
from hubs.actions.layout import copies, documents, drafts, edits, previews, sentences
from hubs.actions.layout.documents import HubDocument, WidgetDocument, Zone
from hubs.actions.layout.drafts import SavedMeanwhile
from hubs.errors import Conflict, HubsError, InvalidInput
from hubs.i18n import _
from hubs.models import PAGES, Hub, Visibility, Widget
from hubs.permissions import Person
from hubs.views.hub import editor_pages
from hubs.views.hub.editor_pages import shown_page
from hubs.views.web import forms
from hubs.views.web.context import app_context, current_person, db, find_hub, hub_page_url, locale
from hubs.widgets.registry import WidgetType

#: Returns a document with a widget that has these settings, this title and this visibility.
_Change = Callable[[HubDocument, Mapping[str, Any], str, str], HubDocument]

blueprint = Blueprint("editor", __name__, url_prefix="/<any(u, t):space>/<name>/edit")


@blueprint.get("")
def show(space: str, name: str) -> str:
    """Show the draft with the controls to change it."""
    return _page(find_hub(space, name, "edit"))


@blueprint.post("")
def act(space: str, name: str) -> ResponseReturnValue:
    """Apply a step to the draft, undo or redo one, or discard or save the draft."""
    hub = find_hub(space, name, "edit")
    command = request.form.get("act", "")
    try:
        if command == "save":
            return _save(hub)
        # One request per step: the editor works without JavaScript, and undo survives a closed browser.
        here = _ACTS.get(command, _step)(hub)
        db().commit()
    except InvalidInput as error:
        db().rollback()  # expires the hub as well, hence it is read again
        return _page(find_hub(space, name, "edit"), problem=error), error.status
    # The fragment keeps the card that was changed in view when the page is loaded again.
    key = request.form.get("key", "")
    return redirect(urls.hub_edit(hub.kind, hub.name, here) + (f"#edit-{key}" if key else ""), 303)


@blueprint.route("/add/<plugin>", methods=["GET", "POST"])
def add(space: str, name: str, plugin: str) -> ResponseReturnValue:
    """Show the settings of a new widget with a preview, and add it to the draft."""
    hub, side, page = find_hub(space, name, "edit"), _side(), request.args.get("page", "")
    widget_type = widget_actions.fitting(app_context().registry, hub.kind, side, plugin)

    def change(document: HubDocument, values: Mapping[str, Any], title: str, level: str) -> HubDocument:
        return edits.add(document, app_context().registry, side, plugin, values, title, level, page)

    if "at-once" in request.form:
        return _add_at_once(hub, page, change)
    return _settings(hub, widget_type, None, change, (page, side))


def _add_at_once(hub: Hub, page: str, change: _Change) -> ResponseReturnValue:
    """Add a widget with its default settings to the draft, and show it there."""
    draft = drafts.view(db(), app_context().registry, current_person(), hub).document
    document = change(draft, {}, "", Visibility.PUBLIC.value)
    before = {widget.id for widget in documents.every_widget(draft)}
    new = next(widget.id for widget in documents.every_widget(document) if widget.id not in before)
    drafts.put(db(), app_context().registry, current_person(), hub, document)
    db().commit()
    return redirect(f"{urls.hub_edit(hub.kind, hub.name, page)}#edit-{new}", 303)


@blueprint.route("/widget/<key>", methods=["GET", "POST"])
def configure(space: str, name: str, key: str) -> ResponseReturnValue:
    """Show the settings of a widget in the draft with a preview, and save them to the draft."""
    hub = find_hub(space, name, "edit")
    document = drafts.view(db(), app_context().registry, current_person(), hub).document
    widget = edits.find(document, key)
    widget_type = widget_actions.installed(app_context().registry, widget.widget)

    def change(before: HubDocument, values: Mapping[str, Any], title: str, level: str) -> HubDocument:
        return edits.configure(before, app_context().registry, key, values, title, level)

    return _settings(hub, widget_type, widget, change, edits.zone_of(document, key))


@blueprint.route("/widget/<key>/copy", methods=["GET", "POST"])
def copy(space: str, name: str, key: str) -> ResponseReturnValue:
    """Copy a widget into the draft of another hub that the current user owns."""
    hub, problem, status = find_hub(space, name, "edit"), "", 200
    document = drafts.view(db(), app_context().registry, current_person(), hub).document
    widget, others = edits.find(document, key), copies.targets(db(), current_person(), hub)
    page, side = edits.zone_of(document, key)
    chosen = request.form.get("hub", "")
    if request.method == "POST":
        target = next((other for other in others if str(other.id) == chosen), None)
        try:
            if target is None:
                raise InvalidInput(_("Please choose one of your hubs."))
            copies.copy(db(), app_context().registry, current_person(), widget, side, target)
            db().commit()
            flash(_("Copied. This is your draft of %(hub)s: save it when it is right.") % {"hub": target.title})
            return redirect(urls.hub_edit(target.kind, target.name), 303)
        except (InvalidInput, Conflict) as error:
            problem, status = str(error), error.status
    widget_type = app_context().registry.get(widget.widget)
    title = widget.title or (_(widget_type.label) if widget_type else widget.widget)
    values = {"targets": others, "chosen": chosen, "title": title, "problem": problem, "page": page}
    return render_template("copy-widget.html", hub=hub, **values), status


def _settings(
    hub: Hub,
    widget_type: WidgetType,
    widget: WidgetDocument | None,
    change: _Change,
    zone: Zone,
) -> ResponseReturnValue:
    """Handle a settings form of the draft: show it, preview it, or save it to the draft."""
    slug, side = zone
    before: Mapping[str, Any] = widget.settings if widget else {}
    values: Mapping[str, Any] = widget_type.schema.shown(before)
    title, level = (widget.title, str(widget.visibility)) if widget else ("", Visibility.PUBLIC.value)
    wrong: Mapping[str, str] = {}
    if request.method == "POST":
        values, title = forms.read(widget_type.parameters, request.form), request.form.get("label", "")
        level = request.form.get("visibility", level)
        try:
            # A preview is validated like a change, so that its errors show as well; it is only not stored.
            draft = drafts.view(db(), app_context().registry, current_person(), hub)
            document = change(draft.document, values, title, level)
            if "preview" not in request.form:
                drafts.put(db(), app_context().registry, current_person(), hub, document)
                db().commit()
                return redirect(urls.hub_edit(hub.kind, hub.name, slug), 303)
        except InvalidInput as error:
            wrong = error.fields or {"": str(error)}
    page = render_template(
        "draft-widget.html",
        hub=hub,
        type=widget_type,
        new=widget is None,
        side=side,
        page=slug,
        form=forms.Form(widget_type.parameters, values, wrong, widget_type.schema.has(before)),
        seen=forms.Form([forms.WIDGET_VISIBILITY], {"visibility": level}, wrong),
        label=title,
        problem=_summary(wrong),
        preview=previews.render(db(), app_context().jobs, hub, widget_type, values, before, title, side, locale()),
    )
    return page, 400 if wrong and "preview" not in request.form else 200


def _save(hub: Hub) -> ResponseReturnValue:
    try:
        drafts.save(db(), app_context().registry, current_person(), hub)
    except SavedMeanwhile as error:
        db().commit()  # the draft now holds both sides' changes
        return _page(hub, meanwhile=error), error.status
    db().commit()
    flash(_("The page has been saved. Everybody who opens it sees the new version now."))
    return redirect(hub_page_url(hub, page=_here(hub)), 303)


def _here(hub: Hub) -> str:
    """Return the slug of the page that the saved draft was shown for, if the hub still has it."""
    slug = request.args.get("page", "")
    return slug if slug in {page.slug for page in hub.pages} else ""


def _step(hub: Hub) -> str:
    """Change the draft; return the slug of the page to show."""
    document = drafts.view(db(), app_context().registry, current_person(), hub).document
    form, registry = request.form, app_context().registry
    key = form.get("key", "")
    here = shown_page(document)
    if form.get("act", "").startswith("page-"):
        document, here = editor_pages.step(document, here)
    elif form.get("act") == "width":
        document = edits.width(document, form.get("left_width"), here)
    elif form.get("act") == "span":
        document = edits.span(document, key, form.get("width", ""))
    elif form.get("act") == "remove":
        document = edits.remove(document, key)
    elif form.get("act") == "place":
        # ``before`` names the next widget, since an earlier step may have shifted the index.
        index, before = form.get("index", 0, int), form.get("before", "")
        document = edits.place(document, registry, key, form.get("side", ""), index, before)
    elif form.get("act") == "to-page":
        document = edits.send(document, key, form.get("page", ""))
    elif form.get("act") == "theirs":
        draft = drafts.find(db(), current_person(), hub)
        base = documents.read(draft.base) if draft else document
        document = edits.take(document, base, key, form.get("name", ""))
    else:
        document = edits.step(document, registry, key, form.get("act", ""))
    drafts.put(db(), registry, current_person(), hub, document)
    return here


def _shown_after(act: Callable[[Session, Person, Hub], None]) -> Callable[[Hub], str]:
    def run(hub: Hub) -> str:
        act(db(), current_person(), hub)
        return shown_page(drafts.view(db(), app_context().registry, current_person(), hub).document)

    return run


_ACTS: Mapping[str, Callable[[Hub], str]] = {
    "page-address": editor_pages.rename,
    "undo": _shown_after(drafts.undo),
    "redo": _shown_after(drafts.redo),
    "discard": _shown_after(drafts.discard),
}


def _page(hub: Hub, problem: HubsError | None = None, meanwhile: SavedMeanwhile | None = None) -> str:
    registry = app_context().registry
    draft = drafts.view(db(), registry, current_person(), hub)
    rows: dict[str, Widget] = {row.key: row for row in hub.widgets}
    fragments = app_context().fragments.read_many(hub.widgets, locale())
    here = shown_page(draft.document)
    subpage = next((page for page in draft.document.pages if page.slug == here), None)
    # Cards of these widgets show no content: the cached one has the settings from before the draft.
    changed = {change.subject for change in draft.changes if change.kind in ("set", "add")}
    return render_template(
        "edit.html",
        hub=hub,
        draft=draft,
        subpage=subpage,
        layout=subpage.widgets if subpage else draft.document.widgets,
        left_width=subpage.left_width if subpage else draft.document.value("left_width"),
        page_titles={"": _("Home"), **{page.slug: page.title for page in draft.document.pages}},
        most_pages=PAGES,
        rows=rows,
        fragments=fragments,
        changed=changed,
        told={
            "mine": sentences.describe(draft.changes, registry),
            "theirs": sentences.describe(meanwhile.theirs, registry) if meanwhile else [],
        },
        type_of=registry.get,
        problem=problem,
        incomplete=_incomplete(draft.document, problem),
        meanwhile=meanwhile,
    )


def _incomplete(document: HubDocument, problem: HubsError | None) -> list[tuple[WidgetDocument, str]]:
    """Return the widgets that cannot be published with their settings, each with the reason."""
    fields = problem.fields if isinstance(problem, InvalidInput) else {}
    reasons = {place.partition(", ")[0]: reason for place, reason in fields.items()}
    return [(widget, reasons[widget.id]) for widget in documents.every_widget(document) if widget.id in reasons]


def _side() -> str:
    side = request.values.get("side", "left")
    widget_actions.check_side(side)
    return side


def _summary(wrong: Mapping[str, str]) -> str:
    if not wrong:
        return ""
    return wrong.get("") or _("Some fields need your attention.")
