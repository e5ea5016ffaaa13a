"""What axe-core finds on a whole page: in light and dark, wide and on a phone.

All rules run once, on the wide page in light. Dark changes colours alone, which is checked element by element; a phone
changes places and hides labels. The rules that depend on these run a second time.
"""

from collections.abc import Mapping
from typing import Any, Literal

from playwright.sync_api import Page, ViewportSize

from tests.stack import ROOT

AXE = (ROOT / "hubs" / "testing" / "vendor" / "axe-core" / "axe.min.js").read_text()
WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=320, height=700)
#: Rules whose result depends on colours.
COLOURS = ["color-contrast", "link-in-text-block"]
#: Rules whose result depends on colours, on places, or on labels that a narrow page hides.
DARK_AND_NARROW = [*COLOURS, "button-name", "link-name", "scrollable-region-focusable", "target-size"]
#: Places and sizes of all elements but the icon of the button for the colour scheme, and pictures of widgets, which
#: load one after the other. The line about the stream, which changes by itself, takes no place meanwhile, and widgets
#: far from the window are marked some time after loading, which moves nothing.
_LAYOUT = """() => {
  const live = [...document.querySelectorAll("[data-live]")];
  for (const line of live) line.style.display = "none";
  const places = [...document.querySelectorAll("body *")]
    .filter((element) => !element.closest(".when-light, .when-dark, [data-live], .thumb"))
    .map((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      const classes = [...element.classList].filter((name) => name !== "distant");
      return [element.tagName, ...classes, x, y, width, height].join(" ");
    });
  for (const line of live) line.style.display = "";
  return places;
}"""
#: The elements that end farthest outside, where a page is wider than its window; in either direction of writing.
_WIDEST = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
  .map((element) => [element.getBoundingClientRect(), element.outerHTML.slice(0, 200)])
  .map(([box, html]) => [Math.max(box.right - innerWidth, -box.left), html])
  .filter(([outside]) => outside > 0).sort((a, b) => b[0] - a[0]).slice(0, 3)
  .map(([outside, html]) => `ends ${outside} px outside: ${html}`)"""


def inject(page: Page) -> Page:
    """Load axe-core into a page, by the debugger: the page's own policy lets no foreign script in."""
    page.evaluate(AXE)
    return page


def show_in(page: Page, scheme: Literal["light", "dark"]) -> None:
    """Show a page in a colour scheme; its script hears of a change later than the call that makes it returns."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function("(scheme) => document.documentElement.dataset.theme === scheme", arg=scheme)


def problems(page: Page, part: str = ":root", **options: Any) -> list[str]:
    """Return what axe-core finds in a part of a page, by all of its rules, or by those that ``options`` name."""
    # Without this reporter, half of the time goes into describing what is right.
    only = {"resultTypes": ["violations"], "reporter": "no-passes"}
    results = page.evaluate("([part, options]) => axe.run(part, options)", [part, {**only, **options}])
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:300]}"
        for rule in results["violations"]
        for node in rule["nodes"][:3]
    ]


def all_problems(page: Page) -> dict[str, list[str]]:
    """Return what axe-core finds on a page in light and dark, wide and narrow, and whether it scrolls sideways."""
    inject(page)
    results = {"wide, light": problems(page), "layout in dark": _differences(page)}
    page.set_viewport_size(NARROW)
    results["narrow, dark"] = problems(page, runOnly=DARK_AND_NARROW)
    results["narrow"] = wider_than_the_window(page)
    return results


def problems_in_one_scheme(page: Page, scheme: Literal["light", "dark"]) -> dict[str, list[str]]:
    """Return what axe-core finds by all its rules on a page that is wide and light, or narrow and dark.

    In both cases, what changes its place in dark, and whether the narrow page scrolls sideways.
    """
    inject(page)
    results = {"wide, light": problems(page)} if scheme == "light" else {}
    results["layout in dark"] = _differences(page)
    page.set_viewport_size(NARROW)
    if scheme == "dark":
        results["narrow, dark"] = problems(page)
    results["narrow"] = wider_than_the_window(page)
    return results


def open_everything(page: Page) -> None:
    """Open everything that can be opened, other than menus."""
    page.evaluate("document.querySelectorAll('details:not([data-menu])').forEach((details) => (details.open = true))")


def wider_than_the_window(page: Page) -> list[str]:
    """Open everything that can be; return the elements that end outside of the window, the farthest first."""
    open_everything(page)
    widest: list[str] = page.evaluate(_WIDEST)
    return widest


def _differences(page: Page) -> list[str]:
    """Switch to dark; return the elements whose place or size that changes."""
    light = page.evaluate(_LAYOUT)
    show_in(page, "dark")
    dark = page.evaluate(_LAYOUT)
    pairs = [f"{before} → {after}" for before, after in zip(light, dark, strict=False) if before != after]
    return pairs[:5] + ([f"{len(light)} → {len(dark)} elements"] if len(light) != len(dark) else [])


def report(problems_of: Mapping[Any, list[str]]) -> str:
    """Return all problems, a line each, so that no report cuts them."""
    return "\n".join(f"{where}: {problem}" for where, problems in problems_of.items() for problem in problems)
