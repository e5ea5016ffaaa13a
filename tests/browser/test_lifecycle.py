"""The life of a hub in a browser, on the whole stack: created from a template, renamed, deleted and restored."""

from playwright.sync_api import expect

from tests.browser.clicks import Clicks
from tests.browser.conftest import WITH_AND_WITHOUT_SCRIPTS, Open, open_menu
from tests.stack import Bus


@WITH_AND_WITHOUT_SCRIPTS
def test_a_hub_is_made_from_a_template_in_ten_clicks_at_most(open_page: Open, bus: Bus, scripts: bool) -> None:
    assert bus
    name = f"voles-{int(scripts)}"
    page = open_page("/", "lisbet", java_script_enabled=scripts, viewport={"width": 320, "height": 640})
    click = Clicks(page)
    click("link", "Create a hub for a team")
    page.get_by_text("Newcomers", exact=True).click()
    click.count += 1
    for field, typed in (("URL name (required)", name), ("Title", "The Voles"), ("Summary", "Small.")):
        click("textbox", field)
        page.keyboard.type(typed)
    page.get_by_label("Who can see this hub").select_option("signed-in")
    click.count += 2  # opening the list, and choosing
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    click("button", "Create hub")
    expect(page.get_by_role("heading", name="The Voles", level=1)).to_be_visible()
    expect(open_menu(page, "More actions").get_by_role("link", name="Edit page")).to_be_visible()
    assert click.count <= 10
    stranger = open_page(f"/t/{name}/", "jorun", java_script_enabled=scripts)
    open_menu(stranger, "More actions")
    expect(stranger.get_by_text("Only owners of The Voles may do this.")).to_be_visible()
    expect(stranger.get_by_text("You can ask: lisbet")).to_be_visible()


@WITH_AND_WITHOUT_SCRIPTS
def test_a_hub_takes_four_clicks_is_found_at_its_old_address_and_comes_back(
    open_page: Open, bus: Bus, scripts: bool
) -> None:
    assert bus
    name = f"mice-{int(scripts)}"
    page = open_page("/", "lisbet", java_script_enabled=scripts, viewport={"width": 320, "height": 640})
    click = Clicks(page)
    click("link", "Create a hub for a team")
    click("textbox", "URL name (required)")
    page.keyboard.type(name)
    click("button", "Create hub")
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    assert click.count <= 4, "without counting the name"
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("navigation", name="Settings").get_by_role("link", name="Other").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_label("Name", exact=True).fill(f"field-{name}")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("status").filter(has_text="renamed")).to_be_visible()
    page.goto(f"/t/{name}/members?x=1")
    assert page.url.endswith(f"/t/field-{name}/members?x=1")
    page.get_by_role("navigation", name="Settings").get_by_role("link", name="Other").click()
    page.get_by_label(f"Type field-{name} to confirm").fill(f"field-{name}")
    page.get_by_role("button", name="Delete this hub").click()
    answer = page.request.get(f"/t/field-{name}/")
    assert answer.status == 404
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name=f"field-{name}", level=1)).to_be_visible()
