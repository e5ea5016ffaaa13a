"""The journey of editing a page: with the mouse, with the keyboard alone, by touch alone, and two admins who race."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import shifts
from tests.browser.clicks import Clicks
from tests.browser.conftest import Open
from tests.browser.editing import newts, order, step, wait_for_order

__all__ = ["newts"]


def columns(page: Page, side: str) -> list[str]:
    expect(page.locator(".widget[aria-busy]")).to_have_count(0)
    return page.eval_on_selector_all(
        f".column[data-side={side}] .panel-title", "titles => titles.map(title => title.textContent.trim())"
    )


def test_a_page_is_edited_with_the_mouse(open_page: Open, newts: str) -> None:
    page = open_page(newts, username="ottoline")
    page.get_by_role("link", name="Edit page").click()
    wait_for_order(page, "left", ["sticky", "feed"])
    with step(page):
        page.locator(".edit-card[data-key=feed] [data-handle]").drag_to(
            page.locator(".edit-card[data-key=sticky]"), steps=8
        )
    wait_for_order(page, "left", ["feed", "sticky"])
    with step(page):
        page.locator(".edit-card[data-key=stats] [data-handle]").drag_to(
            page.locator(".edit-card[data-key=sticky]"), steps=8
        )
    cards = page.locator("[data-list=left] .edit-card")
    expect(cards).to_have_count(3)
    # Where exactly it is dropped depends on the cards that made way for it.
    titles = cards.evaluate_all("cards => cards.map(card => card.dataset.title)")
    assert sorted(order(page, "left")) == ["feed", "stats", "sticky"]
    page.locator("[data-side=right] .add-button").click()
    # Live thumbnails: this one shows the figures of the hub; Tab never enters one.
    figures = page.locator("#catalogue li", has_text="How many members").locator(".thumb .figures")
    expect(figures).to_contain_text("members")
    assert figures.evaluate("(element) => Boolean(element.closest('[inert][aria-hidden=true]'))")
    page.fill("#q", "library")
    expect(page.locator("#catalogue li:visible")).to_have_count(1)
    page.locator("#catalogue .catalogue-card:visible").click()
    page.fill("#f-label", "Our links")
    expect(page.locator("#preview .panel-title")).to_have_text("Our links")
    page.get_by_role("button", name="Add to the page").click()
    expect(page.locator(".edit-card[data-key=library]")).to_be_visible()
    with step(page):
        page.get_by_role("button", name="Undo").click()
    expect(page.locator(".edit-card[data-key=library]")).to_have_count(0)
    with step(page):
        page.get_by_role("button", name="Redo").click()
    expect(page.locator(".edit-card[data-key=library]")).to_be_visible()
    page.get_by_role("button", name="Save changes").click()
    page.wait_for_url(f"**{newts}")
    assert columns(page, "left") == titles
    assert columns(page, "right")[-1] == "Our links"


def test_a_widget_is_added_in_five_clicks_at_most(open_page: Open, newts: str) -> None:
    page = open_page(newts, username="ottoline")
    click = Clicks(page)
    click("link", "Edit page")
    page.locator("[data-handle]").first.wait_for()  # the script is there
    page.locator("[data-side=left] .add-button").click()
    # The other zone is shown in place.
    page.get_by_label("Put it in").select_option("right")
    expect(page.get_by_role("heading", name="Add a widget to the right column")).to_be_visible()
    expect(page.get_by_label("Put it in")).to_be_focused()
    click("button", re.compile("Add ?: Library"))
    expect(page.locator("[data-list=right] .edit-card[data-key=library]")).to_be_visible()
    click("button", "Save changes")
    page.wait_for_url(re.compile(f"{newts}(#.*)?$"))
    assert columns(page, "right")[-1] == "Library"
    assert click.count + 2 <= 5, "the button of the column, and the zone, were clicked as well"


def test_a_page_is_edited_with_the_keyboard_alone(open_page: Open, newts: str) -> None:
    page = open_page(newts + "edit", username="ottoline")
    page.wait_for_selector("[data-handle]:not([data-waiting])")
    handle = (
        "[document.activeElement.closest('.edit-card')?.dataset.key,"
        " document.activeElement.matches('[data-handle]')].join(' ')"
    )
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(handle) == "feed true":
            break
    told = page.locator("[data-announce]")
    page.keyboard.press("Space")
    expect(told).to_have_text("Picked up: Feed. Position 2 of 2, Left column.")
    page.keyboard.press("ArrowUp")
    expect(told).to_have_text("Position 1 of 2, Left column.")
    page.keyboard.press("Escape")
    expect(told).to_have_text("Feed is back in its original position.")
    assert order(page, "left") == ["sticky", "feed"]
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    with step(page):
        page.keyboard.press("Space")
    wait_for_order(page, "left", ["sticky"])
    page.wait_for_function(f"() => ({handle}) === 'feed true'")
    with step(page):
        page.keyboard.press("Control+z")
    wait_for_order(page, "left", ["sticky", "feed"])
    with step(page):
        page.keyboard.press("Control+Shift+z")
    wait_for_order(page, "left", ["sticky"])
    page.get_by_role("button", name="Save changes").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{newts}")
    assert "Feed" in columns(page, "right")


def test_arrow_keys_move_a_widget_to_where_they_point_on_a_mirrored_page(open_page: Open, newts: str) -> None:
    page = open_page(newts + "edit?lang=ar", username="ottoline")
    page.wait_for_selector("[data-handle]:not([data-waiting])")
    page.locator(".edit-card[data-key=feed] [data-handle]").focus()
    before = page.locator(".edit-card[data-key=feed]").bounding_box()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    wait_for_order(page, "left", ["sticky"])
    after = page.locator(".edit-card[data-key=feed]").bounding_box()
    assert before
    assert after
    assert after["x"] < before["x"]
    page.keyboard.press("ArrowRight")
    assert order(page, "left") == ["sticky", "feed"]


def test_a_page_is_edited_by_touch_alone(open_page: Open, newts: str) -> None:
    page = open_page(
        newts + "edit", username="ottoline", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    card = page.locator(".edit-card[data-key=feed]")
    card.locator("summary").tap()
    with step(page):
        card.get_by_role("button", name="Move to the top").tap()
    wait_for_order(page, "left", ["feed", "sticky"])
    card = page.locator(".edit-card[data-key=rules]")
    card.locator("summary").tap()
    with step(page):
        card.get_by_role("button", name="Remove").tap()
    expect(page.locator(".edit-card[data-key=rules]")).to_have_count(0)
    save = page.get_by_role("button", name="Save changes")
    for place in (0, 10_000):
        page.evaluate("place => scrollTo(0, place)", place)
        box, bar = save.bounding_box(), page.locator(".bottom").bounding_box()
        assert box is not None
        assert bar is not None
        assert 0 < box["y"] < bar["y"] - box["height"] + 1
    save.tap()
    page.wait_for_url(f"**{newts}")
    assert columns(page, "left")[0] == "Feed"
    assert "Community rules" not in columns(page, "right")


def test_two_admins_who_save_lose_nothing(open_page: Open, newts: str) -> None:
    first = open_page(newts + "edit", username="ottoline")
    second = open_page(newts + "edit", username="pernille")
    for page, key in ((first, "rules"), (second, "stats")):
        card = page.locator(f".edit-card[data-key={key}]")
        card.locator("summary").click()
        with step(page):
            card.get_by_role("button", name="Remove").click()
        expect(page.locator(f".edit-card[data-key={key}]")).to_have_count(0)
    first.get_by_role("button", name="Save changes").click()
    first.wait_for_url(f"**{newts}")
    second.get_by_role("button", name="Save changes").click()
    expect(second.get_by_role("alert")).to_contain_text("Somebody else saved this page")
    expect(second.get_by_role("alert")).to_contain_text("Removed the widget Community rules")
    second.get_by_role("button", name="Save changes").click()
    second.wait_for_url(f"**{newts}")
    assert not {"Community rules", "People"} & {*columns(second, "right"), *columns(second, "left")}


def test_leaving_an_unsaved_draft_is_warned_of_and_the_draft_is_kept(open_page: Open, newts: str) -> None:
    page = open_page(newts + "edit", username="ottoline")
    page.locator(".edit-card[data-key=rules] summary").click()
    with step(page):
        page.locator(".edit-card[data-key=rules]").get_by_role("button", name="Remove").click()
    expect(page.locator(".edit-card[data-key=rules]")).to_have_count(0)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto("/")
    assert asked == ["beforeunload"]
    page.goto(newts + "edit")
    expect(page.locator(".edit-card[data-key=rules]")).to_have_count(0)


def test_editing_works_without_javascript(open_page: Open, newts: str) -> None:
    page = open_page(newts + "edit", username="ottoline", java_script_enabled=False)
    page.locator(".edit-card[data-key=feed] summary").click()
    with page.expect_navigation():
        page.locator(".edit-card[data-key=feed]").get_by_role("button", name="Move up").click()
    assert order(page, "left") == ["feed", "sticky"]
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("status").first).to_contain_text("The page has been saved")


@pytest.mark.parametrize("address", ["/t/newts/edit", "/me/bookmarks", "/t/newts/"])
def test_handles_and_buttons_appear_without_moving_anything(open_page: Open, newts: str, address: str) -> None:
    page = open_page(address, username="ottoline")
    page.locator("[data-theme-toggle]").wait_for()
    if address != newts:
        page.locator("[data-handle]").first.wait_for()
    assert shifts.since_start(page) < shifts.MOST
