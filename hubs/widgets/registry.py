"""The installed widgets: maps the name stored in a row to the widget's class."""

import hashlib
import inspect
import logging
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from hubs import __version__
from hubs.models import Widget as WidgetRow
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction
from hubs.widgets.parameters import Parameter, declare
from hubs.widgets.schema import Schema
from hubs.widgets.secrets import SecretBox
from hubs.widgets.view import RootWidgetView

log = logging.getLogger(__name__)
T = TypeVar("T")
#: The (zone, widget) pairs of a hub, from the top.
Layout = Sequence[tuple[str, str]]
NO_LAYOUTS: Mapping[str, Layout] = MappingProxyType({})

#: The built-in widgets, in the order of the catalogue.
BUILT_IN = (
    "hubs.widgets.about:About",
    "hubs.widgets.sticky:Sticky",
    "hubs.widgets.feed:Feed",
    "hubs.widgets.activity:Activity",
    "hubs.widgets.heatmap:Heatmap",
    "hubs.widgets.stats:Stats",
    "hubs.widgets.members:Members",
    "hubs.widgets.subscriptions:Subscriptions",
    "hubs.widgets.rules:Rules",
    "hubs.widgets.library:Library",
    "hubs.widgets.contact:Contact",
    "hubs.widgets.cobwebs:Cobwebs",
    "hubs.widgets.builds:Builds",
    "hubs.widgets.halp:Halp",
    "hubs.widgets.karma:Karma",
    "hubs.widgets.badges:Badges",
    "hubs.widgets.updates:Updates",
    "hubs.widgets.package_reviews:PackageReviews",
    "hubs.widgets.packager:Packager",
    "hubs.widgets.discourse:Discussions",
    "hubs.widgets.weblate:Translations",
    "hubs.widgets.matrix:MatrixRoom",
    "hubs.widgets.outages:Outages",
    "hubs.widgets.rss:RSS",
    "hubs.widgets.json:JSON",
    "hubs.widgets.meetings:Meetings",
    "hubs.widgets.issues:Issues",
    "hubs.widgets.pulls:PullRequests",
    "hubs.widgets.tasks:Tasks",
    "hubs.widgets.ci:CI",
    "hubs.widgets.releases:Releases",
    "hubs.widgets.push:Push",
)
#: The entry point group in which packages register their widgets.
GROUP = "hubs.widgets"


#: The zones of a page in which a widget of each position fits. ``both`` is older than the zone below, for which widgets
#: must be made: a row is up to four times as wide as a column.
POSITIONS: dict[str, tuple[str, ...]] = {
    "both": ("left", "right"),
    "left": ("left",),
    "right": ("right",),
    "below": ("below",),
    "any": ("left", "right", "below"),
}


@dataclass(frozen=True)
class WidgetType:
    """A widget's class with everything that its module defines."""

    cls: type[Widget]
    schema: Schema
    view: type[RootWidgetView]
    functions: tuple[type[CachedFunction], ...]
    folder: Path
    #: Fingerprint of the widget's code and templates; part of cache keys, so results of older code are not served.
    code: str
    #: Where it was declared: ``module:ClassName``.
    origin: str

    @property
    def name(self) -> str:
        """The name under which rows store the widget."""
        return self.cls.name

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its settings."""
        return self.schema.parameters

    @property
    def label(self) -> str:
        """The default heading."""
        return self.cls.label or self.cls.name.title()

    @property
    def is_quick(self) -> bool:
        """Whether it is built from our own database alone: a built-in widget without separately cached data."""
        return self.origin in BUILT_IN and not any(function.stored for function in self.functions)

    def fits(self, kind: str, side: str) -> bool:
        """Return whether the widget may be added to this zone of a hub of this kind."""
        return side in POSITIONS[self.cls.position] and (not self.cls.kinds or kind in self.cls.kinds)

    def bind(self, row: WidgetRow) -> WidgetRow:
        """Attach the settings schema to the row, and return the row."""
        owner = f"hub:{row.hub_id}"
        row.bind(self.schema.typed(self.schema.defaults, owner), partial(self.schema.in_force, owner=owner))
        return row

    def bound_functions(self, row: WidgetRow) -> list[CachedFunction]:
        """Return the cached functions of one widget."""
        return [function(self.bind(row)) for function in self.functions]


class Registry:
    """All widgets of this instance: built in, from installed packages, and from the setting ``widgets``."""

    def __init__(
        self,
        declared: Iterable[str] = (),
        key: bytes = b"",
        layouts: Mapping[str, Layout] = NO_LAYOUTS,
        absent: Collection[str] = (),
    ) -> None:
        """Load them; without ``key``, the instance's key, secrets can be neither stored nor read.

        ``layouts`` are the default widgets of new hubs by kind, as the settings have them. ``absent`` are the settings
        of the services that this instance does not use.
        """
        self._types: dict[str, WidgetType] = {}
        self._absent = frozenset(absent)
        #: Why a declared widget cannot be used, by its declaration.
        self.broken: dict[str, str] = {}
        self._secret_box = secret_box = SecretBox(key)
        for origin in BUILT_IN:
            self._add(load(origin, secret_box))
        for origin in _external(declared):
            try:
                self._add(load(origin, secret_box))
            except Exception as error:  # an outside widget may fail in any way and must not stop the rest
                log.exception("widget %s cannot be used", origin)
                self.broken[origin] = f"{type(error).__name__}: {error}"
        self.layouts = {kind: tuple(self._usable(kind, layout)) for kind, layout in layouts.items()}

    def __iter__(self) -> Iterator[WidgetType]:
        return iter(self._types.values())

    def get(self, name: str) -> WidgetType | None:
        """Return the widget called ``name``, or None if it is not installed."""
        return self._types.get(name)

    def offers(self, name: str) -> bool:
        """Return whether ``name`` is installed, and this instance uses a service that the widget needs."""
        widget_type = self.get(name)
        return widget_type is not None and not (
            widget_type.cls.services and self._absent.issuperset(widget_type.cls.services)
        )

    def title(self, row: WidgetRow, translate: Callable[[str], str] = str) -> str:
        """Return a widget's heading: its own label, else the default of its type; the type's name if not installed."""
        widget_type = self.get(row.plugin)
        return row.label or (translate(widget_type.label) if widget_type else row.plugin)

    def title_numbers(self, rows: Iterable[WidgetRow], translate: Callable[[str], str] = str) -> dict[int, int]:
        """Return the number of each widget whose title another of ``rows`` has as well: 2 for the second one.

        The first one has none. They count by id, so that a new widget changes no number.
        """
        seen: dict[str, int] = {}
        numbers: dict[int, int] = {}
        for row in sorted(rows, key=lambda row: row.id):
            title = self.title(row, translate)
            seen[title] = seen.get(title, 0) + 1
            if seen[title] > 1:
                numbers[row.id] = seen[title]
        return numbers

    def symbol(self, row: WidgetRow) -> str:
        """Return the name of the icon of a widget's type."""
        widget_type = self.get(row.plugin)
        return widget_type.cls.icon if widget_type else "box"

    def reload(self, origin: str) -> WidgetType:
        """Load the widget ``module:ClassName`` again and replace the version loaded before.

        :raises Exception: whatever the widget's module raises; the version loaded before is then kept.
        """
        widget_type = load(origin, self._secret_box)
        self._types = {name: known for name, known in self._types.items() if known.origin != origin}
        self._add(widget_type)
        return widget_type

    def _usable(self, kind: str, layout: Layout) -> Iterator[tuple[str, str]]:
        """Yield the pairs of a layout that a new hub of this kind can have; the others are reported as broken."""
        for side, name in layout:
            widget_type = self.get(name)
            if widget_type is not None and widget_type.fits(kind, side):
                yield side, name
                continue
            reason = "there is no such widget" if widget_type is None else f"it does not fit there on hubs of a {kind}"
            log.error("new hubs do not get %s:%s: %s", side, name, reason)
            self.broken[f"{side}:{name}"] = reason

    def _add(self, widget_type: WidgetType) -> None:
        existing = self._types.get(widget_type.name)
        if existing is not None and existing.origin != widget_type.origin:
            raise ValueError(f"the name {widget_type.name!r} is taken by {existing.origin}; choose another")
        self._types[widget_type.name] = widget_type


def _external(declared: Iterable[str]) -> list[str]:
    points = entry_points(group=GROUP)
    return list(dict.fromkeys([*(point.value for point in points), *declared]))


def load(origin: str, secret_box: SecretBox) -> WidgetType:
    """Import the widget ``module:ClassName`` and scan its module.

    :raises ValueError: saying what is missing in the declaration or the widget.
    """
    module_name, colon, class_name = origin.partition(":")
    if not colon:
        raise ValueError(f"{origin!r} must be written as module:ClassName")
    module = import_module(module_name)
    cls = getattr(module, class_name, None)
    if not (inspect.isclass(cls) and issubclass(cls, Widget)):
        raise ValueError(f"{origin} is not a subclass of hubs.widgets.base.Widget")
    if not cls.name:
        raise ValueError(f"{origin} has no name")
    if cls.position not in POSITIONS:
        raise ValueError(f"{origin} has the position {cls.position!r}; use {', '.join(POSITIONS)}")
    folder = Path(inspect.getfile(cls)).parent
    if not (folder / "templates" / RootWidgetView.template).is_file():
        raise ValueError(f"{origin} has no templates/{RootWidgetView.template} beside its module")
    views = _own(cls.__module__, RootWidgetView)
    return WidgetType(
        cls=cls,
        schema=Schema(declare(cls.parameters), cls.schema_version, cls.migrate, secret_box),
        view=views[0] if views else RootWidgetView,
        functions=tuple(_own(cls.__module__, CachedFunction)),
        folder=folder,
        code=_fingerprint(cls, folder),
        origin=origin,
    )


def _own(module_name: str, base: type[T]) -> list[type[T]]:
    """Return the subclasses of ``base`` that the module itself defines, sorted by name."""
    members = inspect.getmembers(sys.modules[module_name], inspect.isclass)
    return [cls for _, cls in members if issubclass(cls, base) and cls.__module__ == module_name]


def _fingerprint(cls: type[Widget], folder: Path) -> str:
    digest = hashlib.sha256(__version__.encode())
    for path in [Path(inspect.getfile(cls)), *sorted((folder / "templates").rglob("*.html"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
