"""What pages say about their age while a part is broken, and how fast they recover."""

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, PROGRAMS
from tests.chaos import herd as crowd
from tests.chaos.community import Community
from tests.chaos.reader import Reader, attribute
from tests.services import wait_for

#: Seconds after which a page must no longer call itself live, and within which it must be live again.
ADMITTED, RECOVERED = 30.0, 5.0


def redis_half_open(community: Community) -> list[str]:
    """Swallow everything on the connections to Redis."""
    proxy = community.system.proxies["redis"]

    def repair() -> None:
        proxy.swallows = False

    def disturb() -> None:
        proxy.swallows = True

    # The subscription is given up after 8 s of silence, and the next attempt may wait for its own timeout.
    return _observe(community, disturb, repair, 45.0, slack=10.0)


def hub_dead(community: Community) -> list[str]:
    """Kill the daemon, and start it again."""
    system = community.system
    return _observe(community, lambda: system.kill("hub"), lambda: system.start("hub"), 45.0)


def redis_outage(community: Community) -> list[str]:
    """Kill Redis for 20 seconds: readers must be back soon after it."""
    system = community.system
    return _observe(community, lambda: system.kill("redis"), lambda: system.start("redis"), 20.0)


def layout_while_web_is_down(community: Community) -> list[str]:
    """Add a widget, and kill the web app while the open page would load it."""
    system = community.system
    url, program = system.stack.url, next(path for path in PROGRAMS if Path(path).exists())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        with contextlib.closing(browser):
            page, errors = browser.new_page(), list[str]()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(f"{url}/t/alpha/")
            page.wait_for_selector("[data-live=live]", timeout=60_000)
            system.freeze("hub")
            body = {"type": "sticky", "side": "left", "settings": {"text": "new"}}
            status, text = community.api("POST", "/hubs/t/alpha/widgets", body)
            system.kill("web")
            system.thaw("hub")
            page.wait_for_timeout(5000)
            system.start("web")
            number, problems = json.loads(text)["id"], [] if status == 201 else [f"adding a widget returned {status}"]
            try:
                page.wait_for_selector(f"#widget-{number}", timeout=30_000)
            except Exception:  # Playwright's own timeout
                state = page.evaluate("document.querySelector('[data-live]').dataset.live")
                problems.append(f"the page lacks the new widget after 30 s, and says {state}")
    community.api("DELETE", f"/widgets/{number}", None)
    return problems + [f"error in the page: {error}" for error in errors]


def herd(community: Community) -> list[str]:
    """Kill the event server with 2,000 readers: all are back within 15 s, after at most 3 attempts each."""
    system = community.system
    page = wait_for(lambda: system.stack.get("/t/alpha/"), "the page")
    token, cursor = attribute(str(page), "token"), attribute(str(page), "cursor")
    with crowd.Herd(system.stack.events, 2000, token, cursor) as readers:
        readers.wait_connected(120)
        os.killpg(system.parts["stream"].process.pid, signal.SIGKILL)
        system.parts["stream"].ended()
        system.parts["stream"].restart()
        result = readers.wait_reconnected(60)
    print(f"  {result}")
    problems = []
    if result.back < 2000 or result.slowest > 15:
        problems.append(f"{result.back} of 2000 readers are back, the last after {result.slowest:.1f} s")
    if result.attempts > 3:
        problems.append(f"a reader needed {result.attempts} attempts")
    return problems


def _observe(
    community: Community, disturb: Callable[[], None], repair: Callable[[], None], seconds: float, slack: float = 0.0
) -> list[str]:
    """Return problems if a page calls itself live while updates do not arrive, or recovers slowly."""
    stack, note = community.system.stack, community.notes["alpha"]
    reader = Reader(stack.url, stack.events, "/t/alpha/")
    reader.start()
    problems: list[str] = []
    try:
        wait_for(lambda: reader.is_live and note in reader.numbers, "a live page")
        disturb()
        start = time.monotonic()
        thread = threading.Thread(target=lambda: [community.write() for _ in range(int(seconds / 3))], daemon=True)
        thread.start()
        live_until = 0.0
        while (elapsed := time.monotonic() - start) < seconds:
            if reader.is_live:
                live_until = elapsed
            time.sleep(0.1)
        repair()
        repaired = time.monotonic()
        thread.join(60)
        if live_until > ADMITTED:
            problems.append(f"the page called itself live for {live_until:.1f} s")
        wait_for(lambda: reader.is_live, "the page to be live again", 60)
        recovery = time.monotonic() - repaired
        print(f"  live for {live_until:.1f} s of the outage, live again {recovery:.1f} s after the repair")
        if recovery > RECOVERED + slack:
            problems.append(f"the page was live again {recovery:.1f} s after the repair")
        wait_for(community.write, "a change")
        goal = int(community.facts["note alpha"].value)
        wait_for(lambda: reader.numbers[note] >= goal, "the change on the page")
        problems += reader.violations
    finally:
        reader.stop()
        reader.join(20)
    return problems
