"""Whole pages with every widget in a real browser, under all rules of axe-core: filled, empty, light, dark, narrow."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from hubs.actions import messages
from hubs.actions.people import roles
from hubs.app import create_app
from hubs.demo import upstream
from hubs.models import Database, Hub, Widget
from hubs.settings import load
from hubs.widgets.registry import Registry
from tests.browser.axe import WIDE, all_problems, report
from tests.fresh import prepare
from tests.serving import serving
from tests.unit.views.conftest import BASE
from tests.unit.widgets.test_built_in import say

#: Settings with which a widget has something to show.
FILLED: dict[str, dict[str, Any]] = {
    "about": {"text": "# Otters\n\nWe *swim*."},
    "sticky": {"text": "The kettle is [hot](https://e.example/)."},
    "rules": {"link": "https://e.example/rules", "schedule_text": "Fridays"},
    "library": {"items": [{"title": "Notes", "link": "https://e.example/", "note": "ours"}] * 3, "per_page": 2},
    "meetings": {"calendar": "otters"},
    "issues": {"project": "pagure:otters", "limit": 3},
    "pulls": {"project": "pagure:otters", "limit": 3},
    "package_reviews": {"email": "rana@example.org", "limit": 1},
    "badges": {"limit": 3},
    "feed": {"limit": 3},
    "members": {"limit": 1},
}
#: Widgets of which the first page has a second one with the same title.
TWICE = ("library", "feed", "heatmap", "activity")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a web app with two hubs that hold every widget: rana's filled, sami's empty."""
    folder = tmp_path_factory.mktemp("accessible")
    with upstream.server(0) as others:
        where = {"HUBS_DATABASE_URL": f"sqlite:///{folder / 'hubs.db'}", "HUBS_DATA_DIR": str(folder)}
        settings = load({**BASE, **upstream.environment(others.port), **where})
        _fill(Database(settings.database))
        app = create_app(settings)
        with serving(app) as address:
            yield address
        app.extensions["hubs"].fragments.clients.close()
        app.extensions["hubs"].fragments.cache.close()
        app.extensions["hubs"].database.dispose()


def _fill(database: Database) -> None:
    prepare(database)
    registry = Registry()
    with database.transaction() as session:
        for name in ("rana", "sami"):
            roles.sign_up(session, registry, name, name.title())
            hub = session.query(Hub).filter_by(name=name).one()
            hub.widgets.clear()
            again = [registry.get(plugin) for plugin in TWICE] if name == "rana" else []
            for number, widget_type in enumerate([*registry, *filter(None, again)]):
                side = "left" if number % 2 or widget_type.cls.position == "left" else "right"
                values = FILLED.get(widget_type.name, {}) if name == "rana" else {}
                hub.widgets.append(
                    Widget(plugin=widget_type.name, side=side, position=number, settings=values, version=1)
                )
        entries = [
            say(n, "rana", ago=7 * n, link=f"https://e.example/{n}", sentence=f"rana did {n}") for n in range(1, 9)
        ]
        messages.store(session, entries)
    database.dispose()


@pytest.mark.parametrize("username", ["rana", "sami"], ids=["filled", "empty"])
def test_a_page_with_every_widget_can_be_read_by_all(chromium: Browser, site: str, username: str) -> None:
    context = chromium.new_context(base_url=site, viewport=WIDE, color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"/u/{username}/?full=1")
    expect(page.locator(".widget[data-state=loading]")).to_have_count(0, timeout=20_000)
    if username == "rana":
        expect(page.get_by_role("region", name="Library (2)", exact=True)).to_have_count(1)
    results = all_problems(page)
    context.close()
    assert report(results) == ""
