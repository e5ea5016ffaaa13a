"""Settings in a real browser: changes are counted, the banner is previewed, fields suggest, and nothing covers them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.axe import NARROW, WIDE, problems, report
from tests.browser.axe import inject as with_axe
from tests.browser.community import community
from tests.browser.conftest import wait_for


@pytest.fixture(scope="module")
def rana(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Give a page in the browser of rana, who owns the otters."""
    with community(tmp_path_factory.mktemp("settings")) as (_app, address):
        context = chromium.new_context(
            base_url=address, viewport=WIDE, reduced_motion="reduce", timezone_id="Asia/Tokyo"
        )
        page = context.new_page()
        page.goto("/login")
        page.fill("#f-username", "rana")
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/")
        yield page
        context.close()


def test_changes_are_counted_previewed_and_saved(rana: Page) -> None:
    rana.goto("/t/otters/settings")
    changes, banner = rana.locator("[data-changes]"), rana.locator("[data-banner-preview] .banner")
    expect(changes).to_have_text("No changes yet")
    rana.get_by_role("radio", name="Plum").check()
    expect(changes).to_have_text("1 change")
    rana.get_by_role("radio", name="Waves").check()
    rana.fill("#f-summary", "We dive.")
    expect(changes).to_have_text("3 changes")
    assert (banner.get_attribute("data-hue"), banner.get_attribute("data-pattern")) == ("plum", "waves")
    expect(banner.locator(".banner-summary")).to_have_text("We dive.")
    rana.get_by_role("radio", name="Rings").check()
    expect(changes).to_have_text("2 changes")
    rana.get_by_role("button", name="Save changes").click()
    expect(rana.locator(".flash")).to_contain_text("Saved.")
    expect(rana.locator("[data-banner-preview] .banner")).to_have_attribute("data-hue", "plum")


def test_a_number_of_changes_has_the_plural_forms_of_the_language(rana: Page) -> None:
    rana.goto("/t/otters/settings")
    numbered = """async () => {
      document.documentElement.lang = "ar";
      const { numbered } = await import("/static/js/settings.js");
      const forms = { one: "one", two: "two", few: "{num} few", other: "{num} other" };
      return [1, 2, 3, 11, 100].map((count) => numbered(forms, count));
    }"""
    assert rana.evaluate(numbered) == ["one", "two", "3 few", "11 other", "100 other"]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "phone"])
def test_save_stays_in_sight_and_covers_no_field_that_has_the_focus(rana: Page, size: dict[str, int]) -> None:
    rana.set_viewport_size(size)  # type: ignore[arg-type]
    rana.goto("/t/otters/settings")
    rana.locator("#f-display_name").focus()
    for _step in range(40):
        rana.keyboard.press("Tab")
        bar, field = (rana.locator(place).bounding_box() for place in (".save-bar", ":focus"))
        assert bar is not None
        assert field is not None
        assert bar["y"] + bar["height"] <= size["height"]
        if rana.locator(".save-bar :focus").count():
            break
        assert field["y"] + min(field["height"], 40) <= bar["y"], rana.locator(":focus").evaluate("e => e.outerHTML")
    rana.set_viewport_size(WIDE)


def test_fields_suggest_zones_and_people(rana: Page) -> None:
    rana.goto("/me/")
    offer = rana.get_by_role("button", name="Use Asia/Tokyo, as this browser does")
    expect(offer).to_be_visible()
    rana.fill("#f-timezone", "lis")
    expect(rana.get_by_role("option").first).to_contain_text("Europe/Lisbon")
    assert report({"open": problems(with_axe(rana))}) == ""
    rana.keyboard.press("ArrowDown")
    rana.keyboard.press("Enter")
    assert rana.input_value("#f-timezone") == "Europe/Lisbon"
    offer.click()
    assert rana.input_value("#f-timezone") == "Asia/Tokyo"
    expect(offer).to_be_hidden()
    rana.goto("/t/otters/members")
    rana.fill("#f-username", "tov")
    rana.get_by_role("option", name="Tove").click()
    assert rana.input_value("#f-username") == "tove"
    expect(rana.get_by_role("listbox")).to_have_count(0)


def test_an_at_sign_in_a_text_suggests_people_and_becomes_a_link(rana: Page) -> None:
    rana.goto("/t/otters/settings")
    text = rana.get_by_role("textbox", name="Description")
    text.fill("Mail tove@example.org, or ask ")
    text.press_sequentially("@tov")
    expect(rana.get_by_role("option", name="Tove")).to_be_visible()
    assert report({"open": problems(with_axe(rana))}) == ""
    text.press("ArrowDown")
    text.press("Enter")
    expect(text).to_have_value("Mail tove@example.org, or ask [@tove](/u/tove/) ")
    expect(rana.get_by_role("listbox")).to_have_count(0)


def test_the_side_navigation_follows_the_section(rana: Page) -> None:
    rana.goto("/t/otters/settings")
    current = rana.locator(".side-nav [aria-current]")
    expect(current).to_have_text("General")
    rana.locator("#places").scroll_into_view_if_needed()
    rana.locator(".side-nav").get_by_text("Accounts").click()
    expect(current).to_have_text("Accounts")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_on_a_phone_the_current_page_is_in_sight_in_the_navigation(rana: Page, language: str) -> None:
    rana.set_viewport_size(NARROW)
    rana.set_extra_http_headers({"Accept-Language": language})
    rana.goto("/t/otters/settings/other")
    current = rana.locator("[data-side-nav] [aria-current]")
    box = current.bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= NARROW["width"] - box["width"]
    rana.set_extra_http_headers({})


def test_a_field_keeps_its_focus_and_text_while_a_script_loads(rana: Page) -> None:
    held: list[Route] = []
    rana.route("**/bundle/pages.js", lambda route: held.append(route))  # noqa: PLW0108 - a built-in cannot be a handler
    rana.goto("/t/otters/settings")
    field = rana.locator("textarea[data-mention]").first
    field.fill("")
    rana.keyboard.type("swim")
    wait_for(rana, lambda: held)
    rana.keyboard.press("ArrowLeft")
    held.pop().continue_()
    expect(field.locator("xpath=parent::*[@class='pick']")).to_be_attached()
    rana.keyboard.type("xy")
    expect(field).to_have_value("swixym")
    rana.unroute("**/bundle/pages.js")
