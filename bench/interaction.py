"""A page of 60 widgets in a browser: how soon it answers a person, and how soon it paints what is pushed.

`python -m bench.browser` runs it; `python -m bench.interaction` does alone. The widgets have the contents of
`tests/browser/stress.py`: of every kind, long, in all states. The first line is Chromium as it is, the second with its
processor slowed down four times, as Lighthouse does for a phone.

* **load**: the longest task while the page loads, and how many take more than 50 ms; the browser has shown another page
  before.
* **INP**: the slowest of some clicks and keys, from the event to the next paint, as browsers measure it (in steps of
  eight milliseconds).
* **paint**: from the arrival of a pushed widget in the page to the end of the frame that shows it. A frame takes 16.7
  ms: an event that arrives just after one began waits for the next.
"""

import statistics
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page
from sqlalchemy import select

from bench.running import addresses
from hubs.app import create_app
from hubs.events import heartbeat
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.models import Hub, Visibility, now
from tests.browser import stress
from tests.browser.conftest import launch
from tests.stack import Stack, stack

TEAM, PUSHES = "full", 100
#: Beside the figures: at most these milliseconds. The page must not have a long task either.
AIMS = "aims: INP 100 ms, paint 16 ms after the event, no task over 50 ms"
#: Notes long tasks, the durations of interactions, and the time from each pushed widget to the end of its frame.
_OBSERVE = """
window.figures = { tasks: [], interactions: [], paints: [] };
const observe = (type, options, note) =>
  new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true, ...options });
observe("longtask", {}, (entry) => figures.tasks.push(entry.duration));
observe("event", { durationThreshold: 16 }, ({ interactionId, duration }) => {
  if (interactionId) figures.interactions.push(duration);
});
const painted = new MessageChannel();
const arrived = [];
painted.port1.onmessage = () => figures.paints.push(...arrived.splice(0).map((moment) => performance.now() - moment));
const listen = MessagePort.prototype.addEventListener;
MessagePort.prototype.addEventListener = function (type, listener, ...rest) {
  listen.call(this, type, (event) => {
    const isWidget = event.data?.event?.type === "widget";
    if (isWidget) arrived.push(performance.now());
    listener.call(this, event);
    if (isWidget) requestAnimationFrame(() => painted.port2.postMessage(null));
  }, ...rest);
};
"""


class Pushed(NamedTuple):
    """A widget, as it is pushed again and again."""

    id: int
    version: int
    html: str


@contextmanager
def full_team(folder: Path) -> Iterator[tuple[Stack, Hub]]:
    """Run a stack with a team of 60 widgets that nothing rebuilds."""
    with addresses(folder) as (database_url, cache, redis), stack(folder, database_url, cache, redis) as running:
        app = create_app(running.settings)
        site = app.extensions["hubs"]
        stress.fill(site.database, site.registry)
        running.services.pop("hub").stop()
        stress.build(app, "en")
        with site.database.session() as session:
            hub = session.scalars(select(Hub).where(Hub.name == TEAM)).one()
            _ = [row.page for row in hub.widgets]
        try:
            yield running, hub
        finally:
            site.fragments.clients.close()
            site.fragments.cache.close()
            site.database.dispose()


def pushed_widgets(running: Stack, hub: Hub) -> list[Pushed]:
    """Return the widgets of a hub with their contents, those that have any."""
    contents = []
    for row in hub.widgets:
        with urllib.request.urlopen(f"{running.url}/w/{row.id}/fragment?lang=en", timeout=30) as response:
            _, _, html = response.read().decode().partition("-->\n")
        if html.strip():
            contents.append(Pushed(row.id, row.version, html))
    return contents


def push(running: Stack, hub: Hub, contents: list[Pushed]) -> None:
    """Push widgets in turn, a little more than ten a second, each with one line that is new."""
    log, channel = EventLog(running.settings.redis_url), hub_channel(hub.id, Visibility.PUBLIC, "en")
    for number, widget in enumerate(islice(cycle(contents), PUSHES)):
        time.sleep(0.09)
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000Z"
        fixed = {"widget": widget.id, "hub": hub.id, "version": widget.version, "built_at": moment, "state": "live"}
        html = f"<p>{number}</p>{widget.html}"
        log.publish(channel, "widget", {**fixed, "digest": str(number), "html": html})
    log.client.close()


def interact(page: Page) -> None:
    """Use the page as people do: the palette, the theme, and the menus of widgets, which they collapse."""
    page.keyboard.press("Control+k")
    page.keyboard.type("documentation", delay=60)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    for _ in range(2):
        page.locator("[data-theme-toggle]").click()
    for frame in page.locator(".widget:visible", has=page.locator("[data-collapse-item]")).all()[:8]:
        frame.locator("[data-menu] > summary").first.click()
        frame.locator("[data-collapse]").click()
    page.keyboard.press("Tab")


def measure(browser: Browser, running: Stack, hub: Hub, contents: list[Pushed], slowdown: int) -> str:
    """Return the line of a browser whose processor is slowed down."""
    context = browser.new_context(viewport={"width": 412, "height": 823} if slowdown > 1 else None)
    context.add_init_script(_OBSERVE)
    page = context.new_page()
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    page.goto(f"{running.url}/t/{TEAM}/", wait_until="load")
    _wait_until_live(page, running)
    page.wait_for_timeout(2000)
    loading = _take(page)
    push(running, hub, contents)
    page.wait_for_timeout(1000)
    pushing = _take(page)
    interact(page)
    page.wait_for_timeout(1000)
    using = _take(page)
    context.close()
    assert len(pushing["paints"]) > PUSHES * 0.9, f"{len(pushing['paints'])} of {PUSHES} pushes were painted"
    assert using["interactions"], "no interaction took 16 ms: is anything measured?"
    cuts = statistics.quantiles(pushing["paints"], n=100, method="inclusive")
    tasks = [f"{max(part['tasks'], default=0):6.0f} ({len(part['tasks'])})" for part in (loading, pushing, using)]
    return (
        f"{slowdown:>8} {tasks[0]:>12} {tasks[1]:>12} {tasks[2]:>12} {max(using['interactions']):>6.0f}"
        f" {cuts[49]:>7.1f} {cuts[94]:>7.1f} {cuts[98]:>7.1f}"
    )


def _wait_until_live(page: Page, running: Stack) -> None:
    """Publish heartbeats in place of the daemon, which is stopped, until the page has its stream."""
    log = EventLog(running.settings.redis_url)
    for _ in range(100):
        heartbeat.publish(log.client, "bench", now())
        if page.locator("[data-live=live]").count():
            break
        page.wait_for_timeout(300)
    else:
        raise SystemExit("The page of 60 widgets got no stream.")
    log.client.close()


def _take(page: Page) -> dict[str, Any]:
    """Return the figures so far, and begin again."""
    figures: dict[str, Any] = page.evaluate(
        "() => { const taken = figures; window.figures = { tasks: [], interactions: [], paints: [] }; return taken; }"
    )
    return figures


def main() -> None:
    """Measure with both processors and print."""
    print(f"\na page of 60 widgets; {AIMS}")
    print(f"{'slowdown':>8} {'load ms':>12} {'pushes ms':>12} {'using ms':>12} {'INP ms':>6}", end="")
    print("".join(f" {f'paint {share}':>7}" for share in (50, 95, 99)), flush=True)
    with TemporaryDirectory() as folder, full_team(Path(folder)) as (running, hub), launch() as browser:
        contents = pushed_widgets(running, hub)
        # A browser that has just been started still loads fonts, languages and itself; those of people run for days.
        with browser.new_context() as context:
            context.new_page().goto(f"{running.url}/")
        for slowdown in (1, 4):
            print(measure(browser, running, hub, contents, slowdown), flush=True)


if __name__ == "__main__":
    main()
