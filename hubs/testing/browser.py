"""Accessibility check of a page in Chromium with axe-core: contrast, roles, focus, and whatever needs a browser.

Requires Playwright and a Chromium; axe-core is part of this package, unchanged from npm.
"""

from pathlib import Path

from playwright.sync_api import Page

#: The rules that are checked: WCAG 2.2, levels A and AA.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"


def violations(page: Page, within: str = "body") -> list[str]:
    """Return the violations on an open page, inside the element selected by ``within``."""
    page.evaluate(_AXE.read_text(encoding="utf-8"))  # not as a script tag, which the page's CSP would block
    # Without this reporter, half of the time goes into describing what is right.
    run = "([within, tags]) => axe.run(within, { reporter: 'no-passes', runOnly: { type: 'tag', values: tags } })"
    results = page.evaluate(run, [within, TAGS])["violations"]
    return [
        f"{violation['id']}: {violation['help']}: {node['html']}"
        for violation in results
        for node in violation["nodes"]
    ]
