"""The check of a page in Chromium, by axe-core: contrast, roles, focus, and all that only a browser knows.

Needs Playwright and a Chromium; axe-core comes with this package, unchanged from npm.
"""

from pathlib import Path

from playwright.sync_api import Page

#: The rules that are checked: WCAG 2.2, levels A and AA.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"


def violations(page: Page, within: str = "body") -> list[str]:
    """Return what is wrong on an open page, below the element that the selector ``within`` names."""
    page.evaluate(_AXE.read_text(encoding="utf-8"))  # evaluated, since the page's policy lets no script in
    run = "([within, tags]) => axe.run(within, { runOnly: { type: 'tag', values: tags } })"
    found = page.evaluate(run, [within, TAGS])["violations"]
    return [f"{one['id']}: {one['help']}: {node['html']}" for one in found for node in one["nodes"]]
