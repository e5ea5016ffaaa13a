"""Every page that there is, in a real browser: readable by all in light, dark, on a phone, and without JavaScript."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from _pytest.mark.structures import ParameterSet
from flask import Flask
from playwright.sync_api import Browser, Page, Response, expect

from hubs.models import Hub, Webhook, Widget
from tests.browser.axe import (
    NARROW,
    WIDE,
    all_problems,
    inject,
    problems,
    problems_in_one_scheme,
    report,
    show_in,
)
from tests.browser.community import community

HUB = "/<any(u, t):space>/<name>/"
HUB_PAGE = re.compile(r"/[tu]/[a-z]+/(p/[a-z]+/)?(\?.*)?")
API_HUB = "/api/v1/hubs/<any(u, t):space>/<name>"


@dataclass(frozen=True)
class Visit:
    """A page to check: its path, the person ("" is a visitor), and what to do there before the check."""

    path: str
    who: str = ""
    act: Callable[[Page], Response | None] | None = None
    status: int = 200


def click(button: str, /, **filled: str) -> Callable[[Page], Response | None]:
    """Return a function that fills in fields and presses the first button of that name; the next page is checked."""

    def act(page: Page) -> Response | None:
        for field, text in filled.items():
            page.locator(f"#f-{field}").first.fill(text)
        with page.expect_navigation() as seen:
            page.get_by_role("button", name=re.compile(f"^{re.escape(button)}")).first.click()
        return seen.value

    return act


def hide(page: Page) -> Response:
    """Hide the first line of the stream, which stays in its place and offers to undo that."""
    line = page.locator(".act").first
    top = line.bounding_box()
    with page.expect_response("**/stream/") as seen:
        page.get_by_role("button", name=re.compile("^Hide")).first.click()
    expect(line.get_by_role("button", name="Undo")).to_be_focused()
    assert line.bounding_box() == top
    return seen.value


#: Route → the pages that are checked there.
PAGES = {
    "/": [Visit("/"), Visit("/", "rana"), Visit("/", "sami")],
    "/search": [Visit("/search"), Visit("/search?q=otters", "rana"), Visit("/search?q=nobodyatall", "sami")],
    "/teams/": [Visit("/teams/"), Visit("/teams/?state=all&sort=name", "rana"), Visit("/teams/?q=nothing")],
    "/people/": [Visit("/people/"), Visit("/people/?sort=name", "sami")],
    "/help/<int(max=9223372036854775807):number>": [Visit("/help/1"), Visit("/help/1", "sami", click("I can help"))],
    "/new": [Visit("/new", "rana"), Visit("/new", "sami", click("Create hub", name="no / name"), 400)],
    "/gallery/": [Visit("/gallery/")],
    "/gallery/<plugin>": [Visit("/gallery/rules")],
    "/login": [Visit("/login"), Visit("/login", "", click("Sign in", username="no / name"), 400)],
    HUB: [
        *(Visit("/t/otters/", who) for who in ("", "sami", "tove", "rana")),
        *(Visit(f"/t/{name}/", who) for name in ("voles", "mice", "stoats") for who in ("sami", "rana")),
        *(Visit(f"/t/otters/?as={who}", "rana") for who in ("visitor", "member")),
        Visit("/u/rana/", "rana"),
        Visit("/u/rana/"),
    ],
    HUB + "p/<slug>/": [
        Visit("/t/otters/p/start/"),
        Visit("/t/otters/p/start/", "rana"),
        Visit("/t/otters/p/empty/", "rana"),
        Visit("/t/otters/p/start/?as=visitor", "rana"),
    ],
    HUB + "since/<day>": [
        Visit("/t/otters/since/2026-11-01?until=2027-06-01"),
        Visit("/u/rana/since/2026-11-01", "rana"),
    ],
    HUB + "announcements": [
        Visit("/t/otters/announcements", "rana"),
        Visit("/t/otters/announcements", "rana", click("Publish", title="News", ends_on="never"), 400),
    ],
    "/announcements": [Visit("/announcements", "rana")],
    HUB + "edit": [
        Visit("/t/stoats/edit", "rana"),
        Visit("/t/otters/edit", "rana"),
        Visit("/t/otters/edit?page=start", "rana"),
        Visit("/t/otters/edit", "rana", click("Save changes"), 409),
    ],
    HUB + "edit/add": [
        Visit("/t/otters/edit/add?side=left", "rana"),
        Visit("/t/otters/edit/add?side=right&q=nothing", "rana"),
    ],
    HUB + "edit/add/<plugin>": [
        Visit("/t/otters/edit/add/library?side=left", "rana"),
        Visit("/t/otters/edit/add/rss?side=left", "rana", click("Add to the page", url="nowhere"), 400),
    ],
    HUB + "edit/widget/<key>": [Visit("/t/otters/edit/widget/sticky", "rana")],
    HUB + "edit/widget/<key>/copy": [
        Visit("/t/otters/edit/widget/sticky/copy", "rana"),
        Visit("/t/otters/edit/widget/sticky/copy", "mirko"),
    ],
    HUB + "settings": [
        Visit("/t/otters/settings", "rana"),
        Visit("/t/voles/settings", "rana"),
        Visit("/t/mice/settings", "rana"),
        Visit("/u/rana/settings", "rana"),
    ],
    HUB + "settings/keys": [
        Visit("/t/otters/settings/keys", "rana"),
        Visit("/t/otters/settings/keys", "rana", click("Store the key", address="https://discuss.example", key="k3y")),
        Visit(
            "/t/otters/settings/keys", "rana", click("Store the key", address="http://discuss.example", key="k"), 400
        ),
    ],
    HUB + "settings/webhooks": [
        *(Visit(f"/t/{name}/settings/webhooks", "rana") for name in ("otters", "voles", "stoats")),
        Visit("/t/stoats/settings/webhooks", "rana", click("Create a webhook", name="Forge", projects="otters")),
        Visit("/t/stoats/settings/webhooks", "rana", click("Create a webhook", name="Forge", projects="/"), 400),
    ],
    HUB + "settings/webhooks/<int:number>": [
        Visit("/t/otters/settings/webhooks/{webhook}", "rana"),
        Visit("/t/otters/settings/webhooks/{webhook}", "rana", click("Create a new secret")),
        Visit("/t/otters/settings/webhooks/{webhook}", "rana", click("Save changes", projects="/"), 400),
    ],
    HUB + "settings/other": [
        *(Visit(f"/t/{name}/settings/other", "rana") for name in ("otters", "voles", "mice")),
        Visit("/t/otters/settings/other", "rana", click("Delete this hub"), 400),
        Visit("/u/rana/settings/other", "rana"),
    ],
    HUB + "activity": [
        *(Visit("/t/otters/activity", who) for who in ("", "sami", "rana")),
        Visit("/t/otters/activity?kind=bugs&person=rana&since=2026-01-01"),
        Visit("/t/otters/activity?since=never", status=400),
        Visit("/u/rana/activity"),
    ],
    HUB + "calendar": [
        Visit("/t/otters/calendar", "rana"),
        Visit("/t/otters/calendar?by=month"),
    ],
    HUB + "about": [
        *(Visit(f"/t/{name}/about", "rana") for name in ("otters", "voles", "mice", "stoats")),
        Visit("/u/rana/about"),
    ],
    HUB + "members": [
        *(Visit("/t/otters/members", who) for who in ("", "sami", "rana")),
        Visit("/t/voles/members", "rana"),
        Visit("/t/otters/members", "rana", click("Invite", username="nobody-at-all"), 404),
        Visit("/u/rana/members", "rana"),
    ],
    HUB + "join": [Visit("/t/otters/join", "sami"), Visit("/t/otters/join", "tove")],
    HUB + "history": [Visit("/t/otters/history", "rana"), Visit("/t/mice/history", "rana")],
    HUB + "audit": [Visit("/t/otters/audit", "rana")],
    "/audit": [Visit("/audit", "rana")],
    "/me/": [*(Visit("/me/", who) for who in ("rana", "sami", "tove"))],
    "/me/bookmarks": [Visit("/me/bookmarks", "rana"), Visit("/me/bookmarks", "sami", click("Remove Sami"))],
    "/me/notices": [Visit("/me/notices", "rana"), Visit("/me/notices", "sami")],
    "/me/notices/mutes": [Visit("/me/notices/mutes", "rana")],
    "/me/tokens": [
        Visit("/me/tokens", "rana"),
        Visit("/me/tokens", "sami"),
        Visit("/me/tokens", "sami", click("Create a token", **{"token-name": "A script"})),
        Visit("/me/tokens", "sami", click("Create a token", **{"token-name": " "}), 400),
    ],
    "/stream/": [
        Visit("/stream/", "rana"),
        Visit("/stream/", "rana", hide),
        Visit("/stream/?hidden=1", "rana"),
        Visit("/stream/?show=saved", "rana"),
        Visit("/stream/", "sami"),
    ],
    "/w/<int:widget_id>/": [Visit("/w/{push}/"), Visit("/w/{members}/", "rana")],
    "/w/<int:widget_id>/more": [Visit("/w/{members}/more"), Visit("/w/{feed}/more?page=2", "rana")],
    "/w/<int:widget_id>/settings": [
        Visit("/w/{push}/settings", "rana"),
        Visit("/w/{push}/settings", "rana", click("Create a token", **{"token-name": "Another"})),
        Visit("/w/{push}/settings", "rana", click("Create a token", **{"token-name": " "}), 400),
        Visit("/w/{rules}/settings", "rana"),
    ],
    "/api/v1/": [Visit("/api/v1/")],
}
#: Route → why it is not checked as a page.
NO_PAGES = {
    "/search/palette": "JSON for the palette",
    "/pick/people": "JSON for fields with suggestions",
    "/pick/zones": "JSON for fields with suggestions",
    HUB + "settings/appearance": "leads to the section of the settings",
    "/login/start": "leads to the provider of accounts",
    "/login/callback": "leads on from there",
    "/healthz": "JSON for monitors",
    "/livez": "a text for monitors",
    "/readyz": "JSON for monitors",
    "/language": "leads back to where one was",
    "/static/<path:filename>": "files",
    HUB + "json": "JSON",
    HUB + "stream": "JSON for open pages",
    HUB + "fragments": "JSON for open pages",
    HUB + "settings/file": "a file to download",
    HUB + "feed.atom": "a feed for readers",
    "/stream/new": "JSON for open pages",
    "/stream/token": "JSON for open pages",
    "/now": "a part of the front page",
    HUB + "<any(subscribe, star):act>": "leads to the sign-in page",
    HUB + "since/<day>/json": "JSON",
    "/w/<int:widget_id>/fragment": "a part of pages that are checked",
    "/w/<int:widget_id>/json": "JSON",
    "/w/<int:widget_id>/calendar.ics": "a file for calendars",
    "/robots.txt": "a file for crawlers",
    "/sitemap.xml": "a file for crawlers",
    "/sitemap-<int:number>.xml": "a file for crawlers",
    "/opensearch.xml": "a description for browsers",
    "/manifest.webmanifest": "a description for browsers",
    "/favicon.ico": "a picture",
    "/icon-<int:size>.png": "a picture",
    "/icon-<int:size>-maskable.png": "a picture",
    "/logo": "a picture",
    "/pictures/<digest>.webp": "a picture",
    HUB + "card.png": "a picture",
    "/site.css": "a style sheet",
    "/oembed": "JSON for other sites",
    "/embed/<int:number>": "a widget of pages that are checked, where a hub allows it",
    "/me/notices/count": "JSON for open pages",
    "/me/notices/popover": "a part of pages that are checked",
    "/static/v-<version>/<path:filename>": "files",
}
#: Pages about errors.
ERRORS = [
    Visit("/t/otters/settings", "sami", status=403),
    Visit("/nowhere/at/all", status=404),
    Visit("/nowhere/at/all", "rana", status=404),
    Visit("/t/otters/?as=nobody", "rana", status=400),
    Visit("/logout", status=405),
    *(Visit(f"/broken/{status}", "sami", status=status) for status in (409, 410, 413, 429, 500, 503)),
]


class Walk:
    """The people's browsers, each signed in once, with one page each."""

    def __init__(self, chromium: Browser, app: Flask, address: str) -> None:
        self.app, self._chromium, self._address = app, chromium, address
        self._pages: dict[tuple[str, bool], Page] = {}
        with app.extensions["hubs"].database.session() as session:
            rows = session.query(Widget).join(Hub).filter(Hub.name == "otters")
            self.numbers = {row.plugin: str(row.id) for row in rows.order_by(Widget.id)}
            self.numbers["webhook"] = str(session.query(Webhook).one().id)

    def open(self, visit: Visit, scripts: bool = True, language: str = "en") -> Page:
        """Return the page after what is done there; it must answer as expected, with nothing left to load."""
        page = self._page(visit.who, scripts)
        page.set_extra_http_headers({"Accept-Language": language})
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="light")
        address = visit.path.format(**self.numbers)
        if not scripts and HUB_PAGE.fullmatch(address):
            # Without scripts the page of a hub loads itself again like this until it has all widgets.
            address += f"{'&' if '?' in address else '?'}full=1"
        answer = page.goto(address)
        if visit.act:
            answer = visit.act(page)
        assert answer is not None
        assert answer.status == visit.status, visit
        if scripts:
            expect(page.locator(".widget[data-state=loading] [data-load]")).to_have_count(0, timeout=20_000)
            # The scripts of editors, which load last, show how things are dragged.
            expect(page.locator("[data-drag-help][data-waiting]")).to_have_count(0, timeout=20_000)
        return page

    def close(self) -> None:
        """Close the browsers."""
        for page in self._pages.values():
            page.context.close()

    def _page(self, who: str, scripts: bool) -> Page:
        if (who, scripts) not in self._pages:
            # Without motion no colour is checked while it changes.
            context = self._chromium.new_context(
                base_url=self._address, java_script_enabled=scripts, reduced_motion="reduce"
            )
            page = self._pages[who, scripts] = context.new_page()
            page.set_default_timeout(20_000)
            if who:
                page.goto("/login")
                page.fill("#f-username", who)
                page.get_by_role("button", name="Sign in", exact=True).click()
                page.wait_for_url("**/")
        return self._pages[who, scripts]


@pytest.fixture(scope="module")
def walk(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    with community(tmp_path_factory.mktemp("community")) as (app, address):
        walk = Walk(chromium, app, address)
        yield walk
        walk.close()


def visits(short: int, *, acts: bool) -> list[ParameterSet]:
    """Return all visits, or with ``acts`` also those after a form, as parameters.

    Those beyond the first ``short`` of a route are slow tests: most show the same templates to others, or with a
    sentence about a mistake.
    """
    parameters = []
    for of_route in (*PAGES.values(), ERRORS):
        chosen = [visit for visit in of_route if acts or not visit.act]
        for place, visit in enumerate(chosen):
            marks = [pytest.mark.slow] if place >= short else []
            parameters.append(pytest.param(visit, id=named(visit), marks=marks))
    return parameters


def named(visit: Visit) -> str:
    return f"{visit.path} as {visit.who or 'a visitor'}{' after a form' if visit.act else ''}"


def test_every_page_is_looked_at(walk: Walk) -> None:
    routes = {rule.rule for rule in walk.app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    routes = {route for route in routes if not route.startswith(("/api/v1/", "/broken/"))} | {"/api/v1/"}
    assert routes == PAGES.keys() | NO_PAGES.keys()
    assert all(visits for visits in PAGES.values())


def in_one_scheme() -> list[ParameterSet]:
    """Return the first visit of each route, every other one in dark, so that both share what all pages have."""
    firsts = [of_route[0] for of_route in (*PAGES.values(), ERRORS)]
    schemes = ["light" if place % 2 else "dark" for place in range(len(firsts))]
    pairs = zip(firsts, schemes, strict=True)
    return [pytest.param(visit, scheme, id=f"{named(visit)}, {scheme}") for visit, scheme in pairs]


@pytest.mark.parametrize(("visit", "scheme"), in_one_scheme())
def test_every_page_can_be_read_by_all_in_light_or_dark(
    walk: Walk, visit: Visit, scheme: Literal["light", "dark"]
) -> None:
    assert report(problems_in_one_scheme(walk.open(visit), scheme)) == ""


@pytest.mark.slow
@pytest.mark.parametrize("visit", visits(0, acts=True))
def test_every_page_can_be_read_by_all_in_light_dark_and_on_a_phone(walk: Walk, visit: Visit) -> None:
    assert report(all_problems(walk.open(visit))) == ""


@pytest.mark.slow
@pytest.mark.parametrize("visit", visits(0, acts=False))
def test_every_page_can_be_read_by_all_from_right_to_left(walk: Walk, visit: Visit) -> None:
    page = walk.open(visit, language="ar")
    assert page.evaluate("document.documentElement.dir") == "rtl"
    assert report(all_problems(page)) == ""


@pytest.mark.parametrize("visit", visits(1, acts=False))
def test_without_javascript_every_form_can_be_sent_and_nothing_dead_is_offered(walk: Walk, visit: Visit) -> None:
    page = walk.open(visit, scripts=False)
    visible = "(element) => element.checkVisibility({visibilityProperty: true})"
    # What an archived hub or a file keeps read-only has no field that could be changed.
    offers = "(form) => form.querySelector(':is(input:not([type=hidden]), select, textarea):enabled')"
    forms = f"[...document.forms].filter({visible}).filter({offers})"
    forms += ".filter((form) => !form.querySelector('[type=submit]'))"
    dead = f"[...document.querySelectorAll('button[type=button]:not([aria-disabled])')].filter({visible})"
    elements = page.evaluate(f"[...{forms}, ...{dead}].map((element) => element.outerHTML.slice(0, 300))")
    assert report({"dead": elements}) == ""


def test_open_menus_and_dialogs_fit_a_phone_and_can_be_read_by_all(walk: Walk) -> None:
    page = inject(walk.open(Visit("/t/otters/edit", "rana")))
    results = {}
    for scheme, size in (("light", WIDE), ("dark", NARROW)):
        show_in(page, scheme)
        page.set_viewport_size(size)
        menus = page.locator("details[data-menu]:visible > summary")
        for menu in menus.all()[:4]:
            menu.click()
            box = menu.locator("xpath=../ul").bounding_box()
            assert box is not None
            assert 0 <= box["x"] <= size["width"] - box["width"], menu
            results[scheme, menu.inner_text()] = problems(page, "details[data-menu][open]")
            menu.click()
        for key in ("/", "?"):
            page.locator("main").focus()
            page.keyboard.press(key)
            page.wait_for_selector("dialog[open]")
            results[scheme, key] = problems(page, "dialog[open]")
            page.keyboard.press("Escape")
    assert report(results) == ""
