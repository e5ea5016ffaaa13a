"""A service that never responds delays only requests that need it, however many there are."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from hubs.actions import widgets
from hubs.actions.people import roles
from hubs.models import Hub
from hubs.permissions import OPERATOR
from tests.services import wait_for
from tests.stack import Stack, own_stack
from tests.upstream import Asked, Reply, Upstream, running

#: More than all web workers have threads.
READERS = 40
FEED = '<rss version="2.0"><channel><title>Tides</title><item><title>High water at noon</title></item></channel></rss>'


class Hanging:
    """A service that answers when it is released; counts how many wait at once."""

    def __init__(self, upstream: Upstream) -> None:
        self.released, self.waiting, self.most = threading.Event(), 0, 0
        self._lock = threading.Lock()
        self.url = f"{upstream.url}/feed.xml"
        upstream.on("/feed.xml", self._answer)

    def _answer(self, asked: Asked) -> Reply:
        with self._lock:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
        self.released.wait(120)
        with self._lock:
            self.waiting -= 1
        return Reply(FEED, headers={"Content-Type": "application/rss+xml"})


@dataclass
class Place:
    """A stack with a widget that asks a service which hangs, and one that needs no service."""

    stack: Stack
    service: Hanging
    news: int
    feed: int

    def status(self, path: str) -> int:
        """Return the status with which a page answers."""
        try:
            with urlopen(self.stack.url + path, timeout=60) as answer:
                answer.read()
                return int(answer.status)
        except HTTPError as error:
            error.read()
            return error.code


@pytest.fixture(scope="module")
def place(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    vouched = {"HUBS_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"}
    with running() as upstream, own_stack(tmp_path_factory.mktemp("hanging"), database_url, vouched) as running_stack:
        service, database = Hanging(upstream), running_stack.database()
        with database.transaction() as session:
            roles.sign_up(session, running_stack.registry, "ottoline")
            hub = session.query(Hub).filter_by(name="ottoline").one()
            row = widgets.add(session, running_stack.registry, OPERATOR, hub, "rss", "left", {"url": service.url})
            feed = next(widget for widget in hub.widgets if widget.plugin == "feed")
            numbers = row.id, feed.id
        database.dispose()
        yield Place(running_stack, service, *numbers)
        service.released.set()


def test_readers_of_a_list_that_hangs_hold_no_page_of_others(place: Place) -> None:
    others = [f"/w/{place.feed}/more", "/u/ottoline/", "/teams/", f"/w/{place.feed}/calendar.ics", "/healthz"] * 3
    with ThreadPoolExecutor(READERS + 4) as readers:
        asked = [readers.submit(place.status, f"/w/{place.news}/more?page={page}") for page in range(1, READERS + 1)]
        wait_for(lambda: place.service.waiting, "the question to the service")
        answered = [place.status(path) for path in others]
        assert answered == [200, 200, 200, 404, 200] * 3
        assert place.service.waiting  # it has not answered: none of them has waited for it
        told = {request.result() for request in asked}
    # 502 is for those who came when the service had been given up.
    assert 202 in told
    assert told <= {202, 502}
    # Both web processes ask once, and so may the daemon for the box itself; each tries it three times at most.
    assert place.service.most <= 9
    place.service.released.set()
    wait_for(lambda: place.status(f"/w/{place.news}/more") == 200, "the list", 120)
    assert "High water at noon" in place.stack.get(f"/w/{place.news}/more")
