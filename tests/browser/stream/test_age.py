"""What a page says about its age, and a layout that cannot be fetched at first."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, live
from tests.browser.stream.conftest import Beating, Truth


@pytest.mark.usefixtures("hub")
def test_without_a_heartbeat_a_page_says_since_when_updates_are_delayed(open_page: Open, beating: Beating) -> None:
    page = live(open_page("/u/isolde/"))
    beating.silent.set()
    try:
        page.wait_for_selector("[data-live=waiting]", timeout=15_000)
        expect(page.locator(".live-text")).to_have_text("Connecting…")
        # Twenty seconds after the last heartbeat, whatever made the page wait before.
        page.wait_for_selector("[data-live=delayed]", timeout=25_000)
        expect(page.locator(".live-text")).to_have_text(re.compile(r"Updates delayed since \d\d:\d\d"))
    finally:
        beating.silent.clear()
    page.wait_for_selector("[data-live=live]", timeout=5_000)


def test_a_layout_that_cannot_be_fetched_is_fetched_again(open_page: Open, truth: Truth) -> None:
    page = live(open_page("/u/isolde/"))
    refused: list[str] = []

    def refuse_once(route) -> None:  # type: ignore[no-untyped-def]
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    page.route("**/u/isolde/", refuse_once)
    truth.add_note()
    with truth.database.session() as session:
        version = session.get_one(type(truth.hub), truth.hub.id).version
    truth.log.publish(truth.channel, "layout", {"hub": truth.hub.id, "version": version})
    expect(page.locator(f"#widget-{truth.notes[-1]}")).to_have_count(1, timeout=15_000)
    assert len(refused) == 1
