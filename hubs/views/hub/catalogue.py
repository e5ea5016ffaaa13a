"""The catalogue: the widget types that can be added to a zone of a hub's page, in groups. Works without JavaScript."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from flask import Blueprint, render_template, request

from hubs.actions import hubs as hub_actions
from hubs.actions import widgets as widget_actions
from hubs.actions.layout import documents, drafts
from hubs.i18n import N_, _
from hubs.models import SIDES, Hub
from hubs.models.hub_fields import HUB_FIELDS
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


#: The group of widgets that suit a hub and are not on it yet, and the most that it has.
FITTING = Group("fitting", N_("Fits this hub"), "sparkles")
MOST_FITTING = 3
#: Widgets about projects: a hub that has one of them may want the others.
_OF_PROJECTS = ("issues", "pulls", "tasks", "ci", "releases")
#: Widgets that show nothing until somebody names a project, a person or an address; others can be added at once.
_SETTINGS_FIRST = frozenset(
    (*_OF_PROJECTS, "discourse", "karma", "matrix", "outages", "package_reviews", "packager", "weblate")
)


@dataclass(frozen=True)
class Entry:
    """A widget type in the catalogue."""

    type: WidgetType
    drawing: str
    on_page: bool
    #: Whether it can be added with its default settings.
    at_once: bool


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
    groups = _grouped(hub, types, used)
    return render_template("catalogue.html", hub=hub, side=side, sides=SIDES, groups=groups, query=query, page=page)


def _offered() -> Iterator[WidgetType]:
    registry = app_context().registry
    return (kind for kind in registry if registry.offers(kind.name))


def _grouped(hub: Hub, types: Iterable[WidgetType], used: Collection[str]) -> list[tuple[Group, list[Entry]]]:
    """Return the groups that have entries; ``used`` are the types that the page has already."""
    offered = {kind.name: kind for kind in types}
    suitable = dict.fromkeys(name for name in _suitable(hub, used) if name in offered and name not in used)
    fitting = list(suitable)[:MOST_FITTING]
    entries: dict[str, list[Entry]] = {group.name: [] for group in (FITTING, *GROUPS)}
    home = {plugin: group.name for group in GROUPS for plugin in group.widgets} | dict.fromkeys(fitting, FITTING.name)
    for name in dict.fromkeys((*fitting, *offered)):
        kind = offered[name]
        entry = Entry(kind, _DRAWINGS.get(name, "list"), name in used, not _needs_settings(kind, hub))
        entries[home.get(name, GROUPS[-1].name)].append(entry)
    return [(group, entries[group.name]) for group in (FITTING, *GROUPS) if entries[group.name]]


def _suitable(hub: Hub, used: Collection[str]) -> Iterator[str]:
    """Yield widgets that suit a hub: those that show what its settings say, and those of new hubs of its kind."""
    extras = hub.extras or {}
    if extras.get("calendar"):
        yield "meetings"
    if any(name in used for name in _OF_PROJECTS):
        yield from _OF_PROJECTS
    if any(extras.get(field.name) for field in HUB_FIELDS if field.contact):
        yield "contact"
    for _side, name in hub_actions.default_layout(app_context().registry, hub.kind):
        yield name


def _needs_settings(kind: WidgetType, hub: Hub) -> bool:
    if kind.name == "meetings":
        return not (hub.extras or {}).get("calendar")
    return kind.name in _SETTINGS_FIRST or any(parameter.required for parameter in kind.parameters)


def _matches(widget_type: WidgetType, query: str) -> bool:
    # In English as well: documentation and colleagues may use the English name.
    label, summary = widget_type.label, widget_type.cls.summary
    text = f"{widget_type.name} {label} {_(label)} {summary} {_(summary)}".lower()
    return all(word in text for word in query.lower().split())
