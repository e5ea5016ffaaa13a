"""How much the parts of a page move, as browsers measure it (`layout-shift`)."""

from playwright.sync_api import Page

#: Most that may move while a page opens (CLS).
MOST = 0.02
_OBSERVE = """(fromStart) => {
  window.shifts = [];
  new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => entry.value)))
    .observe({ type: "layout-shift", buffered: fromStart });
}"""


def watch(page: Page, *, from_start: bool = False) -> None:
    """Measure from now on, or all that has moved since the page was opened."""
    page.evaluate(_OBSERVE, from_start)


def since_start(page: Page) -> float:
    """Return how much has moved since the page was opened."""
    watch(page, from_start=True)
    page.wait_for_timeout(300)
    return total(page)


def total(page: Page) -> float:
    """Return how much has moved since `watch`."""
    return float(sum(page.evaluate("window.shifts")))
