"""The imports of outside widgets and of their tests keep working, whatever moves inside."""

from importlib import import_module

import pytest

from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction
from hubs.widgets.view import RootWidgetView

PUBLISHED = {
    "hubs.widgets.base": ["Widget"],
    "hubs.widgets.view": ["RootWidgetView"],
    "hubs.widgets.caching": ["CachedFunction", "Interest", "session_of"],
    "hubs.widgets.parameters": ["Parameter", "clean", "declare", "defaults", "document", "secrets"],
    "hubs.widgets.messages": ["session_of"],
    "hubs.widgets.paging": ["PER_PAGE", "Shown", "cut", "no_such_page", "span"],
    "hubs.errors": ["NeedsSetup", "UpstreamError", "UpstreamForbidden", "UpstreamMissing"],
    "hubs.testing.plugin": ["Kit", "kit"],
    "hubs.testing.reading": ["page_problems", "problems", "text_of"],
    "hubs.testing.sandbox": ["STATES", "Sandbox", "Shown", "sandbox"],
    "hubs.testing.samples": ["Sample", "sample"],
    "hubs.testing.browser": ["TAGS", "violations"],
    "hubs.kit.commands": ["dev", "docs", "listing", "new", "widget"],
    "hubs.kit.dev": ["Workbench"],
    "hubs.kit.new": ["make"],
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in PUBLISHED.items() for name in names])
def test_published_names_can_be_imported(module: str, name: str) -> None:
    assert hasattr(import_module(module), name)


def test_published_attributes_of_widgets_views_and_cached_functions_stay() -> None:
    assert {"name", "label", "summary", "icon", "position", "parameters", "kinds", "lifetime", "migrate"} <= set(
        dir(Widget)
    )
    assert {"get_context", "template", "paged", "calendar"} <= set(dir(RootWidgetView))
    assert {"execute", "should_invalidate", "interests", "rebuild", "stored", "clients"} <= set(dir(CachedFunction))
