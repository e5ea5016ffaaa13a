"""Whatever happens, the page ends up as a fresh one: the page's own scripts, real servers, random mishaps."""

import random
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import live
from tests.browser.stream.conftest import LOG, Truth, show
from tests.chameleon import Chameleon
from tests.services import HOST, answers
from tests.stack import Stack

#: What a page shows of some widgets. Times are left out: the page tells them as ages.
SHOWN = """(widgets) => Object.fromEntries(widgets.map((id) => {
  const frame = document.getElementById(`widget-${id}`);
  const body = frame.querySelector(".widget-body").cloneNode(true);
  for (const time of body.querySelectorAll("time")) time.remove();
  const { version, digest, state } = frame.dataset;
  return [id, [version, digest, state, body.textContent.replace(/\\s+/g, " ")]];
}))"""
STATE = "document.querySelector('[data-live]').dataset.live"
#: The page has its connection for itself, so that the clock that the test turns is that of its waits too.
ALONE = "delete window.SharedWorker; Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })"
STEPS = 14


class Fate:
    """Lets things happen to a page, by chance."""

    def __init__(self, seed: int, page: Page, truth: Truth, proxy: Chameleon, production: Stack) -> None:
        self.chance, self.page, self.truth, self.proxy = random.Random(seed), page, truth, proxy
        self.production = production
        self.acts = {
            self.write: 5,
            self.say: 3,
            self.hold: 2,
            self.deliver: 2,
            self.cut: 3,
            self.block: 1,
            self.evict: 1,
            self.forget: 1,
            self.revoke: 1,
            self.restart: 1,
            self.hide: 1,
            self.wait: 3,
        }

    def step(self) -> str:
        """Run a random action; return its name."""
        (act,) = self.chance.choices(list(self.acts), list(self.acts.values()))
        act()
        return act.__name__

    def write(self) -> None:
        self.truth.write(self.chance.choice(self.truth.notes))

    def say(self) -> None:
        self.truth.say()

    def hold(self) -> None:
        self.truth.log.holding = True

    def deliver(self) -> None:
        self.truth.log.deliver()

    def cut(self) -> None:
        self.proxy.cut()

    def block(self) -> None:
        self.proxy.mode = self.chance.choice(["bad", "portal", "pass", "bytes"])
        self.proxy.cut()

    def evict(self) -> None:
        """Fill the log, and take a fragment out of the cache."""
        for number in range(LOG + 2):
            self.truth.log.publish(self.truth.channel, "notice", {"count": number})
        self.truth.evict(self.chance.choice(self.truth.changing))

    def forget(self) -> None:
        """Empty Redis."""
        self.truth.log.client.flushall()
        self.proxy.cut()

    def revoke(self) -> None:
        self.truth.log.revoke(self.truth.channel)

    def restart(self) -> None:
        server = self.production.services["stream"]
        server.kill()
        server.restart()
        server.ready(lambda: answers(f"http://{HOST}:{self.production.ports['stream']}/healthz"))

    def hide(self) -> None:
        show(self.page, hidden=True)
        self.page.clock.fast_forward(self.chance.choice([5_000, 61_000]))
        self.say()
        show(self.page, hidden=False)

    def wait(self) -> None:
        self.page.clock.fast_forward(self.chance.choice([100, 2_000, 35_000]))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_whatever_happened_the_page_ends_up_as_a_fresh_one(
    chromium: Browser, production: Stack, truth: Truth, proxy: Chameleon, seed: int
) -> None:
    while len(truth.notes) < 2:
        truth.add_note()
    context = chromium.new_context(base_url=production.url)
    context.add_init_script(ALONE)
    page = context.new_page()
    page.clock.install()
    page.goto("/u/isolde/")
    live(page)
    fate, happened = Fate(seed, page, truth, proxy, production), list[str]()
    try:
        for _ in range(STEPS):
            happened.append(fate.step())
        truth.log.deliver()
        proxy.mode = "pass"
        ends_up(page, truth, fresh(context.new_page(), truth), happened)
        truth.write(truth.notes[0])  # and it still hears
        ends_up(page, truth, fresh(context.new_page(), truth), [*happened, "write"])
    finally:
        context.close()


def fresh(page: Page, truth: Truth) -> dict[str, Any]:
    """Return what a page shows that is opened now."""
    page.goto("/u/isolde/")
    page.wait_for_selector("[data-load]", state="detached")
    shown: dict[str, Any] = page.evaluate(SHOWN, truth.changing)
    page.close()
    assert all(digest for _, digest, _, _ in shown.values())
    return shown


def ends_up(page: Page, truth: Truth, expected: dict[str, Any], happened: list[str]) -> None:
    """Advance the clock until the page shows what is expected."""
    end, shown, live = time.monotonic() + 60, {}, ""
    while time.monotonic() < end:
        shown, live = page.evaluate(SHOWN, truth.changing), page.evaluate(STATE)
        if shown == expected and live == "live":
            return
        if live != "live":  # waits before it tries again need not be waited for
            page.clock.fast_forward(1_000)
        time.sleep(0.15)
    raise AssertionError(f"after {happened}, {live}: {shown} instead of {expected}")
