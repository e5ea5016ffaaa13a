"""The shipped nginx site in front of real memcached and gunicorn: who gets fragments, and from where."""

import contextlib
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, RemoteDisconnected
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.models import Hub, Visibility
from tests.nginx import Front, configure, local_upstreams, nginx
from tests.services import HOST, end, free_port, wait_for
from tests.stack import Stack


@pytest.fixture(scope="module")
def front(production: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Give nginx in front of the stack."""
    folder: Path = tmp_path_factory.mktemp("nginx")
    ports = production.ports
    with nginx(folder, ports["memcached"], ports["web"], ports["stream"]) as front:
        yield front


class Reader:
    """A client of nginx with cookies."""

    def __init__(self, front: Front, username: str = "") -> None:
        self.url = f"http://{HOST}:{front.port}"
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        if username:
            self.send("/login", username=username)

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        try:
            with self.browser.open(self.url + path, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def send(self, path: str, **fields: str) -> None:
        """Send a form with the session's token."""
        form = "/login" if path == "/login" else path
        token = re.findall(r'name="csrf_token" value="([^"]+)"', self.get(form)[1])[0]
        self.browser.open(self.url + path, urlencode({"csrf_token": token, **fields}).encode(), timeout=20).read()


def make(production: Stack, **teams: Visibility) -> list[int]:
    """Make teams with ``keeper`` as their owner; return their sticky notes."""
    database, numbers = production.database(), []
    with database.transaction() as session:
        keeper = roles.sign_up(session, production.registry, "keeper")
        for name, visibility in teams.items():
            hub = hub_actions.create(session, production.registry, keeper, "team", name, {"visibility": visibility})
            session.flush()
            numbers.append(next(row.id for row in hub.widgets if row.plugin == "sticky"))
    production.settle()
    database.dispose()
    return numbers


def path_of(number: int) -> str:
    return f"/w/{number}/fragment?lang=en"


@contextlib.contextmanager
def without_web(production: Stack, front: Front) -> Iterator[None]:
    """Stop the web application: what nginx answers meanwhile is kept."""
    web = production.services["web"]
    end([web])
    try:
        yield
    finally:
        web.restart()
        wait_for(lambda: Reader(front).get("/healthz")[0] == 200, "the web application")


def read_until_kept(reader: Reader, number: int) -> str:
    """Read a fragment, which may have to be built first, and twice more: kept, and from where it is kept."""
    wait_for(lambda: reader.get(path_of(number))[0] != 202, "the fragment")
    return [reader.get(path_of(number))[1] for _ in range(2)][-1]


def test_nginx_accepts_the_shipped_site(tmp_path: Path) -> None:
    path = configure(tmp_path, local_upstreams(11211, 8000, 8001), Front(8080, 8081, 8082))
    checked = subprocess.run(
        ["nginx", "-t", "-p", str(tmp_path), "-c", str(path)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr


def test_a_public_fragment_is_answered_without_the_application(production: Stack, front: Front) -> None:
    (number,) = make(production, wide=Visibility.PUBLIC)
    text = read_until_kept(Reader(front), number)
    assert '<div class="panel">' in text
    with without_web(production, front):
        assert Reader(front).get(path_of(number)) == (200, text)
        connection = HTTPConnection(HOST, front.port, timeout=10)
        connection.request("HEAD", path_of(number))
        answer = connection.getresponse()
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) == len(text.encode())
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        connection.close()


def test_a_fragment_that_is_not_for_everybody_is_never_kept(production: Stack, front: Front) -> None:
    closed = make(production, near=Visibility.SIGNED_IN, closed=Visibility.MEMBERS, shut=Visibility.OWNERS)
    for number in closed:
        assert '<div class="panel">' in read_until_kept(Reader(front, "keeper"), number)
        assert Reader(front).get(path_of(number))[0] == 404
    with without_web(production, front):
        assert 200 not in [Reader(front).get(path_of(number))[0] for number in closed]


def test_a_hub_that_turns_private_is_private_at_once(production: Stack, front: Front) -> None:
    (number,) = make(production, shy=Visibility.PUBLIC)
    keeper, visitor = Reader(front, "keeper"), Reader(front)
    assert '<div class="panel">' in read_until_kept(visitor, number)
    keeper.send("/t/shy/settings", visibility="members", left_width="8")
    assert visitor.get(path_of(number))[0] == 404
    assert '<div class="panel">' in read_until_kept(keeper, number)
    assert visitor.get(path_of(number))[0] == 404
    database = production.database()
    with database.session() as session:
        assert session.scalar(select(Hub.visibility).where(Hub.name == "shy")) == Visibility.MEMBERS
    database.dispose()


def test_a_changed_widget_is_never_answered_as_it_was(production: Stack, front: Front) -> None:
    (number,) = make(production, changing=Visibility.PUBLIC)
    keeper, visitor = Reader(front, "keeper"), Reader(front)
    for text in ("first words", "second words", "third words"):
        keeper.send(f"/w/{number}/settings", text=text)
        assert text in visitor.get(path_of(number))[1]
        assert text in read_until_kept(visitor, number)


def ask(port: int, path: str, host: str) -> tuple[int, str]:
    """Return status and Location of a request with this Host header; 0 if the connection is closed unanswered."""
    connection = HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location", "")
    except RemoteDisconnected:
        return 0, ""
    finally:
        connection.close()


def test_unknown_hosts_get_no_answer_and_redirects_name_the_configured_host(front: Front) -> None:
    for port in (front.port, front.redirect):
        assert ask(port, "/healthz", "evil.example") == (0, "")
    assert ask(front.port, "/healthz", HOST)[0] == 200
    assert ask(front.redirect, "/t/otters/?a=1", HOST) == (301, f"https://{HOST}/t/otters/?a=1")
    assert ask(front.redirect, "/", f"{HOST}:{front.redirect}") == (301, f"https://{HOST}/")


def test_tokens_in_urls_reach_no_log(tmp_path: Path) -> None:
    """Refuse streams for their rate, and fail all of them: nothing answers behind this nginx."""
    down = [free_port() for _ in range(3)]
    with nginx(tmp_path, *down) as front:
        with ThreadPoolExecutor(16) as pool:
            paths = ["/events/poll?token=SECRET", "/events?token=SECRET"] * 200
            statuses = set(pool.map(lambda path: ask(front.port, path, HOST)[0], paths))
        assert statuses == {502, 503}
        assert ask(front.port, "/login/callback?code=SECRET", HOST)[0] == 502
        assert ask(front.port, "/t/otters/?words=seen", HOST)[0] == 502
    logs = {path.name: path.read_text() for path in tmp_path.glob("*.log")}
    assert "words=seen" in logs["error.log"]  # other errors are logged as before
    assert '"GET /events/poll" 503' in logs["access.log"]
    assert [name for name, text in logs.items() if "SECRET" in text] == []
