"""What people see, in a real browser, while the bus speaks."""

import time

import pytest
from playwright.sync_api import Page, expect

from hubs.urls.scripts import MODULES
from tests.browser.conftest import Open, live, open_menu
from tests.stack import Bus, Stack


@pytest.fixture(scope="module", autouse=True)
def warm_up(production: Stack, bus: Bus) -> None:
    """Wait until messages reach the daemon, before the first test."""


def test_a_page_is_live_with_the_modules_while_the_bundle_is_outdated(open_page: Open) -> None:
    page = open_page("/", username="rosalba")
    page.route("**/static/bundle/main.js", lambda route: route.fulfill(body=MODULES, content_type="text/javascript"))
    scripts: list[str] = []
    page.on("request", lambda request: scripts.append(request.url) if request.url.endswith(".js") else None)
    page.goto("/u/rosalba/")
    live(page)
    assert any(url.endswith("/static/js/stream/transport.js") for url in scripts)
    assert not [url for url in scripts if "/bundle/" in url and not url.endswith("/bundle/main.js")]


def feed(page: Page) -> Page:
    return page.locator(".widget", has=page.get_by_role("heading", name="Feed", exact=True))  # type: ignore[return-value]


def test_a_new_feed_card_appears_without_reload_when_a_message_is_published(
    open_page: Open, production: Stack, bus: Bus
) -> None:
    page = open_page("/", username="rosalba")
    page.goto("/u/rosalba/")
    live(page)
    page.evaluate("window.untouched = true")
    production.settle()
    title = "Otters in the fountain"
    bus.send("io.pagure.prod.pagure.issue.new", _issue("rosalba", title))
    expect(feed(page)).to_contain_text(title)
    assert page.evaluate("window.untouched") is True
    expect(page.locator(".live-text")).to_have_text("Live")


def test_a_changed_note_reaches_another_browser_within_two_seconds(open_page: Open, bus: Bus) -> None:
    admin = open_page("/u/severin/edit", username="severin")
    admin.locator('[data-side="left"]').get_by_role("link", name="Add a widget").click()
    admin.get_by_role("link", name="Sticky note").click()
    admin.get_by_label("text").fill("The kettle is *cold*.")
    admin.get_by_role("button", name="Add to the page").click()
    admin.get_by_role("button", name="Save changes").click()
    admin.wait_for_url("**/u/severin/")

    viewer = live(open_page("/u/severin/"))
    note = viewer.locator(".sticky")
    expect(note).to_contain_text("The kettle is cold.")
    time.sleep(1.2)

    admin.goto("/u/severin/")
    open_menu(admin, "Options of Sticky note")
    admin.get_by_role("link", name="Configure").click()
    admin.get_by_label("text").fill("The kettle is **hot**.")
    admin.get_by_role("button", name="Save changes").click()
    start = time.monotonic()
    expect(note).to_contain_text("The kettle is hot.", timeout=2000)
    assert time.monotonic() - start < 2
    expect(admin.locator(".sticky")).to_contain_text("The kettle is hot.")


def test_the_widgets_that_a_page_lacks_come_together(open_page: Open) -> None:
    requested: list[str] = []
    open_page("/", username="wendela")
    page = open_page("/", locale="fr")  # a language in which nothing of this hub has been built
    page.on("request", lambda request: requested.append(request.url))
    page.goto("/u/wendela/")
    expect(page.get_by_role("heading", name="wendela")).to_be_visible()
    expect(page.locator(".widget-body[data-load]")).to_have_count(0)
    expect(page.locator(".widget[data-state=loading]")).to_have_count(0)
    together = next(url for url in requested if "/u/wendela/fragments?lang=fr&widget=" in url)
    assert together.count("widget=") == page.locator(".widget").count() > 2
    # The last one that is being built is requested by itself.
    assert len({url for url in requested if "/w/" in url}) <= 1


def test_a_brand_new_hub_renders_without_javascript(open_page: Open) -> None:
    page = open_page("/", username="tamsine", java_script_enabled=False)
    page.goto("/u/tamsine/")
    expect(page.get_by_role("heading", name="Feed")).to_be_visible()
    expect(feed(page)).to_contain_text("tamsine joined")
    expect(page.get_by_role("heading", name="Weekly activity")).to_be_visible()
    assert page.locator("[data-load]").count() == 0


def test_forms_work_without_javascript(open_page: Open) -> None:
    page = open_page("/", username="ulrike", java_script_enabled=False)
    page.goto("/u/ulrike/edit/add/library?side=right")
    page.locator("#f-items-0-title").fill("Tide tables")
    page.locator("#f-items-0-link").fill("not an address")
    page.get_by_role("button", name="Add to the page").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#e-items")).to_contain_text("https://")
    expect(page.locator("#f-items-0-title")).to_have_value("Tide tables")
    page.locator("#f-items-0-link").fill("https://tides.example.org/")
    page.get_by_role("button", name="Add to the page").click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator(".flash")).to_contain_text("The page has been saved")
    expect(page.get_by_role("link", name="Tide tables")).to_have_attribute("href", "https://tides.example.org/")


def test_new_lines_wait_while_somebody_reads_and_keep_unfolded_parts(
    open_page: Open, production: Stack, bus: Bus
) -> None:
    page = open_page("/", username="valdis")
    page.goto("/u/valdis/")
    live(page)
    production.settle()
    for _ in range(3):
        bus.send("io.pagure.prod.pagure.issue.comment.added", _issue("valdis", "Lost keys"))
    group = feed(page).locator(".act-group").first
    expect(group).to_contain_text("commented 3 times on #7 Lost keys")
    group.locator("summary").click()
    group.locator("summary").focus()
    time.sleep(1.2)
    bus.send("io.pagure.prod.pagure.issue.new", _issue("valdis", "Found keys", number=8))
    pill = feed(page).locator(".pill")
    expect(pill).to_have_text("1 new")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    pill.click()
    expect(feed(page)).to_contain_text("Found keys")
    assert page.locator(".act-more[open]").count() == 1
    expect(pill).to_have_count(0)


def test_fifty_messages_move_nothing_while_somebody_reads(open_page: Open, production: Stack, bus: Bus) -> None:
    for number in range(40):
        bus.send("io.pagure.prod.pagure.issue.new", _issue("yrsa", f"Old {number}", number=number))
    page = open_page("/", username="yrsa")
    page.goto("/u/yrsa/")
    live(page)
    pane = feed(page).locator(".feed-pane")
    expect(pane.locator(".act-more li").nth(20)).to_be_attached()
    pane.locator("summary").first.click()
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)
    pane.evaluate("pane => pane.scrollTop = 12")
    # A widget whose service does not respond may still be loading, and moves those below it once it says so.
    watched = page.evaluate_handle("[...document.querySelectorAll('.act, .widget[data-state=live], .day')]")
    before = watched.evaluate(TOPS)
    assert len(before) > 5
    for number in range(50):
        bus.send("io.pagure.prod.pagure.pull-request.new", pull("yrsa", number))
    expect(feed(page).locator(".pill")).to_have_text("30 new", timeout=40000)
    page.wait_for_timeout(1500)
    assert watched.evaluate(TOPS) == before
    page.mouse.move(0, 0)
    feed(page).locator(".pill").click()
    expect(pane).to_contain_text("opened 30 pull requests")
    assert pane.evaluate("pane => pane.scrollTop") == 0


#: The names and positions on the screen of elements; those that were replaced are at the top.
TOPS = "all => all.map(element => [element.dataset.key || element.id, element.getBoundingClientRect().top])"


def test_the_page_says_when_its_stream_is_gone_and_catches_up_when_it_is_back(
    open_page: Open, production: Stack, bus: Bus
) -> None:
    page = open_page("/", username="winfrid")
    page.goto("/u/winfrid/")
    live(page)
    production.settle()
    page.context.set_offline(True)
    page.wait_for_selector("[data-live=offline]")
    bus.send("io.pagure.prod.pagure.issue.new", _issue("winfrid", "Missed the ferry"))
    time.sleep(1)
    page.context.set_offline(False)
    expect(feed(page)).to_contain_text("Missed the ferry", timeout=20000)
    live(page)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/u/rosalba/", "/login"])
def test_pages_fit_a_phone_in_both_colour_schemes(open_page: Open, path: str, scheme: str) -> None:
    page = open_page(path, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.documentElement.dataset.theme") == scheme


def test_everything_can_be_reached_with_the_keyboard(open_page: Open) -> None:
    page = open_page("/u/rosalba/", username="rosalba")
    page.wait_for_selector("[data-collapse-item]:not([hidden])", state="attached")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim()"))
    assert {"Edit page", "More actions", "Options of Feed"} <= reached


def _issue(agent: str, title: str, number: int = 7) -> dict[str, object]:
    project = {"name": "lights", "fullname": "lights"}
    issue = {"id": number, "title": title, "user": {"name": agent}, "comments": [{"user": {"name": agent}, "id": 1}]}
    return {"agent": agent, "issue": issue, "project": project}


def pull(agent: str, number: int) -> dict[str, object]:
    project = {"name": "lights", "fullname": "lights"}
    request = {"id": 100 + number, "title": f"Lamp {number}", "user": {"name": agent}, "project": project}
    return {"agent": agent, "pullrequest": request}


def test_a_failed_widget_is_built_again_by_its_button(open_page: Open) -> None:
    page = open_page("/", username="umberto")
    page.goto("/u/umberto/")
    live(page)
    failed = page.locator('.widget[data-state="failed"]', has=page.get_by_role("heading", name="Badges"))
    button = failed.get_by_role("button", name="Try again")
    expect(button).to_be_visible()
    page.route("**/retry", lambda route: (page.wait_for_timeout(300), route.continue_()))
    before = failed.get_attribute("data-built")
    button.click()
    expect(failed.get_by_role("button", name="Trying again …")).to_be_visible()
    # The same failure again: it replaces what the button says all the same.
    expect(button).to_be_visible()
    assert failed.get_attribute("data-built") != before
    assert page.url.endswith("/u/umberto/")
