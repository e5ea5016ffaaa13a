"""“3 here now”, as people on the page of a team see each other come and hide."""

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from tests.browser.conftest import Open, live
from tests.stack import Stack

#: Says whether banner and dot are shown while updates are delayed: at once, since the next event ends that.
SHOWN_WITHOUT_UPDATES = """() => {
    document.documentElement.dataset.updates = "delayed";
    return [".banner-here", "[data-person=odalys] .presence"].map(
        selector => document.querySelector(selector).checkVisibility({visibilityProperty: true}));
}"""


@pytest.fixture
def team(production: Stack) -> Iterator[str]:
    name, database = f"present-{secrets.token_hex(3)}", production.database()
    with database.transaction() as session:
        owner = roles.sign_up(session, production.registry, "odalys", "Odalys")
        hub_actions.create(session, production.registry, owner, "team", name)
    yield name
    database.dispose()


def test_people_who_share_their_activity_are_counted_until_they_hide_it(open_page: Open, team: str) -> None:
    visitor = live(open_page(f"/t/{team}/", viewport={"width": 1280, "height": 800}))
    name = visitor.locator("h1").bounding_box()
    owner = live(open_page(f"/t/{team}/", username="odalys"))
    expect(visitor.locator(".banner-here")).to_have_text("O1 here now")
    expect(visitor.locator(".banner-here")).to_have_attribute("title", "Odalys")
    expect(visitor.locator(".banner-here")).to_be_visible()
    assert visitor.locator("h1").bounding_box() == name
    expect(owner.locator(".banner-here")).to_have_text("")  # nobody but the reader
    other = live(open_page(f"/t/{team}/", username="mirko"))
    expect(owner.locator("[data-here-text]")).to_have_text("2 here now")
    expect(other.locator("[data-here-faces] .avatar")).to_have_count(2)
    # The list of members says the same with dots.
    dot = other.locator("[data-person=odalys] .presence")
    expect(dot).to_have_attribute("data-presence", "here")
    expect(dot).to_be_visible()
    settings = open_page("/me/", username="mirko")
    settings.get_by_label("Nobody else").check()
    settings.get_by_role("button", name="Save changes").click()
    expect(visitor.locator("[data-here-text]")).to_have_text("1 here now")
    expect(other.locator("[data-here-text]")).to_have_text("1 here now")  # who hides may still see others
    # Without live updates the figure would be old.
    assert visitor.evaluate(SHOWN_WITHOUT_UPDATES) == [False, False]
    owner.goto(f"/t/{team}/settings")
    owner.get_by_label("Who is here now").select_option("hidden")
    owner.get_by_role("button", name="Save changes").click()
    expect(other.locator(".banner-here")).to_have_count(0)
    expect(dot).to_be_hidden()
