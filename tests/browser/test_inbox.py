"""The inbox in a browser: one click, keys, undo, and two windows that agree."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions.inbox import counts, marks
from hubs.actions.people import membership, roles
from hubs.models import Hub, User
from hubs.permissions import Person, person
from hubs.services import create_event_log
from tests.browser.conftest import Open, live, wait_for
from tests.stack import Bus, Stack

ASKING = ("yaroslava", "zebedee")


class Team:
    """A team of one owner, whom two people asked to let them join."""

    def __init__(self, stack: Stack, mark: str) -> None:
        self.name, self.owner, self.database = f"inbox-{mark}", f"olwen{mark}", stack.database()
        # So that open pages hear of what is changed here, as if another window had changed it.
        counts.publish_after_commit(self.database, create_event_log(stack.settings))
        with self.database.transaction() as session:
            owner = roles.sign_up(session, stack.registry, self.owner)
            hub = hub_actions.create(session, stack.registry, owner, "team", self.name)
            for username in ASKING:
                roles.sign_up(session, stack.registry, username)
                membership.join(session, as_person(session, username), hub)

    def read_all(self) -> None:
        """Mark all notifications of the owner as read, and answer none."""
        with self.database.transaction() as session:
            marks.read_all(session, as_person(session, self.owner))

    def deny(self, username: str) -> None:
        """Deny the request of a person, as an owner does in another browser."""
        with self.database.transaction() as session:
            hub = session.query(Hub).filter_by(name=self.name).one()
            membership.answer(session, as_person(session, self.owner), hub, username, approve=False)

    def members(self) -> set[str]:
        """Return the usernames of the people in the team."""
        with self.database.transaction() as session:
            hub = session.query(Hub).filter_by(name=self.name).one()
            return {role.user.username for role in hub.roles}


def as_person(session: Session, username: str) -> Person:
    user = session.query(User).filter_by(username=username).one()
    return person(user.id, user.username, user.roles)


@pytest.fixture
def team(production: Stack, bus: Bus, request: pytest.FixtureRequest) -> Iterator[Team]:
    """Give a team of the test's own."""
    team = Team(production, f"{abs(hash(request.node.name)) % 10**6}")
    yield team
    team.database.dispose()


def badge(page: Page) -> str:
    return page.locator("[data-inbox-count]").inner_text()


def test_approving_a_request_takes_one_click_and_every_window_follows(open_page: Open, team: Team) -> None:
    inbox = live(open_page("/me/notices", username=team.owner))
    hub_page = live(open_page(f"/t/{team.name}/", username=team.owner))
    assert (badge(inbox), badge(hub_page)) == ("2", "2")
    row = inbox.locator("[data-notice]", has_text=ASKING[0])
    row.get_by_role("button", name="Approve").click()
    expect(inbox.locator(".inbox-toast")).to_contain_text(f"Approved. {ASKING[0]} is now a member")
    expect(row).to_have_count(0)
    assert ASKING[0] in team.members()
    for page in (inbox, hub_page):
        expect(page.locator("[data-inbox-count]")).to_have_text("1", timeout=1000)
    inbox.get_by_role("button", name="Deny").click()
    for page in (inbox, hub_page):
        expect(page.locator("[data-inbox-count]")).to_be_hidden(timeout=1000)  # zero is published, too
    expect(inbox.locator(".empty")).to_be_visible()


def test_the_keyboard_moves_snoozes_and_finishes_and_the_toast_undoes(open_page: Open, team: Team) -> None:
    page = live(open_page("/me/notices", username=team.owner))
    rows = page.locator("[data-notice]")
    expect(rows).to_have_count(2)
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("e")
    expect(rows).to_have_count(1)
    page.locator(".inbox-toast").get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    expect(page.locator(".side-nav", has_text="Snoozed").locator(".count").nth(1)).to_have_text("1")


def test_the_bell_opens_the_inbox_in_place_and_leads_to_its_page_on_phones(open_page: Open, team: Team) -> None:
    page = live(open_page(f"/t/{team.name}/", username=team.owner))
    page.locator("[data-bell]").click()
    popover = page.locator(".inbox-pop")
    expect(popover.locator("[data-notice]")).to_have_count(2)
    popover.get_by_role("button", name="Approve").first.click()
    expect(popover.locator("[data-notice]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(popover).to_have_count(0)
    expect(page.locator("[data-bell]")).to_be_focused()
    page.set_viewport_size({"width": 390, "height": 800})
    page.locator("[data-bell]").click()
    page.wait_for_url("**/me/notices")


def test_a_window_that_missed_events_agrees_once_its_stream_is_back(open_page: Open, team: Team) -> None:
    page = live(open_page("/me/notices", username=team.owner))
    expect(page.locator(".is-unread")).to_have_count(2)
    page.context.set_offline(True)
    team.read_all()
    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator(".is-unread")).to_have_count(0)


def test_changes_while_the_list_loads_are_shown_after_it(open_page: Open, team: Team) -> None:
    page = live(open_page("/me/notices", username=team.owner))
    reads: list[Route] = []
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if reads or route.request.method != "GET":
            route.fallback()
        else:
            reads.append(route)  # before the answer is there: another event may cause the next read meanwhile
            held.append((route, route.fetch()))

    page.route("**/me/notices", hold)
    team.read_all()
    expect(page.locator("[data-dot=all]").first).to_be_hidden()
    wait_for(page, lambda: held)
    team.deny(ASKING[0])
    expect(page.locator("[data-inbox-count]").first).to_have_text("1")
    ((route, old),) = held
    assert old.text().count("data-notice=") == 2
    route.fulfill(response=old)
    expect(page.locator("[data-notice]")).to_have_count(1)
