"""The first minute: journeys with their number of clicks, from the front page, with and without JavaScript."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from hubs.actions import hubs as hub_actions
from hubs.actions import messages
from hubs.actions.people import announcements, roles
from hubs.activities.activity import Activity, Thing
from hubs.app import create_app
from hubs.bus import Message, parse
from hubs.models import Database, JoinMode, Role, RoleName, User, now
from hubs.permissions import OPERATOR
from hubs.settings import load
from tests.browser import shifts
from tests.browser.clicks import Clicks
from tests.browser.conftest import WITH_AND_WITHOUT_SCRIPTS
from tests.fresh import prepare
from tests.serving import serving
from tests.unit.views.conftest import BASE, close

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str]]:
    """Give an application with an open team, its owner, and a call for help."""
    folder: Path = tmp_path_factory.mktemp("minute")
    settings = load({**BASE, "HUBS_DATABASE_URL": f"sqlite:///{folder / 'hubs.db'}", "HUBS_DATA_DIR": str(folder)})
    database = Database(settings.database, info={"site_url": settings.site_url})
    prepare(database)
    database.dispose()
    app = create_app(settings)
    context = app.extensions["hubs"]
    with context.database.transaction() as session:
        rana = roles.sign_up(session, context.registry, "rana", "Rana Brook")
        values = {"display_name": "The Otters", "summary": "We swim."}
        hub = hub_actions.create(session, context.registry, rana, "team", "otters", values)
        hub.join_mode = JoinMode.OPEN
        messages.store(session, [said(1, "Draw an otter", "meeting.help", "meetbot.meeting.item.help")])
        announcements.publish(session, OPERATOR, {"title": "We moved", "public": True})
    with serving(app) as address:
        yield app, address
    close(app)


def said(number: int, title: str, verb: str = "issue.closed", topic: str = "pagure.issue.edit") -> Message:
    body = {"details": {"line": title, "nick": "rana"}, "url": "https://logs.example/1"}
    message = parse({"topic": f"a.b.dev.{topic}", "msg": body, "msg_id": f"minute-{number}"})
    activity = Activity(verb, "rana", Thing("issue", title, f"#{number}"))
    return replace(message, users=frozenset(("rana",)), sent_at=now(), received_at=now(), activity=activity)


@pytest.fixture
def browse(chromium: Browser, site: tuple[Flask, str]) -> Iterator[Open]:
    contexts = []

    def browse(**options: object) -> Page:
        contexts.append(chromium.new_context(base_url=site[1], **options))  # type: ignore[arg-type]
        page = contexts[-1].new_page()
        page.goto("/")
        return page

    yield browse
    for context in contexts:
        context.close()


def role_of(site: tuple[Flask, str], username: str) -> set[RoleName]:
    with site[0].extensions["hubs"].database.session() as session:
        user = session.query(User).filter_by(username=username).one()
        return {role.role for role in session.query(Role).filter_by(user_id=user.id) if role.hub.name == "otters"}


@WITH_AND_WITHOUT_SCRIPTS
def test_a_visitor_becomes_a_member_of_a_team_in_four_clicks_at_most(
    site: tuple[Flask, str], browse: Open, scripts: bool
) -> None:
    page = browse(java_script_enabled=scripts)
    click, name = Clicks(page), f"newcomer-{int(scripts)}"
    click("link", "The Otters")
    click("link", "Join")
    expect(page.get_by_text("Sign in to join The Otters.")).to_be_visible()
    page.fill("#f-username", name)
    click.count += 1  # the field
    page.get_by_role("button", name="Sign in", exact=True).click()
    click.count += 1
    expect(page.get_by_text("You are now a member.")).to_be_visible()
    assert click.count <= 4
    assert RoleName.MEMBER in role_of(site, name)


@WITH_AND_WITHOUT_SCRIPTS
def test_a_newcomer_is_at_a_first_task_in_three_clicks_at_most(browse: Open, scripts: bool) -> None:
    page = browse(java_script_enabled=scripts)
    page.route("https://logs.example/**", lambda route: route.fulfill(body="The log of the meeting."))
    page.goto("/login")
    page.fill("#f-username", f"helper-{int(scripts)}")
    page.get_by_role("button", name="Sign in", exact=True).click()
    click = Clicks(page)
    click("button", re.compile("Subscribe.*The Otters"))
    expect(page.get_by_text("1 of 3")).to_be_visible()
    click("link", "Draw an otter")
    expect(page.get_by_text("The log of the meeting.")).to_be_visible()
    assert click.count <= 3


def test_the_browser_offers_its_time_zone_and_language(browse: Open) -> None:
    page = browse(timezone_id="Europe/Lisbon", locale="de-DE")
    page.goto("/login")
    page.fill("#f-username", "zoe")
    page.press("#f-username", "Enter")
    expect(page.locator("#s-timezone")).to_have_value("Europe/Lisbon")
    expect(page.locator("#s-locale")).to_have_value("de")
    page.fill("#s-fullname", "Zoe Brook")
    page.locator(".steps-profile button").click()
    expect(page.locator(".steps .count")).to_have_text("1 von 3")


def test_short_and_long_lines_have_one_height_on_a_phone(site: tuple[Flask, str], browse: Open) -> None:
    with site[0].extensions["hubs"].database.transaction() as session:
        messages.store(session, [said(9, "Draw an otter that swims " * 9)])
    page = browse(viewport={"width": 600, "height": 800})
    lines = page.locator(".ticker-line")
    expect(lines.filter(has_text="that swims")).to_be_visible()
    heights = lines.evaluate_all("lines => lines.map(line => Math.round(line.getBoundingClientRect().height))")
    assert len(heights) > 1
    assert len(set(heights)) == 1


@pytest.mark.slow
def test_new_lines_appear_at_the_top_and_stop_on_hover_and_pause(site: tuple[Flask, str], browse: Open) -> None:
    page = browse()
    lines = page.locator(".ticker-line")
    expect(lines.first).to_contain_text("Draw an otter")

    def say(number: int) -> None:
        with site[0].extensions["hubs"].database.transaction() as session:
            messages.store(session, [said(number, f"Line {number}")])

    say(11)
    expect(lines.first).to_contain_text("Line 11")
    page.get_by_role("button", name="Pause").click()
    say(12)
    page.wait_for_timeout(13_000)
    expect(lines.first).to_contain_text("Line 11")
    page.get_by_role("button", name="Resume").click()
    expect(lines.first).to_contain_text("Line 12")
    lines.first.hover()
    say(13)
    page.wait_for_timeout(13_000)
    expect(lines.first).to_contain_text("Line 12")
    page.mouse.move(5, 5)
    expect(lines.first).to_contain_text("Line 13")


def test_on_a_phone_scripts_move_nothing_on_the_front_page(site: tuple[Flask, str], browse: Open) -> None:
    with site[0].extensions["hubs"].database.transaction() as session:
        messages.store(session, [said(number, f"Otter {number}") for number in (31, 32, 33, 34)])
    page = browse(viewport={"width": 412, "height": 823}, is_mobile=True, has_touch=True)
    expect(page.locator(".ticker-line time").first).to_have_text("now")
    assert shifts.since_start(page) < shifts.MOST
    # A time beside the sentence would break its lines elsewhere, once scripts have shortened it.
    lines = page.locator(".ticker-lines").bounding_box()
    sentence = page.locator(".ticker-say").first.bounding_box()
    assert lines is not None
    assert sentence is not None
    assert sentence["width"] > 0.75 * lines["width"]


@pytest.mark.slow
def test_lines_that_make_way_for_a_new_one_count_as_no_shift(site: tuple[Flask, str], browse: Open) -> None:
    def say(*numbers: int) -> None:
        with site[0].extensions["hubs"].database.transaction() as session:
            messages.store(session, [said(number, f"Line {number}") for number in numbers])

    say(21, 22, 23, 24)
    page = browse()
    shifts.watch(page)
    lines = page.locator(".ticker-line")
    assert lines.count() > 2, "what is below the new line has to move"
    say(25)
    expect(lines.first).to_contain_text("Line 25")
    page.wait_for_timeout(500)
    assert shifts.total(page) == 0


def test_with_reduced_motion_the_lines_start_paused(browse: Open) -> None:
    page = browse(reduced_motion="reduce")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_visitors_dismiss_an_announcement_in_their_browser(browse: Open) -> None:
    page = browse()
    page.get_by_role("button", name=re.compile("Dismiss:? .*We moved")).click()
    expect(page.get_by_text("We moved")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("We moved")).to_have_count(0)
    expect(browse().get_by_text("We moved", exact=True)).to_be_visible()
