"""The catalogue: the widget types that can be added to a zone of a hub's page, in groups. Works without JavaScript."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask import Blueprint, render_template, request

from hubs.actions import widgets as widget_actions
from hubs.actions.layout import documents, drafts
from hubs.i18n import N_, _
from hubs.views.web.context import app_context, current_person, db, find_hub
from hubs.widgets.registry import WidgetType

blueprint = Blueprint("catalogue", __name__, url_prefix="/<any(u, t):space>/<name>/edit")

#: The drawings of ``catalogue-drawings.html`` by widget; other widgets are drawn as a list.
_DRAWINGS = {
    "about": "text",
    "activity": "chart",
    "badges": "people",
    "contact": "text",
    "heatmap": "squares",
    "karma": "people",
    "members": "people",
    "rules": "text",
    "stats": "numbers",
    "sticky": "note",
}


@dataclass(frozen=True)
class Group:
    """Widget types about the same; ``name`` is the anchor."""

    name: str
    title: str
    icon: str
    widgets: tuple[str, ...] = ()


#: The built-in widgets. Those of other packages are in the last group.
GROUPS = (
    Group(
        "people",
        N_("People"),
        "users",
        ("members", "stats", "rules", "contact", "about", "badges", "karma", "subscriptions", "matrix"),
    ),
    Group(
        "work",
        N_("Work"),
        "branch",
        (
            "issues",
            "pulls",
            "halp",
            "builds",
            "updates",
            "package_reviews",
            "packager",
            "ci",
            "tasks",
            "weblate",
            "activity",
            "heatmap",
        ),
    ),
    Group(
        "news", N_("News"), "feed", ("feed", "meetings", "discourse", "releases", "rss", "outages", "sticky", "cobwebs")
    ),
    Group("own", N_("Your own"), "shapes", ("library", "json", "push")),
)


@dataclass(frozen=True)
class Entry:
    """A widget type in the catalogue."""

    type: WidgetType
    drawing: str
    on_page: bool


@blueprint.get("/add")
def show(space: str, name: str) -> str:
    """Show the widget types that can be added to a zone, filtered by the words in ``q``."""
    hub, side = find_hub(space, name, "edit"), request.values.get("side", "left")
    widget_actions.check_side(side)
    page = request.args.get("page", "")
    query = request.args.get("q", "").strip()[:100]
    types = [kind for kind in _offered() if kind.fits(hub.kind, side) and _matches(kind, query)]
    document = drafts.view(db(), app_context().registry, current_person(), hub).document
    used = {widget.widget for widget in documents.every_widget(document)}
    return render_template("catalogue.html", hub=hub, side=side, groups=_grouped(types, used), query=query, page=page)


def _offered() -> Iterator[WidgetType]:
    registry = app_context().registry
    return (kind for kind in registry if registry.offers(kind.name))


def _grouped(types: Iterable[WidgetType], used: set[str]) -> list[tuple[Group, list[Entry]]]:
    """Return the groups that have entries; ``used`` are the types that the page has already."""
    entries: dict[str, list[Entry]] = {group.name: [] for group in GROUPS}
    home = {plugin: group.name for group in GROUPS for plugin in group.widgets}
    for kind in types:
        entry = Entry(kind, _DRAWINGS.get(kind.name, "list"), kind.name in used)
        entries[home.get(kind.name, GROUPS[-1].name)].append(entry)
    return [(group, entries[group.name]) for group in GROUPS if entries[group.name]]


def _matches(widget_type: WidgetType, query: str) -> bool:
    # In English as well: documentation and colleagues may use the English name.
    label, summary = widget_type.label, widget_type.cls.summary
    text = f"{widget_type.name} {label} {_(label)} {summary} {_(summary)}".lower()
    return all(word in text for word in query.lower().split())
