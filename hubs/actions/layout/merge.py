"""Three-way merge of two changes of a hub, mine and theirs, with their common base; no change is dropped."""

from dataclasses import dataclass, field
from typing import Any

from hubs.actions.layout.documents import RECORD, SIDES, WIDGETS, HubDocument, Layout, WidgetDocument
from hubs.actions.layout.edits import every
from hubs.actions.widgets import free_key
from hubs.errors import Conflict
from hubs.i18n import _


@dataclass(frozen=True, slots=True)
class Clash:
    """One place that both changed: ``subject`` is ``hub`` or a widget's id. Mine is in the joined document."""

    subject: str
    name: str
    mine: Any
    theirs: Any


@dataclass
class _Joined:
    clashes: list[Clash] = field(default_factory=list)

    def value(self, subject: str, name: str, base: Any, mine: Any, theirs: Any) -> Any:
        """Return the changed value; mine if both changed it."""
        if mine == base:
            return theirs
        if theirs not in (base, mine):
            self.clashes.append(Clash(subject, name, mine, theirs))
        return mine


def merge(base: HubDocument, mine: HubDocument, theirs: HubDocument) -> tuple[HubDocument, list[Clash]]:
    """Return what both made of ``base`` together, and the places that both changed in different ways.

    :raises Conflict: when that would be more widgets than a hub holds.
    """
    joined = _Joined()
    record = {
        name: joined.value("hub", name, getattr(base, name), getattr(mine, name), getattr(theirs, name))
        for name in RECORD
    }
    accounts = {
        name: joined.value("hub", name, base.accounts.get(name), mine.accounts.get(name), theirs.accounts.get(name))
        for name in sorted({*base.accounts, *mine.accounts, *theirs.accounts})
    }
    mine = _renamed(base, mine, theirs)
    staying = _widgets(joined, base, mine, theirs)
    if len(staying) > WIDGETS:
        text = _(
            "Somebody else saved this page while you were changing it. With what both of you added it would hold "
            "%(count)d widgets, and %(widgets)d are possible: remove some in the editor, then save again."
        )
        raise Conflict(text % {"count": len(staying), "widgets": WIDGETS})
    columns = _order(joined, base, mine, theirs, staying)
    record["accounts"] = {name: text for name, text in accounts.items() if text}
    record["widgets"] = Layout(left=columns["left"], right=columns["right"])
    return theirs.model_copy(update=record), joined.clashes


def _renamed(base: HubDocument, mine: HubDocument, theirs: HubDocument) -> HubDocument:
    """Give widgets that both added under one id, but that differ, an id of their own in mine."""
    there, known = _by_id(theirs), _by_id(base)
    taken = {*there, *_by_id(mine)}
    names: dict[str, str] = {}
    for one in every(mine):
        if one.id not in known and one.id in there and there[one.id] != one:
            names[one.id] = free_key(taken, one.widget)
            taken.add(names[one.id])
    if not names:
        return mine
    columns = {
        side: [one.model_copy(update={"id": names.get(one.id, one.id)}) for one in getattr(mine.widgets, side)]
        for side in SIDES
    }
    return mine.model_copy(update={"widgets": Layout(left=columns["left"], right=columns["right"])})


def _widgets(joined: _Joined, base: HubDocument, mine: HubDocument, theirs: HubDocument) -> dict[str, WidgetDocument]:
    """Return the widgets that stay, by id, in no order."""
    before, my, their = _by_id(base), _by_id(mine), _by_id(theirs)
    found: dict[str, WidgetDocument] = {}
    for key in {**my, **their}:
        old, ours, others = before.get(key), my.get(key), their.get(key)
        if ours and others:
            found[key] = _settings(joined, old, ours, others)
        elif old is None:
            found[key] = ours or others  # type: ignore[assignment]  # one of them has it
        elif ours is None and others != old:
            joined.clashes.append(Clash(key, "removed", "removed", "changed"))
            found[key] = others  # type: ignore[assignment]  # else it would be in neither
        elif others is None and ours != old:
            joined.clashes.append(Clash(key, "removed", "changed", "removed"))
            found[key] = ours  # type: ignore[assignment]  # else it would be in neither
    return found


def _settings(
    joined: _Joined, old: WidgetDocument | None, ours: WidgetDocument, others: WidgetDocument
) -> WidgetDocument:
    base = old or others
    title = joined.value(ours.id, "title", base.title, ours.title, others.title)
    visibility = joined.value(ours.id, "visibility", base.visibility, ours.visibility, others.visibility)
    names = sorted({*base.settings, *ours.settings, *others.settings})
    settings = {
        name: joined.value(ours.id, name, base.settings.get(name), ours.settings.get(name), others.settings.get(name))
        for name in names
    }
    kept = {name: value for name, value in settings.items() if value is not None}
    return ours.model_copy(update={"title": title, "visibility": visibility, "settings": kept})


def _order(
    joined: _Joined, base: HubDocument, mine: HubDocument, theirs: HubDocument, widgets: dict[str, WidgetDocument]
) -> dict[str, list[WidgetDocument]]:
    """Return the columns in my order where I moved something, else in theirs, with what the other added put in."""
    common = {*_by_id(base)} & {*_by_id(mine)} & {*_by_id(theirs)}
    was, my, their = (_places(one, common) for one in (base, mine, theirs))
    if my not in (was, their) and their != was:
        joined.clashes.append(Clash("hub", "order", "moved", "moved"))
    leading, other = (theirs, mine) if my == was else (mine, theirs)
    columns = {side: [one.id for one in getattr(leading.widgets, side) if one.id in widgets] for side in SIDES}
    placed = {key for rows in columns.values() for key in rows}
    for side in SIDES:
        before: str | None = None
        for key in (one.id for one in getattr(other.widgets, side)):
            if key in widgets and key not in placed:
                rows = columns[side]
                rows.insert(rows.index(before) + 1 if before in rows else 0, key)
                placed.add(key)
            before = key
    return {side: [widgets[key] for key in rows] for side, rows in columns.items()}


def _by_id(document: HubDocument) -> dict[str, WidgetDocument]:
    return {one.id: one for one in every(document)}


def _places(document: HubDocument, among: set[str]) -> list[list[str]]:
    return [[one.id for one in getattr(document.widgets, side) if one.id in among] for side in SIDES]
