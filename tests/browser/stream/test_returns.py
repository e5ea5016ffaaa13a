"""Pages that come back after a long time: out of the back-forward cache, or with a machine that was asleep."""

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from hubs.errors import NotAllowed
from hubs.events.tokens import Tokens
from tests.browser.conftest import ARGUMENTS, PROGRAMS, live
from tests.browser.stream.conftest import Truth
from tests.chameleon import Chameleon
from tests.services import wait_for
from tests.stack import Stack

#: Seconds for which the token in a page is still good.
LEFT = 6


@pytest.fixture(scope="module")
def mark() -> str:
    """Give an argument by which the processes of our browser are known."""
    return f"--hubs-mark={uuid.uuid4().hex}"


@pytest.fixture(scope="module")
def keeping(chromium: Browser, mark: str) -> Iterator[Browser]:
    """Give a browser that keeps pages for the way back, as browsers with windows do."""
    program = next(path for path in PROGRAMS[1:] if Path(path).exists())
    without = ["--disable-back-forward-cache"]
    browser = chromium.browser_type.launch(
        executable_path=program, args=[*ARGUMENTS, mark], ignore_default_args=without
    )
    yield browser
    browser.close()


class Aged:
    """A page whose token is almost too old when it comes."""

    def __init__(self, browser: Browser, production: Stack) -> None:
        self.settings, self.context = production.settings, browser.new_context(base_url=production.url)
        self.token, self.page = "", self.context.new_page()

    def open(self) -> Page:
        """Open the page."""
        self.context.route("**/u/isolde/", self._age)
        self.page.goto("/u/isolde/")
        self.context.unroute("**/u/isolde/")
        return live(self.page)

    def wait_until_too_old(self) -> None:
        """Wait until the token of the page has expired."""
        assert self.token
        wait_for(self._is_too_old, "the token to become too old", LEFT + 5)

    def _is_too_old(self) -> bool:
        try:
            Tokens(self.settings.key(), self.settings.token_ttl).read(self.token)
        except NotAllowed:
            return True
        return False

    def _age(self, route: Route) -> None:
        age = self.settings.token_ttl - LEFT

        answer = route.fetch()
        text = answer.text()
        fresh = text.split('data-token="')[1].split('"')[0]
        tokens = Tokens(self.settings.key(), self.settings.token_ttl)
        claims = tokens.read(fresh)
        self.token = tokens.mint(claims.channels, session=claims.session, issued=claims.issued - age)
        route.fulfill(response=answer, body=text.replace(fresh, self.token))


@pytest.fixture
def aged(keeping: Browser, production: Stack) -> Iterator[Aged]:
    aged = Aged(keeping, production)
    yield aged
    aged.context.close()


def test_out_of_the_back_forward_cache_a_page_renews_its_token_and_catches_up(aged: Aged, truth: Truth) -> None:
    truth.add_note()
    page = aged.open()
    page.evaluate("addEventListener('pageshow', (event) => { window.kept = event.persisted; })")
    page.goto("/about/")
    first = truth.write(truth.notes[0])
    aged.wait_until_too_old()
    page.go_back(wait_until="commit")
    note = page.locator(f"#widget-{truth.notes[0]} .widget-body")
    expect(note).to_contain_text(first)
    assert page.evaluate("window.kept") is True
    live(page)
    expect(note).to_contain_text(truth.write(truth.notes[0]))


@contextlib.contextmanager
def asleep(mark: str) -> Iterator[None]:
    """Stop all processes of a browser, as a machine that sleeps does."""
    processes = _family(mark)
    assert processes
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def _family(mark: str) -> list[int]:
    """Return the processes with an argument, and all their descendants."""
    parents, family = dict[int, int](), list[int]()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if mark.encode() in (folder / "cmdline").read_bytes():
                family.append(int(folder.name))
    for pid in family:
        family += [child for child, parent in parents.items() if parent == pid and child not in family]
    return family


@pytest.mark.slow
def test_after_a_long_sleep_a_page_renews_its_token_and_catches_up(
    aged: Aged, truth: Truth, proxy: Chameleon, mark: str
) -> None:
    truth.add_note()
    page = aged.open()
    with asleep(mark):
        proxy.cut()
        texts = [truth.write(truth.notes[0]), truth.say()]
        aged.wait_until_too_old()
        time.sleep(1)
    expect(page.locator(f"#widget-{truth.notes[0]} .widget-body")).to_contain_text(texts[0], timeout=30_000)
    expect(page.locator(f"#widget-{truth.feeds[0]} .widget-body")).to_contain_text(texts[1], timeout=30_000)
    live(page)
    expect(page.locator(f"#widget-{truth.notes[0]} .widget-body")).to_contain_text(truth.write(truth.notes[0]))
