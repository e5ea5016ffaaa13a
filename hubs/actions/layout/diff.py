"""Human-readable differences between two documents of a hub, for dry runs, revisions and conflicts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from hubs.actions.layout import pages
from hubs.actions.layout.documents import OTHERS, RECORD, HubDocument, WidgetDocument, Zone, zones
from hubs.i18n import _

#: Longest value that is shown, in characters.
SHOWN = 80
Kind = Literal["set", "add", "remove", "move"]
_Placed = dict[str, tuple[Zone, WidgetDocument]]


@dataclass(frozen=True, slots=True)
class Change:
    """A difference: a field that is set, or a widget or page that is added, removed or moved.

    ``subject`` is ``hub``, the widget's id, or ``/`` and the page's slug; ``name`` is the field, or the target zone of
    a move: ``left``, or ``contribute/left`` on a further page.
    """

    kind: Kind
    subject: str
    name: str = ""
    before: Any = None
    after: Any = None
    #: The widget, if the change is about one.
    widget: WidgetDocument | None = None
    #: Whether ``name`` is one of the settings of the widget's type.
    setting: bool = False
    #: Places by which a widget moved within its column; negative towards the top.
    places: int = 0
    #: The title of the page that it is about, or that a widget moved to; empty for the home page.
    page: str = ""

    def __str__(self) -> str:
        """Describe the change on one line."""
        if self.kind == "set":
            return f"~ {self.subject}: {self.name}: {shown(self.before)} → {shown(self.after)}"
        if self.kind == "move":
            names = {"name": self.subject, "before": self.before, "after": self.name}
            within = _("↕ %(name)s: moved within %(after)s")
            return (within if self.before == self.name else _("↔ %(name)s: moved from %(before)s to %(after)s")) % names
        return f"{'+' if self.kind == 'add' else '-'} {self.subject}: {shown(self.after or self.before)}"


def shown(value: Any) -> str:
    """Return a value on one line, truncated to `SHOWN` characters."""
    text = _("nothing") if value in (None, "", [], {}) else " ".join(str(value).split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def between(before: HubDocument, after: HubDocument) -> list[Change]:
    """Return the changes that turn ``before`` into ``after``."""
    return [*_fields(before, after), *_people(before, after), *_pages(before, after), *_widgets(before, after)]


def _fields(before: HubDocument, after: HubDocument) -> Iterator[Change]:
    for name in (*RECORD, *OTHERS):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield Change("set", "hub", name, old, new)
    for name in sorted({*before.accounts, *after.accounts}):
        old, new = before.accounts.get(name), after.accounts.get(name)
        if old != new:
            yield Change("set", "hub", name, old, new)


def _people(before: HubDocument, after: HubDocument) -> Iterator[Change]:
    for name in ("owners", "members"):
        usernames, current = getattr(after, name), getattr(before, name) or []
        for username in sorted(set(usernames or ()) - set(current)):
            yield Change("add", name, username, None, username)
        if usernames is not None:
            for username in sorted(set(current) - set(usernames)):
                yield Change("remove", name, username, username, None)


def _pages(before: HubDocument, after: HubDocument) -> Iterator[Change]:
    old, new = ({page.slug: page for page in document.pages} for document in (before, after))
    for slug, page in old.items():
        if slug not in new:
            yield Change("remove", f"/{slug}", "page", page.title, None, page=page.title)
    for slug, page in new.items():
        if slug not in old:
            yield Change("add", f"/{slug}", "page", None, page.title, page=page.title)
            continue
        for name in pages.FIELDS:
            if getattr(old[slug], name) != getattr(page, name):
                values = getattr(old[slug], name), getattr(page, name)
                yield Change("set", f"/{slug}", name, *values, page=old[slug].title)
    first, second = [slug for slug in old if slug in new], [slug for slug in new if slug in old]
    if first != second:
        yield Change("set", "hub", "pages", ", ".join(first), ", ".join(second))


def _widgets(before: HubDocument, after: HubDocument) -> Iterator[Change]:
    old, new = _placed(before), _placed(after)
    for key, (_side, widget) in old.items():
        if key not in new or new[key][1].widget != widget.widget:
            yield Change("remove", key, widget.widget, widget.title or widget.widget, None, widget)
    for key, (_side, widget) in new.items():
        if key not in old or old[key][1].widget != widget.widget:
            yield Change("add", key, widget.widget, None, widget.title or widget.widget, widget)
        else:
            yield from _settings(old[key][1], widget)
    yield from _moves(old, new, {page.slug: page.title for page in after.pages})


def _settings(old: WidgetDocument, new: WidgetDocument) -> Iterator[Change]:
    if old.title != new.title:
        yield Change("set", new.id, "title", old.title, new.title, new)
    if old.visibility != new.visibility:
        yield Change("set", new.id, "visibility", old.visibility, new.visibility, new)
    if old.width != new.width:
        yield Change("set", new.id, "width", old.width, new.width, new)
    for name in sorted({*old.settings, *new.settings}):
        if old.settings.get(name) != new.settings.get(name):
            values = old.settings.get(name), new.settings.get(name)
            yield Change("set", new.id, name, *values, new, setting=True)


def _moves(old: _Placed, new: _Placed, titles: Mapping[str, str]) -> Iterator[Change]:
    """Yield the widgets that changed their zone, and a minimal set of moves that explains the order within each."""
    for key in (key for key in new if key in old):
        if old[key][0] != new[key][0]:
            target = _name(new[key][0])
            yield Change(
                "move", key, target, _name(old[key][0]), target, new[key][1], page=titles.get(new[key][0][0], "")
            )
    for zone in dict.fromkeys(place for place, _widget in new.values()):
        first = [key for key, (place, _widget) in old.items() if place == zone and key in new and new[key][0] == zone]
        second = [key for key, (place, _widget) in new.items() if place == zone and key in old and old[key][0] == zone]
        matcher = SequenceMatcher(None, first, second, autojunk=False)
        unmoved = {key for block in matcher.get_matching_blocks() for key in second[block.b : block.b + block.size]}
        for key in second:
            if key not in unmoved:
                places = second.index(key) - first.index(key)
                yield Change("move", key, _name(zone), _name(zone), _name(zone), new[key][1], places=places)


def _placed(document: HubDocument) -> _Placed:
    return {widget.id: (zone, widget) for zone, rows in zones(document).items() for widget in rows}


def _name(zone: Zone) -> str:
    return "/".join(filter(None, zone))
