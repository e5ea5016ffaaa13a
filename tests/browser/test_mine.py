"""My bar, my notices and my stream in a browser: order by keyboard and mouse, a dot that appears, new messages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.models import RoleName
from tests.browser.conftest import Open, live
from tests.stack import Bus, Stack


@pytest.fixture
def teams(production: Stack, bus: Bus, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Give the names of two teams of ``quillon``, with ``brisa`` as member of both; as new for every test."""
    mark = f"{abs(hash(request.node.name)) % 10**6}"
    database = production.database()
    names = [f"{letter}-{mark}" for letter in "ab"]
    with database.transaction() as session:
        owner = roles.sign_up(session, production.registry, f"quillon{mark}")
        member = roles.sign_up(session, production.registry, f"brisa{mark}")
        for name in names:
            hub = hub_actions.create(session, production.registry, owner, "team", name)
            roles.grant_role_unchecked(session, owner.username, hub, member, RoleName.MEMBER)
    yield names
    database.dispose()


def owner_of(teams: list[str]) -> str:
    return f"quillon{teams[0][2:]}"


def member_of(teams: list[str]) -> str:
    return f"brisa{teams[0][2:]}"


def order(page: Page) -> list[str]:
    return page.eval_on_selector_all("#bookmarks .edit-card", "cards => cards.map(card => card.dataset.title)")


@pytest.mark.slow
def test_my_hubs_are_ordered_by_keyboard_and_stay_so(open_page: Open, teams: list[str]) -> None:
    first, second = teams
    page = open_page("/me/bookmarks", username=owner_of(teams))
    assert order(page) == [owner_of(teams), first, second]
    page.get_by_role("button", name=f"Move {second}", exact=True).focus()
    page.keyboard.press("Space")
    expect(page.locator("[data-announce]")).to_have_text(f"Picked up: {second}. Position 3 of 3, bookmarks.")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    with page.expect_response("**/me/bookmarks"):
        page.keyboard.press("Space")
    expect(page.locator("[data-announce]")).to_have_text(f"Dropped: {second}.")
    expect(page.locator("[data-bookmark]").first).to_contain_text(second)
    page.reload()
    assert order(page) == [second, owner_of(teams), first]


def test_a_dot_appears_on_the_hub_while_its_owner_reads_another_page(open_page: Open, teams: list[str]) -> None:
    first, second = teams
    owner = live(open_page(f"/t/{first}/", username=owner_of(teams)))
    link = owner.locator("[data-bookmark]", has_text=second)
    expect(link.locator(".dot")).to_be_hidden()
    asking = open_page(f"/t/{second}/join", username="wilmot")
    asking.get_by_role("button", name="Ask to join").click()
    expect(link.locator(".dot")).to_be_visible()
    expect(owner.locator(".bell [data-inbox-count]")).to_have_text("1")  # which takes the place of the bell's dot
    owner.set_viewport_size({"width": 390, "height": 844})
    for dot in ("need", "hubs"):
        expect(owner.locator(f".bottom [data-dot={dot}]")).to_be_visible()
    owner.set_viewport_size({"width": 1280, "height": 720})
    link.click()
    expect(owner.locator("[data-bookmark]", has_text=second).locator(".dot")).to_be_hidden()


def test_new_messages_are_counted_and_shown_when_the_reader_asks(
    open_page: Open, production: Stack, teams: list[str], bus: Bus
) -> None:
    page = live(open_page("/stream/", username=owner_of(teams)))
    home = live(open_page("/", username=owner_of(teams)))
    pill, lines = home.locator("[data-new]"), home.locator(".home-stream")
    expect(pill).to_be_hidden()
    place = lines.bounding_box()
    before = page.locator("main").inner_text()
    production.settle()
    title = f"Herons on the roof {teams[0]}"
    user = {"name": member_of(teams), "fullname": "", "url_path": ""}
    issue = {"id": 7, "title": title, "user": user, "full_url": "https://pagure.io/otters/issue/7"}
    body = {"issue": issue, "project": {"name": "otters", "fullname": "otters"}, "agent": member_of(teams)}
    bus.send("io.pagure.prod.pagure.issue.new", body)
    expect(page.locator("[data-new]")).to_have_text("1 new – show", timeout=15000)
    assert title not in page.locator("main").inner_text()
    assert before
    page.locator("[data-new]").click()
    expect(page.locator("main")).to_contain_text(title)
    expect(pill).to_have_text("1 new", timeout=15000)
    assert lines.bounding_box() == place  # nothing moves
    assert title not in lines.inner_text()
    pill.click()
    expect(lines).to_contain_text(title)


def test_the_stream_grows_and_changes_without_moving_what_is_read(
    open_page: Open, production: Stack, teams: list[str], bus: Bus
) -> None:
    numbers = range(34)
    for number in numbers:
        user = {"name": member_of(teams), "fullname": "", "url_path": ""}
        link = f"https://pagure.io/otters/issue/{number}"
        issue = {"id": number, "title": f"Heron {number}", "user": user, "full_url": link}
        body = {"issue": issue, "project": {"name": "otters", "fullname": "otters"}, "agent": member_of(teams)}
        # Each with a verb of its own, so that no two lines become one.
        event = ("new", "comment.added", "assigned.added")[number % 3]
        bus.send(f"io.pagure.prod.pagure.issue.{event}", body)
    production.settle()
    page = live(open_page("/stream/", username=owner_of(teams)))
    lines = page.locator("[data-stream-list] .act")
    shown = lines.count()
    more = page.get_by_role("link", name="Show more")
    more.scroll_into_view_if_needed()
    before = _places(page)
    more.click()
    expect(lines).not_to_have_count(shown)
    assert _places(page)[: len(before)] == before
    assert page.evaluate("scrollY") > 0
    line = lines.nth(shown - 3)
    line.hover()
    before = _places(page)
    line.locator("button[value=save]").click()
    expect(line.locator("button[value=unsave]")).to_be_attached()
    line.locator("button[value=hide]").click()
    expect(line.locator(".act-undo")).to_be_visible()
    assert _places(page) == before
    line.locator(".act-undo button").click()
    expect(line.locator(".act-undo")).to_have_count(0)
    assert _places(page) == before
    assert page.url.endswith("/stream/")


def _places(page: Page) -> list[float]:
    """Return where the lines of the stream are in the window."""
    lines = "[data-stream-list] .act"
    return page.eval_on_selector_all(lines, "lines => lines.map(line => line.getBoundingClientRect().top)")  # type: ignore[no-any-return]
