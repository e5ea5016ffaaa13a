"""Editing while answers are slow: what a hand holds is not taken from it, and nothing that was answered is lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Open, wait_for
from tests.browser.editing import newts, order, wait_for_order

__all__ = ["newts"]


class Server:
    """Answers the page's steps only when the test says so."""

    def __init__(self, page: Page) -> None:
        self.page, self.held = page, list[Route]()
        page.route("**/edit", self._hold)

    def _hold(self, route: Route) -> None:
        if route.request.method == "POST":
            self.held.append(route)
        else:
            route.continue_()

    def asked(self) -> Route:
        """Return the next step once it was sent."""
        wait_for(self.page, lambda: self.held)
        return self.held.pop(0)

    def answer(self, route: Route) -> None:
        """Let a step through, and give the page time to show its response, if it does so."""
        with self.page.expect_response(lambda response: response.url.endswith("/edit") and response.status != 303):
            route.continue_()
        self.page.wait_for_timeout(300)


@contextmanager
def finger(page: Page) -> Iterator[Callable[..., None]]:
    """Give a function that moves a finger: the kind of the event, and the place."""
    session = page.context.new_cdp_session(page)

    def touch(kind: str, place: tuple[float, float] | None = None) -> None:
        points = [{"x": place[0], "y": place[1]}] if place else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    yield touch
    session.detach()


@pytest.fixture
def page(open_page: Open, newts: str) -> Page:
    page = open_page(newts + "edit", username="ottoline")
    page.locator("[data-handle]").first.wait_for()  # before the script is there, forms are sent as usual
    wait_for_order(page, "left", ["sticky", "feed"])
    page.evaluate("document.getElementById('editor').seen = true")
    return page


@pytest.fixture
def server(page: Page) -> Server:
    return Server(page)


def choose(page: Page, key: str, name: str) -> None:
    """Choose an entry of a card's menu, then return to the top, since a low menu scrolls cards below the bar."""
    page.locator(f".edit-card[data-key={key}] summary").click()
    page.locator(f".edit-card[data-key={key}]").get_by_role("button", name=name, exact=True).click()
    page.evaluate("window.scrollTo({ top: 0, behavior: 'instant' })")


def middle(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def is_untouched(page: Page) -> bool:
    return bool(page.evaluate("document.getElementById('editor').seen === true"))


@pytest.mark.parametrize(
    "moved", [pytest.param(False, id="pressed", marks=pytest.mark.slow), pytest.param(True, id="dragged")]
)
def test_a_drag_under_which_an_answer_arrives_is_kept_and_so_is_the_answer(
    page: Page, server: Server, moved: bool
) -> None:
    choose(page, "rules", "Remove")
    first, above = server.asked(), middle(page, "[data-key=sticky] .edit-head")
    page.mouse.move(*middle(page, "[data-key=feed] [data-handle]"))
    page.mouse.down()
    if moved:
        page.mouse.move(*above, steps=5)
    server.answer(first)
    assert is_untouched(page), "the card would be gone from the hand"
    page.mouse.move(*above, steps=5)
    page.mouse.up()
    server.answer(server.asked())
    wait_for_order(page, "left", ["feed", "sticky"])
    expect(page.locator(".edit-card[data-key=rules]")).to_have_count(0)
    assert not is_untouched(page)


@pytest.mark.slow
def test_a_card_that_is_put_back_gives_way_to_the_answer(page: Page, server: Server) -> None:
    choose(page, "rules", "Remove")
    first = server.asked()
    page.mouse.move(*middle(page, "[data-key=feed] [data-handle]"))
    page.mouse.down()
    server.answer(first)
    page.mouse.up()
    expect(page.locator(".edit-card[data-key=rules]")).to_have_count(0)
    assert order(page, "left") == ["sticky", "feed"]


@pytest.mark.slow
def test_a_finger_that_rests_on_a_handle_drags_it_though_an_answer_arrives(open_page: Open, newts: str) -> None:
    page = open_page(newts + "edit", username="ottoline", viewport={"width": 900, "height": 900}, has_touch=True)
    page.locator("[data-handle]").first.wait_for()
    page.evaluate("document.getElementById('editor').seen = true")
    server = Server(page)
    choose(page, "rules", "Remove")
    first = server.asked()
    with finger(page) as touch:
        touch("touchStart", middle(page, "[data-key=feed] [data-handle]"))
        # Sortable takes a card only after the finger has rested on it for a while: the answer comes before that.
        server.answer(first)
        assert is_untouched(page)
        x, y = middle(page, "[data-key=sticky] .edit-head")
        for below in (60, 30, 0, -5):
            touch("touchMove", (x, y + below))
            page.wait_for_timeout(60)
        touch("touchEnd")
    server.answer(server.asked())
    wait_for_order(page, "left", ["feed", "sticky"])
    expect(page.locator(".edit-card[data-key=rules]")).to_have_count(0)


@pytest.mark.slow
def test_a_widget_carried_by_keyboard_stays_grabbed(page: Page, server: Server) -> None:
    choose(page, "rules", "Remove")
    first = server.asked()
    page.locator("[data-key=feed] [data-handle]").focus()
    page.keyboard.press("Space")
    server.answer(first)
    page.keyboard.press("ArrowUp")
    assert order(page, "left") == ["feed", "sticky"]
    page.keyboard.press("Space")
    server.answer(server.asked())
    wait_for_order(page, "left", ["feed", "sticky"])
    expect(page.locator(".edit-card[data-key=rules]")).to_have_count(0)


@pytest.mark.slow
def test_a_widget_carried_by_keyboard_is_dropped_when_the_mouse_is_used(page: Page, server: Server) -> None:
    page.locator("[data-key=feed] [data-handle]").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowUp")
    choose(page, "rules", "Remove")
    server.answer(server.asked())
    server.answer(server.asked())
    wait_for_order(page, "left", ["feed", "sticky"])
    expect(page.locator(".edit-card[data-key=rules]")).to_have_count(0)
    expect(page.locator(".edit-taken")).to_have_count(0)


def test_a_button_that_is_pressed_when_an_answer_arrives_is_clicked(page: Page, server: Server) -> None:
    choose(page, "rules", "Remove")
    first = server.asked()
    page.locator("[data-key=feed] summary").click()
    page.mouse.move(*middle(page, "[data-key=feed] button[type=submit] >> text='Move up'"))
    page.mouse.down()
    server.answer(first)
    page.mouse.up()
    server.answer(server.asked())
    wait_for_order(page, "left", ["feed", "sticky"])
    expect(page.locator(".edit-card[data-key=rules]")).to_have_count(0)


@pytest.mark.slow
def test_a_card_lands_beside_the_one_it_was_put_before_whatever_was_on_its_way(page: Page, server: Server) -> None:
    choose(page, "sticky", "Remove")
    first = server.asked()
    page.mouse.move(*middle(page, "[data-key=rules] [data-handle]"))
    page.mouse.down()
    for _ in range(20):  # each step moves the cards below the pointer, as it does for a person
        page.mouse.move(*middle(page, "[data-key=feed] .edit-head"), steps=5)
        page.wait_for_timeout(100)
        if order(page, "left") == ["sticky", "rules", "feed"]:
            break
    page.mouse.up()
    wait_for_order(page, "left", ["sticky", "rules", "feed"])
    server.answer(first)
    server.answer(server.asked())
    wait_for_order(page, "left", ["rules", "feed"])


@pytest.mark.slow
def test_the_error_of_a_step_is_shown_though_another_one_followed(page: Page, server: Server) -> None:
    page.eval_on_selector("#left-width", "range => { range.max = 20; range.value = 20; range.form.requestSubmit(); }")
    first = server.asked()
    page.locator("[data-key=feed] [data-handle]").drag_to(page.locator("[data-key=sticky] .edit-head"), steps=8)
    server.answer(first)
    server.answer(server.asked())
    wait_for_order(page, "left", ["feed", "sticky"])
    expect(page.locator("[data-problem]")).to_be_visible()
