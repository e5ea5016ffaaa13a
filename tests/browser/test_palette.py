"""Finding by keyboard only, in both colour schemes, and on a phone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.app import create_app
from hubs.models import Database
from hubs.settings import load
from hubs.widgets.registry import Registry
from tests.browser.axe import DARK_AND_NARROW, NARROW, WIDE, inject, problems, report, show_in
from tests.fresh import prepare
from tests.serving import serving
from tests.unit.views.conftest import BASE


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a web app with the people rana and sami, and the team otters, which is rana's."""
    folder = tmp_path_factory.mktemp("palette")
    settings = load({**BASE, "HUBS_DATABASE_URL": f"sqlite:///{folder / 'hubs.db'}", "HUBS_DATA_DIR": str(folder)})
    database, registry = (
        Database(settings.database, info={"site_url": settings.site_url}),
        Registry(layouts=settings.layouts),
    )
    prepare(database)
    with database.transaction() as session:
        rana = roles.sign_up(session, registry, "rana", "Rana Reef")
        roles.sign_up(session, registry, "sami", "Sami Sand")
        hub_actions.create(session, registry, rana, "team", "otters", {"summary": "We swim."})
    database.dispose()
    app: Flask = create_app(settings)
    with serving(app) as address:
        yield address
    app.extensions["hubs"].fragments.cache.close()
    app.extensions["hubs"].database.dispose()


@pytest.fixture
def page(chromium: Browser, url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Give a page at the front page, signed in as rana."""
    context = chromium.new_context(base_url=url, **getattr(request, "param", {}))
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    page.goto("/login")
    page.fill("#f-username", "rana")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/")
    yield ready(page)
    context.close()
    assert complaints == []


def ready(page: Page) -> Page:
    """Wait until the page's JavaScript listens."""
    page.wait_for_selector("[data-theme-toggle]:not([data-waiting])")
    return page


def chosen(page: Page) -> str:
    """Return the text of the option that a screen reader is told of."""
    return page.evaluate(
        "() => document.getElementById(document.querySelector('#palette [role=combobox]')"
        ".getAttribute('aria-activedescendant') || 'none')?.querySelector('.palette-name').textContent || ''"
    )


def settled(page: Page, text: str) -> None:
    """Wait until an option with this text is in the list."""
    expect(page.get_by_role("option", name=text).first).to_be_visible()


@pytest.mark.parametrize("key", ["Control+k", *(pytest.param(key, marks=pytest.mark.slow) for key in ("Meta+k", "/"))])
def test_a_hub_is_reached_by_keyboard_only(page: Page, key: str) -> None:
    page.keyboard.press(key)
    box = page.get_by_role("combobox", name="Teams, people and widgets")
    expect(box).to_be_focused()
    settled(page, "otters")  # own hubs before typing
    page.keyboard.type("sam")
    settled(page, "Sami Sand")
    expect(box).to_have_attribute("aria-expanded", "true")
    assert chosen(page) == "Sami Sand"
    assert page.locator(".palette-option mark").first.text_content() == "Sam"
    page.keyboard.press("ArrowDown")
    assert chosen(page) == "Search for “sam”"
    page.keyboard.press("ArrowDown")
    assert chosen(page) == "Sami Sand"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.wait_for_timeout(200)
    page.keyboard.press("Enter")
    page.wait_for_url("**/u/sami/")
    ready(page)
    page.keyboard.press("Control+k")
    settled(page, "sami")
    assert page.get_by_role("group", name="Recently visited").get_by_role("option").count() == 1


def test_escape_closes_and_gives_the_focus_back(page: Page) -> None:
    opener = page.get_by_role("link", name="Search")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Teams, people and widgets")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    expect(opener).to_be_focused()


@pytest.mark.slow
def test_searching_too_often_says_when_to_try_again(page: Page) -> None:
    page.route("**/search/palette?*", lambda route: route.fulfill(status=429, json={"error": "Try again in 9 s."}))
    page.keyboard.press("/")
    page.keyboard.type("sam")
    expect(page.locator("#palette [role=status]")).to_have_text("Try again in 9 s.")


def test_enter_at_once_after_typing_goes_to_the_search_page(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("oters")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=oters")
    expect(page.get_by_role("link", name="otters").last).to_be_visible()


def test_enter_opens_no_hit_of_an_earlier_text(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/search/palette?q=s&*", hold)
    page.clock.install()
    page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))  # from now on only the test moves the clock
    page.keyboard.press("/")
    page.keyboard.type("s")
    with page.expect_request("**/search/palette?q=s&*"):
        page.clock.run_for(500)
    page.keyboard.type("wimming")
    held[0].fulfill(json={"groups": [{"label": "People", "items": [{"title": "Sami", "path": "/u/sami/"}]}]})
    settled(page, "Sami")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=swimming")


@pytest.mark.parametrize("event", [{"keyCode": 229}, pytest.param({"isComposing": True}, marks=pytest.mark.slow)])
def test_enter_that_ends_a_composition_opens_nothing(page: Page, event: dict[str, object]) -> None:
    page.keyboard.press("/")
    page.keyboard.type("otters")
    settled(page, "otters")
    address = page.url
    page.locator("#palette [role=combobox]").dispatch_event("keydown", {"key": "Enter", "bubbles": True, **event})
    page.wait_for_timeout(300)
    assert page.url == address
    expect(page.locator("#palette")).to_be_visible()


def run_command(page: Page, text: str, title: str) -> None:
    """Open the palette, type a text, and press Enter on the command that it lists first."""
    page.keyboard.press("Control+k")
    page.keyboard.type(text)
    expect(page.locator("#palette [role=option]").first).to_contain_text(title)
    assert chosen(page) == title
    page.keyboard.press("Enter")


def test_commands_are_run_from_the_keyboard(page: Page) -> None:
    page.goto("/t/otters/")
    ready(page)
    run_command(page, "dark", "Dark theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    run_command(page, "light", "Light theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    run_command(page, "keyb", "Keyboard shortcuts")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    run_command(page, "settings", "Settings of this hub")
    page.wait_for_url("**/t/otters/settings")
    ready(page)
    run_command(page, "mark", "Mark all as read")
    page.wait_for_url("**/me/notices?*")
    ready(page)
    run_command(page, "sign out", "Sign out")
    expect(page.get_by_text("You are signed out.")).to_be_visible()


@pytest.mark.slow
def test_single_keys_can_be_switched_off_for_this_browser(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.get_by_role("switch", name="Single-key shortcuts").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    page.reload()
    ready(page)
    for key in ("/", "?"):
        page.keyboard.press(key)
        assert page.locator("dialog[open]").count() == 0
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    page.get_by_role("button", name="Keyboard shortcuts").focus()
    page.keyboard.press("Enter")
    switch = page.get_by_role("switch", name="Single-key shortcuts")
    expect(switch).not_to_be_checked()
    switch.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#palette")).to_be_visible()


@pytest.mark.slow
def test_keys_typed_into_a_field_are_text(page: Page) -> None:
    page.goto("/search")
    ready(page).get_by_role("searchbox").focus()
    page.keyboard.type("a/b?")
    assert page.get_by_role("searchbox").input_value() == "a/b?"
    assert page.locator("dialog[open]").count() == 0


@pytest.mark.parametrize("page", [{"reduced_motion": "reduce", "color_scheme": "light"}], indirect=True)
def test_the_palette_and_the_list_of_shortcuts_can_be_read_by_all(page: Page) -> None:
    results = {}
    inject(page).keyboard.press("/")
    settled(page, "otters")
    results |= _problems(page, "own hubs")
    page.keyboard.type("zzzz")
    settled(page, "Search for “zzzz”")
    results |= _problems(page, "typed")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    results |= _problems(page, "shortcuts")
    assert report(results) == ""


def _problems(page: Page, dialog: str) -> dict[str, list[str]]:
    """Return what axe-core finds while a dialog is open, by all rules, and by those of colours and places once more."""
    results = {dialog: problems(page)}
    show_in(page, "dark")
    page.set_viewport_size(NARROW)
    results[f"{dialog}, narrow, dark"] = problems(page, runOnly=DARK_AND_NARROW)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), dialog
    show_in(page, "light")
    page.set_viewport_size(WIDE)
    return results


def test_the_icon_is_a_link_to_the_search_page_without_javascript(chromium: Browser, url: str) -> None:
    context = chromium.new_context(base_url=url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("link", name="Search").click()
    page.get_by_role("searchbox").fill("otters")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("main").get_by_role("link", name="otters").first).to_be_visible()
    context.close()
