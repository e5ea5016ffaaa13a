"""A hub for one test: a database in memory, and widgets on the hub in every visible state."""

import base64
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from hubs import i18n, urls
from hubs.cache import Cache
from hubs.errors import NeedsSetup
from hubs.fragments.store import Fragment, FragmentStore
from hubs.i18n import N_
from hubs.models import Base, Hub, Role, RoleName, User, Widget, now
from hubs.widgets.caching import services_of
from hubs.widgets.registry import Registry, WidgetType
from hubs.widgets.view import FILTERS

#: The visible states of a widget.
STATES = ("loading", "live", "refreshing", "stale", "failed", "needs-setup", "empty")
_LACKS = N_("An owner can choose in this widget's settings what it shows.")
_PAGES = Path(__file__).parent.parent / "templates"


class MemoryCache:
    """A cache in memory, for one sandbox."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        """Return the value, or None."""
        return self._values.get(key)

    def get_many(self, keys: Any) -> dict[str, bytes]:
        """Return those of ``keys`` that have a value."""
        return {key: self._values[key] for key in keys if key in self._values}

    def set(self, key: str, value: bytes, ttl: int) -> bool:
        """Store the value."""
        self._values[key] = value
        return True

    def add(self, key: str, value: bytes, ttl: int) -> bool | None:
        """Store the value unless the key has one."""
        return self._values.setdefault(key, value) is value

    def delete(self, *keys: str) -> bool:
        """Forget the keys."""
        for key in keys:
            self._values.pop(key, None)
        return True

    def close(self) -> None:
        """Do nothing."""


class SandboxFragments(FragmentStore):
    """Fragments with overridden cached functions; classes stay unpatched, so concurrent builds are not affected."""

    #: Replacements of cached functions, by name.
    overrides: Mapping[str, Callable[[], Any]] = MappingProxyType({})
    #: Raised by the view of a widget that has no functions.
    error: Exception | None = None

    def _registered(self, row: Widget) -> WidgetType:
        widget_type = super()._registered(row)
        if self.error is None or widget_type.functions:
            return widget_type
        fail = _raises(self.error)
        return replace(widget_type, view=type("Failing", (widget_type.view,), {"get_context": fail}))

    def _prepare(self, widget_type: WidgetType, row: Widget, store: Cache | None = None) -> None:
        super()._prepare(widget_type, row, store)
        services_of(row).overrides = self.overrides


@dataclass(frozen=True)
class Shown:
    """A widget in one state; ``fragment`` is None if it was not built yet."""

    row: Widget
    fragment: Fragment | None

    @property
    def html(self) -> str:
        """The widget's HTML; empty if it was not built, or hides itself."""
        return self.fragment.html if self.fragment else ""


@dataclass
class Sandbox:
    """A team hub called ``workshop`` with one owner, ``ottoline``, and a fragment store."""

    session: Session
    hub: Hub
    registry: Registry
    fragments: SandboxFragments
    #: The language of fragments.
    locale: str = i18n.DEFAULT

    def add(self, plugin: str, **settings: Any) -> Widget:
        """Add a widget to the hub; the settings are validated as by its form.

        :raises InvalidInput: if they cannot be accepted.
        """
        stored, _ = self.type(plugin).schema.store(settings, {})
        return self._put(plugin, stored)

    def type(self, plugin: str) -> WidgetType:
        """Return a widget's class with its functions."""
        widget_type = self.registry.get(plugin)
        if widget_type is None:
            raise LookupError(f"There is no widget {plugin}; broken are {self.registry.broken or 'none'}.")
        return widget_type

    def build(self, row: Widget, locale: str = "") -> Fragment:
        """Build the widget again, with new data."""
        return self.fragments.build(row, locale or self.locale, self.type(row.plugin).functions)

    def states(
        self,
        row: Widget,
        live: Mapping[str, Any] | None = None,
        empty: Mapping[str, Any] | None = None,
        blank: Widget | None = None,
    ) -> dict[str, Shown]:
        """Return the widget in every state, each on a row of its own.

        ``live`` and ``empty`` are the return values of the cached functions in that state, by function name; without
        them the functions compute their values. The empty state uses the settings of ``blank``, if given. A widget
        that hides itself has an empty fragment.
        """
        content, no_content = (
            {name: _returns(value) for name, value in (answers or {}).items()} for answers in (live, empty)
        )
        unavailable, needs_setup = RuntimeError("the service does not answer"), NeedsSetup(i18n.gettext(_LACKS))
        shown = {state: self._built(row, content) for state in ("live", "refreshing", "stale")}
        old = shown["stale"].fragment
        if old is not None:
            shown["stale"] = replace(
                shown["stale"], fragment=replace(old, state="stale", error=f"RuntimeError: {unavailable}")
            )
        return {
            "loading": Shown(self._twin(row), None),
            **shown,
            "failed": self._failing(row, unavailable),
            "needs-setup": self._failing(row, needs_setup),
            "empty": self._built(blank or row, no_content),
        }

    def page(self, shown: Shown, *, refreshing: bool = False) -> str:
        """Return a page with the widget in its frame, as a browser receives it."""
        styles = urls.read_style_sheet().decode()
        return self._page.render(row=shown.row, fragment=shown.fragment, refreshing=refreshing, styles=styles)

    @cached_property
    def _page(self) -> Template:
        environment = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, trim_blocks=True)
        environment.filters.update(
            FILTERS, heading=partial(self.registry.title, translate=i18n.gettext), symbol=self.registry.symbol
        )
        i18n.install(environment)
        environment.globals.update(urls=urls)
        return environment.from_string(_PAGE)

    def _put(self, plugin: str, settings: Mapping[str, Any]) -> Widget:
        row = Widget(plugin=plugin, side="left", position=len(self.hub.widgets), settings=dict(settings), version=1)
        self.hub.widgets.append(row)
        self.session.flush()
        return row

    def _twin(self, row: Widget) -> Widget:
        return self._put(row.plugin, row.settings)

    def _built(self, row: Widget, acts: Mapping[str, Callable[[], Any]], error: Exception | None = None) -> Shown:
        names = [function.__name__ for function in self.type(row.plugin).functions]
        unknown = sorted(set(acts) - set(names))
        if unknown:
            raise LookupError(
                f"{row.plugin} has no function {', '.join(unknown)}; it has {', '.join(names) or 'none'}."
            )
        twin = self._twin(row)
        self.fragments.overrides, self.fragments.error = acts, error
        try:
            return Shown(twin, self.build(twin))
        finally:
            self.fragments.overrides, self.fragments.error = {}, None

    def _failing(self, row: Widget, error: Exception) -> Shown:
        """Build the widget with failing cached functions; a widget without functions fails in its view."""
        functions = self.type(row.plugin).functions
        return self._built(row, {function.__name__: _raises(error) for function in functions}, error)


@contextmanager
def sandbox(
    declared: list[str] | None = None, registry: Registry | None = None, locale: str = i18n.DEFAULT
) -> Iterator[Sandbox]:
    """Yield a sandbox with the built-in widgets and those ``declared`` as ``module:ClassName``."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    Base.metadata.create_all(engine)
    key, store = secrets.token_bytes(32), MemoryCache()
    registry = registry or Registry(declared or [], base64.b64encode(key))
    cache: Cache = store
    with Session(engine, expire_on_commit=False) as session:
        user = User(username="ottoline", fullname="Ottoline Brand", last_active=now())
        hub = Hub(kind="team", name="workshop", display_name="Workshop", extras={}, last_activity=now())
        hub.roles.append(Role(user=user, role=RoleName.OWNER))
        session.add(hub)
        session.flush()
        yield Sandbox(session, hub, registry, SandboxFragments(registry, cache, key, 3600), locale)
    engine.dispose()


def _returns(value: Any) -> Callable[..., Any]:
    return lambda *_args, **_more: value


def _raises(error: Exception) -> Callable[..., Any]:
    def act(*_args: Any, **_more: Any) -> Any:
        raise error

    return act


_PAGE = """{% from "frame.html" import frame %}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A widget</title><style>{{ styles|safe }}</style></head>
<body><main><h1>A widget</h1>{{ frame(row, fragment, refreshing=refreshing) }}</main></body></html>
"""
