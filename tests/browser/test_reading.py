"""Nobody's reading is disturbed: fifty messages move nothing on any page that shows activity."""

import pytest

from tests.browser.conftest import Open, live
from tests.browser.editing import newts
from tests.browser.test_live import pull
from tests.stack import Bus, Stack

__all__ = ["newts"]

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
#: What is watched: everything that has its place on the page. The lines of the front page's list move by design.
WATCHED = "main :is(h1, h2, h3, section, article, p, li, .act, .widget):not(.ticker-lines *), .foot"
#: Notes where the watched elements are on the screen; later returns those that are elsewhere, with the pixels.
NOTE = """selector => (window.noted = [...document.querySelectorAll(selector)]
    .map(element => [element, element.getBoundingClientRect().top])).length"""
MOVED = """() => window.noted.filter(([element]) => element.isConnected && element.getClientRects().length)
    .map(([element, top]) => [element.outerHTML.slice(0, 100), element.getBoundingClientRect().top - top])
    .filter(([, pixels]) => pixels)"""


@pytest.mark.parametrize(
    ("path", "who", "viewport"),
    [
        ("/", "yrsa", WIDE),
        pytest.param("/", "yrsa", PHONE, marks=pytest.mark.slow),
        pytest.param("/", "", WIDE, marks=pytest.mark.slow),
        pytest.param("/", "", PHONE, marks=pytest.mark.slow),
        pytest.param("/stream/", "yrsa", WIDE, marks=pytest.mark.slow),
        pytest.param("/u/yrsa/", "yrsa", PHONE, marks=pytest.mark.slow),
        pytest.param("/u/yrsa/activity", "", WIDE, marks=pytest.mark.slow),
    ],
    ids=["home", "home on a phone", "front", "front on a phone", "stream", "hub below its feed on a phone", "activity"],
)
def test_fifty_messages_move_nothing_below_the_fold(
    open_page: Open, production: Stack, bus: Bus, path: str, who: str, viewport: dict[str, int]
) -> None:
    for number in range(8):
        bus.send("io.pagure.prod.pagure.pull-request.new", pull("yrsa", number))
    production.settle()
    page = open_page("/", username=who, viewport=viewport)
    page.goto(path)
    if page.locator("[data-live]").count():
        live(page)
    page.mouse.move(0, 0)
    # Far enough to have the lists that are live above the screen, or cut by its edge.
    page.evaluate("scrollTo(0, Math.min(900, document.documentElement.scrollHeight - innerHeight))")
    page.wait_for_timeout(500)
    assert page.evaluate(NOTE, WATCHED) > 5
    for number in range(50):
        bus.send("io.pagure.prod.pagure.pull-request.new", pull("yrsa", 100 + number))
    production.settle()
    # The front page asks for new lines every eight seconds, and shows one every four.
    page.wait_for_timeout(13_000)
    assert page.evaluate(MOVED) == []


def test_the_name_of_a_day_stays_in_sight_while_its_meetings_scroll(open_page: Open, newts: str) -> None:
    page = open_page(newts + "calendar", viewport=PHONE)
    page.evaluate(
        """() => {
            const day = document.querySelectorAll(".calendar > li")[2];
            for (let number = 0; number < 60; number++) {
                const meeting = document.createElement("p");
                meeting.className = "calendar-entry";
                meeting.textContent = `Meeting ${number}`;
                day.append(meeting);
            }
            scrollTo(0, day.getBoundingClientRect().top + scrollY + 600);
        }"""
    )
    name, bar = (page.locator(selector).bounding_box() for selector in (".calendar > li:nth-child(3) h3", ".bar"))
    assert name is not None
    assert bar is not None
    assert abs(name["y"] - bar["height"]) <= 1
