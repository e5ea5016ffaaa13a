"""Sentences about the changes of a hub in the reader's language, such as “Elowen moved About up”."""

from collections.abc import Mapping
from dataclasses import dataclass

from hubs.actions.layout.diff import Change
from hubs.actions.layout.values import Piece, pieces, text_of
from hubs.activities.forms import Forms
from hubs.activities.sentences import Part, filled
from hubs.i18n import N_, _
from hubs.models import Visibility, Width
from hubs.models.hub_fields import HUB_FIELDS
from hubs.parameters.declaration import Parameter
from hubs.widgets.registry import Registry

#: The sentence with the person, and without one: of an unsaved draft, or of a command.
FORMS: Mapping[str, Forms] = {
    "add": Forms(N_("{actor} added the widget {thing}"), nobody=N_("Added the widget {thing}")),
    "remove": Forms(N_("{actor} removed the widget {thing}"), nobody=N_("Removed the widget {thing}")),
    "move": Forms(N_("{actor} moved {thing}"), nobody=N_("Moved {thing}")),
    "move.up": Forms(N_("{actor} moved {thing} up"), nobody=N_("Moved {thing} up")),
    "move.down": Forms(N_("{actor} moved {thing} down"), nobody=N_("Moved {thing} down")),
    "move.left": Forms(N_("{actor} moved {thing} to the left column"), nobody=N_("Moved {thing} to the left column")),
    "move.right": Forms(
        N_("{actor} moved {thing} to the right column"), nobody=N_("Moved {thing} to the right column")
    ),
    "move.below": Forms(N_("{actor} moved {thing} below the columns"), nobody=N_("Moved {thing} below the columns")),
    "move.page": Forms(
        N_("{actor} moved {thing} to the page “{detail}”"), nobody=N_("Moved {thing} to the page “{detail}”")
    ),
    "move.home": Forms(N_("{actor} moved {thing} to the home page"), nobody=N_("Moved {thing} to the home page")),
    "page.add": Forms(N_("{actor} added the page {thing}"), nobody=N_("Added the page {thing}")),
    "page.remove": Forms(N_("{actor} removed the page {thing}"), nobody=N_("Removed the page {thing}")),
    "page.title": Forms(
        N_("{actor} changed the title of the page {thing}"), nobody=N_("Changed the title of the page {thing}")
    ),
    "page.visibility": Forms(
        N_("{actor} changed who can see the page {thing}"), nobody=N_("Changed who can see the page {thing}")
    ),
    "page.left_width": Forms(
        N_("{actor} changed “{detail}” of the page {thing}"), nobody=N_("Changed “{detail}” of the page {thing}")
    ),
    "page.order": Forms(N_("{actor} changed the order of the pages"), nobody=N_("Changed the order of the pages")),
    "title": Forms(N_("{actor} changed the title of {thing}"), nobody=N_("Changed the title of {thing}")),
    "visibility": Forms(N_("{actor} changed who can see {thing}"), nobody=N_("Changed who can see {thing}")),
    "width": Forms(N_("{actor} changed the width of {thing}"), nobody=N_("Changed the width of {thing}")),
    "setting": Forms(N_("{actor} changed “{detail}” of {thing}"), nobody=N_("Changed “{detail}” of {thing}")),
    "field": Forms(N_("{actor} changed “{detail}”"), nobody=N_("Changed “{detail}”")),
    "archived": Forms(N_("{actor} archived the hub"), nobody=N_("Archived the hub")),
    "unarchived": Forms(N_("{actor} took the hub out of the archive"), nobody=N_("Took the hub out of the archive")),
}
_FIELDS: Mapping[str, Parameter] = {field.name: field for field in HUB_FIELDS}
_WIDGET_FIELDS: Mapping[str, Parameter] = {
    "title": Parameter("title", default=""),
    "visibility": Parameter(
        "visibility",
        kind="choice",
        choices=[(level, label) for level, label in _FIELDS["visibility"].choices if level in list(Visibility)],
    ),
    "width": Parameter(
        "width",
        kind="choice",
        choices=[
            (Width.THIRD.value, N_("A third of the row")),
            (Width.HALF.value, N_("Half of the row")),
            (Width.FULL.value, N_("The whole row")),
        ],
    ),
}


@dataclass(frozen=True, slots=True)
class Described:
    """A sentence about one change, and what changed in the value, if it changed one."""

    parts: list[Part]
    pieces: list[Piece]

    def __str__(self) -> str:
        """Return the sentence as plain text."""
        return "".join(part.text for part in self.parts)


def describe(
    changes: list[Change], registry: Registry, agent: str = "", accounts: Mapping[str, str] | None = None
) -> list[Described]:
    """Return a sentence for each change.

    :param agent: the account that made them; without one, the sentences name nobody.
    :param accounts: display names by account.
    """
    return [_described(change, registry, agent, accounts or {}) for change in changes]


def _described(change: Change, registry: Registry, agent: str, accounts: Mapping[str, str]) -> Described:
    parameter = _parameter(change, registry)
    forms = FORMS[_form(change)]
    values = {"actor": agent, "target": "", "thing": _heading(change, registry)}
    values["detail"] = _(parameter.label) if parameter else change.page or change.name
    parts = filled(_(forms.named if agent else forms.nobody), values, accounts)
    if change.kind != "set" or change.name == "archived":
        return Described(parts, [])
    unset = _usual(change, registry) if _is_title(change) else ""
    before, after = (text_of(parameter, value) or unset for value in (change.before, change.after))
    return Described(parts, pieces(before, after))


def _form(change: Change) -> str:
    if change.subject.startswith("/"):
        return f"page.{change.name if change.kind == 'set' else change.kind}"
    if change.kind == "move":
        (old_page, _slash, _side), (page, _slash, side) = (
            str(place).rpartition("/") for place in (change.before, change.name)
        )
        if old_page != page:
            return "move.page" if page else "move.home"
        if change.before != change.name:
            return f"move.{side}"
        return "move.up" if change.places < 0 else "move.down" if change.places else "move"
    if change.kind != "set":
        return change.kind
    if (change.subject, change.name) == ("hub", "pages"):
        return "page.order"
    if change.widget is None:
        return {True: "archived", False: "unarchived"}[bool(change.after)] if change.name == "archived" else "field"
    return "setting" if change.setting else change.name


def _parameter(change: Change, registry: Registry) -> Parameter | None:
    """Return the declaration of the value that changed, unless its widget is not installed."""
    if change.widget is None:
        of_page = _WIDGET_FIELDS.get(change.name) if change.page else None
        return of_page or _FIELDS.get(change.name)
    if not change.setting:
        return _WIDGET_FIELDS.get(change.name)
    widget_type = registry.get(change.widget.widget)
    declared = widget_type.schema.parameters if widget_type else ()
    return next((parameter for parameter in declared if parameter.name == change.name), None)


def _heading(change: Change, registry: Registry) -> str:
    """Return the heading of the widget; before the change, if that changed it."""
    if change.widget is None:
        return change.page or change.subject
    return str(change.before if _is_title(change) else change.widget.title) or _usual(change, registry)


def _is_title(change: Change) -> bool:
    return change.kind == "set" and change.name == "title" and not change.setting and change.widget is not None


def _usual(change: Change, registry: Registry) -> str:
    """Return the heading that the type of the widget has."""
    plugin = change.widget.widget if change.widget else ""
    widget_type = registry.get(plugin)
    return _(widget_type.label) if widget_type else plugin
