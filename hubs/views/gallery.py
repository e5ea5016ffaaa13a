"""Every widget in every state, for developers and translators; disabled unless ``HUBS_GALLERY`` is set."""

from collections.abc import Mapping
from dataclasses import replace

from flask import Blueprint, render_template
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from hubs.errors import NotFound
from hubs.fragments.store import Fragment
from hubs.i18n import N_, _
from hubs.models import Visibility, Widget
from hubs.permissions import VISITOR, can
from hubs.testing.samples import sample
from hubs.testing.sandbox import Sandbox, Shown, sandbox
from hubs.views.web.context import app_context, db, locale

blueprint = Blueprint("gallery", __name__)

#: Widgets of a type among which an example is searched.
EXAMPLES = 20
_TITLES = {
    "loading": N_("Loading"),
    "live": N_("Live"),
    "refreshing": N_("Refreshing"),
    "stale": N_("Out of date"),
    "failed": N_("Failed"),
    "needs-setup": N_("Needs setup"),
    "empty": N_("Empty"),
}


@blueprint.get("/gallery/")
def index() -> str:
    """List the widgets."""
    _require_enabled()
    return render_template("gallery.html", types=list(app_context().registry), type=None)


@blueprint.get("/gallery/<plugin>")
def show(plugin: str) -> str:
    """Show one widget in every state."""
    _require_enabled()
    registry = app_context().registry
    widget_type = registry.get(plugin)
    if widget_type is None:
        raise NotFound(_("There is no such widget here."))
    # A database of its own: rendering the states leaves nothing behind in this instance.
    with sandbox(registry=registry, locale=locale()) as box:
        values = {"types": list(registry), "type": widget_type, "titles": _TITLES}
        return render_template("gallery.html", **values, shown=_states(box, plugin))


def _require_enabled() -> None:
    if not app_context().settings.gallery:
        raise NotFound(_("There is no gallery here."))


def _states(box: Sandbox, plugin: str) -> Mapping[str, Shown]:
    """Return the states with sample content; third-party widgets without samples use an example of this instance."""
    if content := sample(plugin):
        blank = content.settings if content.blank is None else content.blank
        rows = [Widget(plugin=plugin, settings=dict(settings)) for settings in (content.settings, blank)]
        return box.states(rows[0], content.live, content.empty, rows[1])
    states = box.states(Widget(plugin=plugin, settings={}))
    example = _example(plugin)
    if example is None:
        return states
    for state in ("live", "refreshing", "stale"):
        widget_id = states[state].row.id
        # Element ids contain the id of the widget that the example was taken from.
        html = example.html.replace(f'-{example.widget}"', f'-{widget_id}"')
        copy = replace(example, widget=widget_id, html=html, state="stale" if state == "stale" else "live")
        states[state] = replace(states[state], fragment=copy)
    return states


def _example(plugin: str) -> Fragment | None:
    """Return the content of a public widget of this type, if there is one."""
    query = select(Widget).where(Widget.plugin == plugin, Widget.visibility == Visibility.PUBLIC)
    rows = db().scalars(
        query.options(joinedload(Widget.hub), joinedload(Widget.page)).order_by(Widget.id.desc()).limit(EXAMPLES)
    )
    public = [row for row in rows if can(VISITOR, "view", row)]
    fragments = app_context().fragments.read_many(public, locale()).values()
    return next((fragment for fragment in fragments if fragment.state == "live" and fragment.html), None)
