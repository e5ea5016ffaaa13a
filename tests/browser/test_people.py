"""People and permissions in a browser, on the whole stack: joining, losing membership, looking as others."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.models import Hub, RoleName, User, Visibility
from hubs.permissions import person
from tests.browser.conftest import WITH_AND_WITHOUT_SCRIPTS, Open, open_menu
from tests.stack import Bus, Stack


@pytest.fixture
def team(production: Stack, bus: Bus, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the name of a team with ``odalys`` as owner and ``mirko`` as member; one per test."""
    name = f"team-{abs(hash(request.node.name)) % 10**6}"
    database = production.database()
    with database.transaction() as session:
        owner = roles.sign_up(session, production.registry, "odalys", "Odalys")
        member = roles.sign_up(session, production.registry, "mirko", "Mirko")
        hub = hub_actions.create(session, production.registry, owner, "team", name)
        roles.grant_role_unchecked(session, "odalys", hub, member, RoleName.MEMBER)
    yield name
    database.dispose()


def enter(page: Page, username: str) -> None:
    page.goto("/login")
    page.fill("#f-username", username)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/")


@WITH_AND_WITHOUT_SCRIPTS
def test_from_request_by_approval_to_membership_with_and_without_javascript(
    chromium: Browser, production: Stack, team: str, scripts: bool
) -> None:
    contexts = [chromium.new_context(base_url=production.url, java_script_enabled=scripts) for _ in range(2)]
    asking, owner = (context.new_page() for context in contexts)
    enter(owner, "odalys")
    owner.goto(f"/t/{team}/members")
    owner.fill("#f-join_conditions", "Read the *rules* first.")
    owner.get_by_role("button", name="Save changes").click()
    enter(asking, "tamsin")
    asking.goto(f"/t/{team}/")
    asking.get_by_role("link", name="Join").click()
    expect(asking.locator(".prose em")).to_have_text("rules")
    asking.fill("#f-message", "I have read them.")
    asking.get_by_role("button", name="Ask to join").click()
    expect(asking.get_by_role("link", name="Request sent")).to_be_visible()
    owner.goto(f"/t/{team}/members")
    expect(owner.get_by_text("I have read them.")).to_be_visible()
    owner.get_by_label("Note (optional)").fill("Welcome, Tamsin.")
    owner.get_by_role("button", name="Approve tamsin").click()
    expect(owner.locator("section[aria-labelledby=members] .roster")).to_contain_text("tamsin")
    asking.goto("/me/")
    expect(asking.get_by_text("Welcome, Tamsin.").first).to_be_visible()
    asking.goto(f"/t/{team}/")
    open_menu(asking, "More actions")
    expect(asking.get_by_role("button", name="Leave")).to_be_visible()
    asking.get_by_role("button", name="Leave").click()
    expect(asking.get_by_role("link", name="Join")).to_be_visible()
    for context in contexts:
        context.close()


def test_the_open_page_of_a_removed_member_closes_within_five_seconds(
    chromium: Browser, production: Stack, bus: Bus, team: str
) -> None:
    with production.database().transaction() as session:
        hub = session.query(Hub).filter_by(name=team).one()
        hub.visibility = Visibility.MEMBERS
    context = chromium.new_context(base_url=production.url)
    page = context.new_page()
    enter(page, "mirko")
    page.goto(f"/t/{team}/")
    page.wait_for_selector("[data-live=live]")
    with production.database().transaction() as session:
        owner = session.query(User).filter_by(username="odalys").one()
        mirko = session.query(User).filter_by(username="mirko").one()
        hub = session.query(Hub).filter_by(name=team).one()
        hub.group_name = team
        assert roles.give_role(session, person(owner.id, "odalys", hub.roles), hub, mirko, RoleName.MEMBER) is False
    removed = time.monotonic()
    body = {"agent": "odalys", "group": team, "user": "mirko"}
    bus.send("org.fedoraproject.dev.fas.group.member.remove", body)
    expect(page.locator("[data-live=live]")).to_have_count(0, timeout=5000)
    assert time.monotonic() - removed < 5
    # What the page then asks for is refused, and it says so.
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible(timeout=60_000)
    context.close()


def test_an_owner_looks_at_the_hub_as_others_see_it(open_page: Open, production: Stack, team: str) -> None:
    with production.database().transaction() as session:
        hub = session.query(Hub).filter_by(name=team).one()
        sticky = next(row for row in hub.widgets if row.plugin == "sticky")
        sticky.visibility = Visibility.MEMBERS
        number = sticky.id
    page = open_page(f"/t/{team}/", username="odalys")
    expect(page.locator(f"#widget-{number}")).to_have_count(1)
    open_menu(page, "More actions")
    page.get_by_role("link", name="View as …").click()
    expect(page.get_by_text("as a visitor does")).to_be_visible()
    expect(page.locator(f"#widget-{number}")).to_have_count(0)
    expect(page.get_by_role("link", name="Edit page")).to_have_count(0)
    page.get_by_role("link", name="Member", exact=True).click()
    expect(page.locator(f"#widget-{number}")).to_have_count(1)
    page.get_by_role("link", name="Back to your own view").click()
    expect(page.get_by_role("link", name="Edit page")).to_be_visible()


def test_the_members_page_and_my_account_fit_a_phone(open_page: Open, team: str) -> None:
    page = open_page(f"/t/{team}/members", username="odalys", viewport={"width": 320, "height": 700})
    for path in (f"/t/{team}/members", "/me/", f"/t/{team}/?as=visitor"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
