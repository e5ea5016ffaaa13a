"""Rooms, calendars, feeds and documents on a bad day of their server, as the lists of all other services are tested."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

import pytest

from hubs.clients.calendars import Calendars
from hubs.clients.community.matrix import Matrix
from hubs.clients.documents import Documents
from hubs.clients.feeds import Feeds
from hubs.clients.http.client import HTTP
from hubs.clients.http.politeness import Policy
from hubs.clients.http.records import collected
from hubs.demo.services import variants
from hubs.demo.services.contract import answer
from hubs.errors import UpstreamError
from hubs.parameters.addresses import TypedAddress
from tests.unit.clients.conftest import AGENT, PATIENT
from tests.unit.clients.test_calendars import FIRST, LAST, TEAM
from tests.unit.clients.test_contracts import HASTY
from tests.unit.clients.test_feeds import RSS
from tests.unit.clients.test_matrix import ALIAS, PATH
from tests.upstream import Asked, Reply, Upstream


@dataclass(frozen=True)
class Case:
    """A call of a client, the path that it asks for, and the documented answer."""

    path: str
    body: bytes
    call: Callable[[HTTP, str], Any]
    #: Failures of which the part that arrived is shown, and the rest counted.
    readable: tuple[str, ...] = ()


def _at(url: str, path: str) -> TypedAddress:
    return TypedAddress(f"{url}{path}", "hub:1")


CASES = {
    "matrix": Case(PATH, Reply(answer("matrix", "room")).encoded(), lambda http, url: Matrix(http, url).room(ALIAS)),
    "icalendar": Case(
        "/team.ics",
        TEAM.encode(),
        lambda http, url: Calendars(http).read(_at(url, "/team.ics"), FIRST, LAST).meetings,
        ("cut text",),
    ),
    "feed": Case("/feed", RSS.encode(), lambda http, url: Feeds(http).read(_at(url, "/feed")).entries, ("cut text",)),
    "document": Case("/x", b'{"a": [1, 2, 3]}', lambda http, url: Documents(http).read(_at(url, "/x"))),
}
FAILURES = [(name, failure) for name in CASES for failure in variants.FAILURES]


@pytest.fixture
def client() -> Iterator[Callable[[Policy], HTTP]]:
    """Provide a function that returns a client that may read addresses of this machine."""
    clients: list[HTTP] = []

    def create(policy: Policy) -> HTTP:
        clients.append(HTTP(AGENT, allowed_networks=[ip_network("127.0.0.0/8")], policy=replace(policy, tries=1)))
        return clients[-1]

    yield create
    for each in clients:
        each.close()


@pytest.mark.parametrize(("name", "failure"), FAILURES)
def test_a_failure_is_an_error_in_words(
    upstream: Upstream, client: Callable[[Policy], HTTP], name: str, failure: str
) -> None:
    case = CASES[name]
    upstream.on(variants.SIGN_IN, Reply(variants.SIGN_IN_PAGE, headers={"Content-Type": "text/html"}))
    upstream.on(case.path, variants.FAILURES[failure](case.body))
    http = client(HASTY if failure == "slow" else PATIENT)
    if failure in case.readable:
        with collected() as skipped:
            assert case.call(http, upstream.url) or skipped
        return
    with pytest.raises(UpstreamError) as caught:
        case.call(http, upstream.url)
    assert re.search(r"\w+ \w+", str(caught.value))


@pytest.mark.parametrize("name", CASES)
def test_a_redirect_is_followed(upstream: Upstream, client: Callable[[Policy], HTTP], name: str) -> None:
    case = CASES[name]

    def moved(asked: Asked) -> Reply:
        if "moved" in asked.params:
            return Reply(case.body)
        return Reply("", 301, {"Location": f"{asked.path}?moved=1"})

    upstream.on(case.path, moved)
    assert case.call(client(PATIENT), upstream.url)
    assert len(upstream.asked) == 2
