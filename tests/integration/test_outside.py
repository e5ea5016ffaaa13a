"""A widget as the published workshop teaches it, in a package of its own, through all real processes."""

import shutil
from collections.abc import Iterator
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from sqlalchemy import select

from hubs.actions.people import roles
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.events.tokens import Tokens
from hubs.models import Hub, Widget
from hubs.widgets.registry import Registry
from tests.installing import install
from tests.services import wait_for
from tests.sse import Stream
from tests.stack import ROOT, Stack, own_stack
from tests.upstream import Reply, Upstream, running


def bugs(*summaries: str) -> Reply:
    return Reply({"bugs": [{"id": number, "summary": text} for number, text in enumerate(summaries, 1)]})


@pytest.fixture(scope="module")
def tracker() -> Iterator[Upstream]:
    with running() as tracker:
        yield tracker


@pytest.fixture(scope="module")
def outside(tracker: Upstream, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a stack on which the outside package is installed, beside one that is broken."""
    folder = tmp_path_factory.mktemp("outside")
    source = shutil.copytree(ROOT / "tests" / "outside" / "reviews", folder / "source")
    target = install(source, folder / "site")
    shutil.copy(ROOT / "tests" / "outside" / "broken.py", target)
    more = {
        "PYTHONPATH": str(target),
        "TRACKER_URL": tracker.url,
        "HUBS_WIDGETS": "broken:Broken,outside_reviews.widget:WorkshopReviews",
    }
    with own_stack(folder, database_url, more) as outside:
        yield outside


class Browser:
    """A browser without JavaScript."""

    def __init__(self, url: str) -> None:
        self._url, self._opener = url, build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        with self._opener.open(self._url + path, timeout=20) as answer:
            return str(answer.read().decode())

    def post(self, path: str, form: str, **fields: str) -> str:
        token = self.get(form).split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
        data = urlencode({"csrf_token": token, **fields}).encode()
        try:
            with self._opener.open(self._url + path, data, timeout=20) as answer:
                return str(answer.read().decode())
        except HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()[-2000:]}") from None


def test_an_outside_widget_is_added_cached_invalidated_and_pushed(outside: Stack, tracker: Upstream) -> None:
    tracker.on("/rest/bug", bugs("Review Request: lanterns"))
    bus, database = outside.bus(), outside.database()
    with database.transaction() as session:
        roles.sign_up(session, Registry(), "ottoline")
    browser = Browser(outside.url)
    browser.post("/login", "/login", username="ottoline")
    assert "Workshopreviews" in browser.get("/u/ottoline/edit/add?side=right")
    path = "/u/ottoline/edit/add/workshopreviews?side=right"
    assert "Bugzilla email address" in browser.get(path)
    browser.post(path, path, side="right", email="ottoline@example.org", product="")
    browser.post("/u/ottoline/edit", path, act="save")
    with database.session() as session:
        hub = session.scalars(select(Hub).where(Hub.name == "ottoline")).one()
        row = next(widget for widget in hub.widgets if widget.plugin == "workshopreviews")
    shown = browser.get(f"/w/{row.id}/fragment")
    assert f'<a href="{tracker.url}/show_bug.cgi?id=1">Review Request: lanterns</a>' in shown
    assert tracker.asked[-1].params == {"creator": ["ottoline@example.org"], "product": ["Fedora"]}

    asked = len(tracker.asked)
    for _ in range(3):
        browser.get(f"/w/{row.id}/fragment")
    assert len(tracker.asked) == asked, "the objects of the client library are cached"

    cursor = EventLog(outside.settings.redis_url).cursor()
    token = Tokens(outside.settings.key(), 600).mint([hub_channel(hub.id, "public", "en")])
    stream = Stream(outside.events, token, cursor)
    wait_for(lambda: "widgets are filtered on every message" in outside.services["hub"].log(), "the index")
    tracker.on("/rest/bug", bugs("Review Request: lanterns", "Review Request: <kites>"))
    other = {"bug": {"id": 3, "creator": "somebody@example.org"}}
    bus.send("org.fedoraproject.prod.bugzilla.bug.update", other)
    mine = {"bug": {"id": 2, "creator": "ottoline@example.org"}}
    heard = None
    while heard is None or "kites" not in heard.data["html"]:
        bus.send("org.fedoraproject.prod.bugzilla.bug.update", mine)
        heard = stream.next("widget")
    assert heard.data["widget"] == row.id
    assert "Review Request: &lt;kites&gt;" in heard.data["html"]
    stream.close()
    bus.close()
    database.dispose()


def test_a_broken_outside_widget_is_reported_by_name_and_stops_nothing(outside: Stack) -> None:
    for name in ("web", "hub"):
        assert "broken:Broken" in outside.services[name].log()
    assert "RuntimeError: this package is broken" in outside.services["hub"].log()
    assert "ottoline" in outside.get("/u/ottoline/")


def test_every_row_of_a_package_that_went_away_says_so(outside: Stack) -> None:
    database = outside.database()
    with database.transaction() as session:
        hub = session.scalars(select(Hub).where(Hub.name == "ottoline")).one()
        row = Widget(plugin="vanished", side="left", position=50, settings={}, version=1)
        hub.widgets.append(row)
        session.flush()
        number = row.id
    assert "not installed" in outside.get(f"/w/{number}/fragment")
    database.dispose()
