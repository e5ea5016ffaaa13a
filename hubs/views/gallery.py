"""Every widget in every state, for those who build and translate them; off unless ``HUBS_GALLERY`` is on."""

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

#: Widgets of one kind among which an example is looked for.
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
    _allow()
    return render_template("gallery.html", types=list(app_context().registry), type=None)


@blueprint.get("/gallery/<plugin>")
def show(plugin: str) -> str:
    """Show one widget in every state."""
    _allow()
    found = app_context().registry.get(plugin)
    if found is None:
        raise NotFound(_("There is no such widget here."))
    with sandbox(registry=app_context().registry) as box:
        shown = _states(box, plugin)
        return render_template(
            "gallery.html", types=list(app_context().registry), type=found, shown=shown, titles=_TITLES
        )


def _allow() -> None:
    if not app_context().settings.gallery:
        raise NotFound(_("There is no gallery here."))


def _states(box: Sandbox, plugin: str) -> Mapping[str, Shown]:
    """Return the states with invented content, or for a widget from elsewhere with an example from this instance."""
    if shown := sample(plugin):
        blank = shown.settings if shown.blank is None else shown.blank
        rows = [Widget(plugin=plugin, settings=dict(settings)) for settings in (shown.settings, blank)]
        return box.states(rows[0], shown.live, shown.empty, rows[1])
    found = box.states(Widget(plugin=plugin, settings={}))
    example = _example(plugin)
    if example is None:
        return found
    for state in ("live", "refreshing", "stale"):
        number = found[state].row.id
        # Its ids are those of the widget that it was taken from.
        html = example.html.replace(f'-{example.widget}"', f'-{number}"')
        copy = replace(example, widget=number, html=html, state="stale" if state == "stale" else "live")
        found[state] = replace(found[state], fragment=copy)
    return found


def _example(plugin: str) -> Fragment | None:
    """Return the content of a widget of this kind that everybody may see."""
    query = select(Widget).where(Widget.plugin == plugin, Widget.visibility == Visibility.PUBLIC)
    rows = db().scalars(query.options(joinedload(Widget.hub)).order_by(Widget.id.desc()).limit(EXAMPLES))
    seen = [row for row in rows if can(VISITOR, "view", row)]
    there = app_context().fragments.read_many(seen, locale()).values()
    return next((one for one in there if one.state == "live" and one.html), None)
