"""The journey of a further page: an owner adds, fills, hides and removes it, and a reader sees it live."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, live
from tests.browser.editing import newts

__all__ = ["newts"]


def save(page: Page) -> None:
    page.get_by_role("button", name="Save changes").click()
    page.wait_for_url("**/t/newts/**")
    page.wait_for_load_state()


def test_an_owner_makes_a_page_and_a_reader_sees_it_live(open_page: Open, newts: str) -> None:
    page = open_page(newts + "edit", username="ottoline")
    page.get_by_text("Add a page").click()
    page.locator("#new-page").fill("First steps")
    page.get_by_role("button", name="Add page").click()
    page.wait_for_url("**/edit?page=first-steps")
    page.locator("[data-side=left] .add-button").click()
    page.get_by_role("link", name="Sticky note").click()
    page.locator("[name=text]").fill("Say hello first.")
    page.get_by_role("button", name="Add to the page").click()
    expect(page.locator(".edit-card")).to_have_count(1)
    reader = live(open_page(newts, username="pernille"))
    tabs = reader.get_by_role("navigation", name="Sections of this hub")
    tabs.get_by_role("link", name="Members").focus()
    save(page)
    assert page.url.endswith("/p/first-steps/")
    tab = page.get_by_role("navigation", name="Sections of this hub").get_by_role("link", name="First steps")
    expect(tab).to_have_attribute("aria-current", "page")
    expect(page.get_by_text("Say hello first.")).to_be_visible()

    # The reader's tabs change without a reload, and the keyboard stays where it was.
    shown = tabs.get_by_role("link", name="First steps")
    expect(shown).to_be_visible(timeout=60_000)
    expect(tabs.get_by_role("link", name="Members")).to_be_focused()
    shown.click()
    live(reader)
    page.goto(page.locator(".widget-tools a", has_text="Configure").first.get_attribute("href") or "")
    page.locator("[name=text]").fill("Say hello, then look around.")
    page.get_by_role("button", name="Save changes").click()
    expect(reader.get_by_text("then look around")).to_be_visible(timeout=60_000)
    # The home page has only its own widgets.
    reader.goto(reader.url.replace("p/first-steps/", ""))
    expect(reader.get_by_text("then look around")).to_have_count(0)


def test_a_page_is_hidden_and_removed_on_a_phone(open_page: Open, newts: str) -> None:
    page = open_page(newts + "edit", username="ottoline", viewport={"width": 390, "height": 844})
    page.get_by_text("Add a page").click()
    page.locator("#new-page").fill("Plans")
    form = page.locator(".edit-page-form:visible").bounding_box()
    assert form is not None
    assert form["x"] >= 0
    assert form["x"] + form["width"] <= 390
    page.get_by_role("button", name="Add page").click()
    page.wait_for_url("**/edit?page=plans")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    save(page)
    visitor = live(open_page("/t/newts/p/plans/"))
    page.goto(page.url.replace("p/plans/", "edit?page=plans"))
    page.get_by_text("Page settings").click()
    page.locator("#page-level").select_option("owners")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator(".save-bar")).to_contain_text("1 unsaved change")
    save(page)
    # Whoever is viewing the page leaves it, although they still see the hub.
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Page not found", timeout=60_000)
    page.goto(page.url.replace("p/plans/", "edit?page=plans"))
    page.get_by_text("Page settings").click()
    page.get_by_role("button", name="Remove this page and its widgets").click()
    page.wait_for_url("**/t/newts/edit")
    other = live(open_page(newts, username="pernille"))
    other.get_by_role("link", name="Plans").focus()
    save(page)
    # The keyboard is at the current tab once the focused one is gone.
    expect(other.locator(".tabs [aria-current]")).to_be_focused(timeout=60_000)
    expect(page.get_by_role("link", name="Plans")).to_have_count(0)


def test_a_widget_that_needs_setup_asks_its_owners_and_is_hidden_from_others(open_page: Open, newts: str) -> None:
    owner, visitor = open_page(newts, username="ottoline"), open_page(newts)
    for page in (owner, visitor):
        page.locator(".widget").first.evaluate("widget => widget.dataset.state = 'needs-setup'")
    expect(owner.locator(".widget").first.get_by_role("link", name="Set up")).to_be_visible()
    expect(visitor.locator(".widget").first).to_be_hidden()
