"""Which widgets there are: turns the text in a row into the class that it names."""

import hashlib
import inspect
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
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
    "hubs.widgets.rss:RSS",
    "hubs.widgets.json:JSON",
    "hubs.widgets.meetings:Meetings",
    "hubs.widgets.issues:Issues",
    "hubs.widgets.pulls:PullRequests",
    "hubs.widgets.push:Push",
)
#: The group of entry points under which packages announce their widgets.
GROUP = "hubs.widgets"


@dataclass(frozen=True)
class WidgetType:
    """A widget's class with everything found in its module."""

    cls: type[Widget]
    schema: Schema
    view: type[RootWidgetView]
    functions: tuple[type[CachedFunction], ...]
    folder: Path
    #: Changes with the widget's code and templates, so that nothing built by older code is served.
    code: str
    #: Where it was declared: ``module:ClassName``.
    origin: str

    @property
    def name(self) -> str:
        """The text by which rows name the widget."""
        return self.cls.name

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The settings that it has."""
        return self.schema.parameters

    @property
    def label(self) -> str:
        """The heading, where a row has none of its own."""
        return self.cls.label or self.cls.name.title()

    @property
    def is_quick(self) -> bool:
        """Whether it is built from our own database alone: built in, and nothing of it is cached apart."""
        return self.origin in BUILT_IN and not any(function.stored for function in self.functions)

    def fits(self, kind: str, side: str) -> bool:
        """Return whether the widget may be added to this column of a hub of this kind."""
        return self.cls.position in ("both", side) and (not self.cls.kinds or kind in self.cls.kinds)

    def bind(self, row: WidgetRow) -> WidgetRow:
        """Tell the row how its settings are read, and return it."""
        row.bind(self.schema.defaults, self.schema.in_force)
        return row

    def bound_functions(self, row: WidgetRow) -> list[CachedFunction]:
        """Return the cached functions of one widget."""
        return [function(self.bind(row)) for function in self.functions]


class Registry:
    """All widgets of this instance: built-in ones, those of installed packages, and those of the setting."""

    def __init__(self, declared: Iterable[str] = (), key: bytes = b"") -> None:
        """Load them; ``key`` is the instance's, without which no secret can be stored or read."""
        self._types: dict[str, WidgetType] = {}
        #: Why a declared widget cannot be used, by its declaration.
        self.broken: dict[str, str] = {}
        self._vault = vault = SecretBox(key)
        for origin in BUILT_IN:
            self._add(load(origin, vault))
        for origin in _outside(declared):
            try:
                self._add(load(origin, vault))
            except Exception as error:  # an outside widget may fail in any way and must not stop the rest
                log.exception("widget %s cannot be used", origin)
                self.broken[origin] = f"{type(error).__name__}: {error}"

    def __iter__(self) -> Iterator[WidgetType]:
        return iter(self._types.values())

    def get(self, name: str) -> WidgetType | None:
        """Return the widget called ``name``, or None where it is not installed."""
        return self._types.get(name)

    def title(self, row: WidgetRow, translate: Callable[[str], str] = str) -> str:
        """Return a widget's heading: its own, else that of its kind; its kind's name where that is not installed."""
        found = self.get(row.plugin)
        return row.label or (translate(found.label) if found else row.plugin)

    def reload(self, origin: str) -> WidgetType:
        """Load the widget ``module:ClassName`` again, in the place of what was loaded from there before.

        :raises Exception: whatever the widget's module raises; what was loaded before then stays.
        """
        found = load(origin, self._vault)
        self._types = {name: one for name, one in self._types.items() if one.origin != origin}
        self._add(found)
        return found

    def _add(self, found: WidgetType) -> None:
        known = self._types.get(found.name)
        if known is not None and known.origin != found.origin:
            raise ValueError(f"the name {found.name!r} is taken by {known.origin}; choose another")
        self._types[found.name] = found


def _outside(declared: Iterable[str]) -> list[str]:
    points = entry_points(group=GROUP)
    return list(dict.fromkeys([*(point.value for point in points), *declared]))


def load(origin: str, vault: SecretBox) -> WidgetType:
    """Import the widget ``module:ClassName`` and scan its module.

    :raises ValueError: with what the declaration or the widget lacks.
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
    if cls.position not in ("both", "left", "right"):
        raise ValueError(f"{origin} has the position {cls.position!r}; use both, left or right")
    folder = Path(inspect.getfile(cls)).parent
    if not (folder / "templates" / RootWidgetView.template).is_file():
        raise ValueError(f"{origin} has no templates/{RootWidgetView.template} beside its module")
    views = _own(cls.__module__, RootWidgetView)
    return WidgetType(
        cls=cls,
        schema=Schema(declare(cls.parameters), cls.schema_version, cls.migrate, vault),
        view=views[0] if views else RootWidgetView,
        functions=tuple(_own(cls.__module__, CachedFunction)),
        folder=folder,
        code=_fingerprint(cls, folder),
        origin=origin,
    )


def _own(module_name: str, base: type[T]) -> list[type[T]]:
    """Return the subclasses of ``base`` that the module itself defines, in the order of their names."""
    members = inspect.getmembers(sys.modules[module_name], inspect.isclass)
    return [one for _, one in members if issubclass(one, base) and one.__module__ == module_name]


def _fingerprint(cls: type[Widget], folder: Path) -> str:
    made = hashlib.sha256(__version__.encode())
    for path in [Path(inspect.getfile(cls)), *sorted((folder / "templates").rglob("*.html"))]:
        made.update(path.read_bytes())
    return made.hexdigest()[:12]
