"""Three-way merge of two versions of a hub, mine and theirs, with their common base. No change is dropped."""

from dataclasses import dataclass, field
from typing import Any

from hubs.actions.layout import page_rows, pages
from hubs.actions.layout.documents import (
    RECORD,
    WIDGETS,
    HubDocument,
    PageDocument,
    WidgetDocument,
    Zone,
    every_widget,
    with_zones,
    zones,
)
from hubs.actions.widgets import free_key
from hubs.errors import Conflict
from hubs.i18n import _
from hubs.models import PAGES


@dataclass(frozen=True, slots=True)
class Clash:
    """A conflict in one place. ``subject`` is as in `diff.Change`. The merged document has my value."""

    subject: str
    name: str
    mine: Any
    theirs: Any


@dataclass
class _Merge:
    clashes: list[Clash] = field(default_factory=list)

    def value(self, subject: str, name: str, base: Any, mine: Any, theirs: Any) -> Any:
        """Return the changed value; mine, with a recorded clash, if both changed it."""
        if mine == base:
            return theirs
        if theirs not in (base, mine):
            self.clashes.append(Clash(subject, name, mine, theirs))
        return mine


def merge(base: HubDocument, mine: HubDocument, theirs: HubDocument) -> tuple[HubDocument, list[Clash]]:
    """Return the merged document, and the places that both changed in different ways.

    :raises Conflict: when it would have more widgets or pages than a hub can hold.
    """
    merged = _Merge()
    record = {
        name: merged.value("hub", name, getattr(base, name), getattr(mine, name), getattr(theirs, name))
        for name in RECORD
    }
    accounts = {
        name: merged.value("hub", name, base.accounts.get(name), mine.accounts.get(name), theirs.accounts.get(name))
        for name in sorted({*base.accounts, *mine.accounts, *theirs.accounts})
    }
    # Two new widgets with the same generated id are different widgets, not a conflict.
    mine = _renamed(base, mine, theirs)
    widgets = _widgets(merged, base, mine, theirs)
    if len(widgets) > WIDGETS:
        text = _(
            "Somebody else saved this page while you were changing it. With what both of you added it would hold "
            "%(count)d widgets, and %(widgets)d are possible: remove some in the editor, then save again."
        )
        raise Conflict(text % {"count": len(widgets), "widgets": WIDGETS})
    rows = _order(merged, base, mine, theirs, widgets)
    record["accounts"] = {name: text for name, text in accounts.items() if text}
    record["pages"] = _pages(merged, base, mine, theirs, {slug for (slug, _side), placed in rows.items() if placed})
    return with_zones(theirs.model_copy(update=record), rows), merged.clashes


def _pages(
    merged: _Merge, base: HubDocument, mine: HubDocument, theirs: HubDocument, needed: set[str]
) -> list[PageDocument]:
    """Return the pages of the merged document, without widgets; those that hold widgets are ``needed``."""
    before, my, their = ({page.slug: page for page in document.pages} for document in (base, mine, theirs))
    common = before.keys() & my.keys() & their.keys()
    was, order = ([slug for slug in version if slug in common] for version in (before, my))
    leading, other = (their, my) if order == was else (my, their)
    result = []
    for slug in {**leading, **other}:
        old, ours, others = before.get(slug), my.get(slug), their.get(slug)
        kept = ours or others
        if kept is not None and ours and others:
            fields = {
                name: merged.value(
                    f"/{slug}", name, getattr(old or others, name), getattr(ours, name), getattr(others, name)
                )
                for name in pages.FIELDS
            }
            result.append(kept.model_copy(update=fields))
        elif kept is not None and (old is None or slug in needed or _fields(kept) != _fields(old)):
            if old is not None:
                state = {True: "changed", False: "removed"}
                merged.clashes.append(Clash(f"/{slug}", "removed", state[bool(ours)], state[bool(others)]))
            result.append(kept)
    if len(result) > PAGES:
        raise Conflict(page_rows.too_many())
    return result


def _fields(page: PageDocument) -> list[Any]:
    return [getattr(page, name) for name in pages.FIELDS]


def _renamed(base: HubDocument, mine: HubDocument, theirs: HubDocument) -> HubDocument:
    """Rename in mine the different widgets that both added under the same id."""
    their_widgets, base_widgets = _by_id(theirs), _by_id(base)
    used_ids = {*their_widgets, *_by_id(mine)}
    names: dict[str, str] = {}
    for widget in every_widget(mine):
        if widget.id not in base_widgets and widget.id in their_widgets and their_widgets[widget.id] != widget:
            names[widget.id] = free_key(used_ids, widget.widget)
            used_ids.add(names[widget.id])
    if not names:
        return mine
    rows = {
        zone: [widget.model_copy(update={"id": names.get(widget.id, widget.id)}) for widget in widgets]
        for zone, widgets in zones(mine).items()
    }
    return with_zones(mine, rows)


def _widgets(merged: _Merge, base: HubDocument, mine: HubDocument, theirs: HubDocument) -> dict[str, WidgetDocument]:
    """Return the widgets of the merged document by id, in no order."""
    before, my, their = _by_id(base), _by_id(mine), _by_id(theirs)
    staying: dict[str, WidgetDocument] = {}
    for key in {**my, **their}:
        old, ours, others = before.get(key), my.get(key), their.get(key)
        if ours and others:
            staying[key] = _settings(merged, old, ours, others)
        elif old is None:
            staying[key] = ours or others  # type: ignore[assignment]  # at least one of them is set
        elif ours is None and others != old:
            merged.clashes.append(Clash(key, "removed", "removed", "changed"))
            staying[key] = others  # type: ignore[assignment]  # else it would be in neither
        elif others is None and ours != old:
            merged.clashes.append(Clash(key, "removed", "changed", "removed"))
            staying[key] = ours  # type: ignore[assignment]  # else it would be in neither
    return staying


def _settings(
    merged: _Merge, old: WidgetDocument | None, ours: WidgetDocument, others: WidgetDocument
) -> WidgetDocument:
    base = old or others
    title = merged.value(ours.id, "title", base.title, ours.title, others.title)
    visibility = merged.value(ours.id, "visibility", base.visibility, ours.visibility, others.visibility)
    width = merged.value(ours.id, "width", base.width, ours.width, others.width)
    names = sorted({*base.settings, *ours.settings, *others.settings})
    settings = {
        name: merged.value(ours.id, name, base.settings.get(name), ours.settings.get(name), others.settings.get(name))
        for name in names
    }
    changed = {name: value for name, value in settings.items() if value is not None}
    return ours.model_copy(update={"title": title, "visibility": visibility, "width": width, "settings": changed})


def _order(
    merged: _Merge, base: HubDocument, mine: HubDocument, theirs: HubDocument, widgets: dict[str, WidgetDocument]
) -> dict[Zone, list[WidgetDocument]]:
    """Return the zones in my order if I moved something, else in theirs, with the other's new widgets inserted."""
    common = {*_by_id(base)} & {*_by_id(mine)} & {*_by_id(theirs)}
    was, my, their = (_places(widget, common) for widget in (base, mine, theirs))
    if my not in (was, their) and their != was:
        merged.clashes.append(Clash("hub", "order", "moved", "moved"))
    # One side's order is kept as a whole, since an order composed of both would be nobody's.
    leading, other = (theirs, mine) if my == was else (mine, theirs)
    columns = {zone: [widget.id for widget in rows if widget.id in widgets] for zone, rows in zones(leading).items()}
    placed = {key for rows in columns.values() for key in rows}
    for zone, documents in zones(other).items():
        before: str | None = None
        for key in (widget.id for widget in documents):
            if key in widgets and key not in placed:
                rows = columns.setdefault(zone, [])
                rows.insert(rows.index(before) + 1 if before in rows else 0, key)
                placed.add(key)
            before = key
    return {zone: [widgets[key] for key in rows] for zone, rows in columns.items()}


def _by_id(document: HubDocument) -> dict[str, WidgetDocument]:
    return {widget.id: widget for widget in every_widget(document)}


def _places(document: HubDocument, among: set[str]) -> dict[Zone, list[str]]:
    """Return the ids of the widgets of each zone that has some ``among`` these."""
    placed = {zone: [widget.id for widget in rows if widget.id in among] for zone, rows in zones(document).items()}
    return {zone: ids for zone, ids in placed.items() if ids}
