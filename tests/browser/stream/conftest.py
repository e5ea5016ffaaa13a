"""A stack whose stream browsers reach through a proxy that the test can turn into a bad one."""

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from playwright.sync_api import Page, expect
from sqlalchemy import select

from hubs.actions import messages, widgets
from hubs.actions.people import roles
from hubs.backend.ingest.extract import Extractor
from hubs.bus import parse
from hubs.events import heartbeat
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.fragments.builder import ALL, Builder
from hubs.fragments.public import forget_after_commit
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import FragmentStore
from hubs.models import Hub, Visibility, Widget, now
from hubs.permissions import OPERATOR
from hubs.services import create_fragments
from tests.chameleon import Chameleon
from tests.fixtures import SharedStack
from tests.services import HOST
from tests.stack import Stack
from tests.streams import readers

#: Events that the log of a channel keeps.
LOG = 20


@pytest.fixture(scope="session")
def proxy() -> Iterator[Chameleon]:
    proxy = Chameleon()
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def streaming(request: pytest.FixtureRequest, proxy: Chameleon) -> Iterator[SharedStack]:
    shared = SharedStack("streaming", request, {"HUBS_STREAM_URL": proxy.url, "HUBS_STREAM_LOG": str(LOG)})
    yield shared
    shared.stop()


@pytest.fixture(scope="module")
def production(streaming: SharedStack, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Give a stack whose stream browsers reach through the proxy only."""
    yield from streaming.lend(request)


@pytest.fixture(scope="module")
def hub(production: Stack) -> Hub:
    database = production.database()
    with database.transaction() as session:
        user = roles.sign_up(session, production.registry, "isolde", "Isolde Brand")
        hub = session.scalars(select(Hub).where(Hub.user_id == user.id)).one()
        _ = [row.page for row in hub.widgets]
    if "hub" in production.services:  # what is pushed here is pushed by the tests alone
        production.services.pop("hub").stop()
    return hub


class Beating:
    """Publishes heartbeats in place of the daemon, which is stopped, unless ``silent`` is set."""

    def __init__(self, url: str) -> None:
        self._log, self.silent, self._stopped = EventLog(url, LOG), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._thread.join()
        self._log.client.close()

    def _run(self) -> None:
        while not self._stopped.wait(1.0):
            if not self.silent.is_set():
                with contextlib.suppress(redis.RedisError):
                    heartbeat.publish(self._log.client, "test", now())


@pytest.fixture(scope="module", autouse=True)
def beating(production: Stack) -> Iterator[Beating]:
    publisher = Beating(production.settings.redis_url)
    yield publisher
    publisher.stop()


@pytest.fixture(autouse=True)
def clear_way(proxy: Chameleon, production: Stack) -> None:
    proxy.mode = "pass"
    proxy.to(f"http://{HOST}:{production.ports['stream']}/events")
    proxy.requests.clear()


class Pusher:
    """Pushes contents of one widget, as the daemon does."""

    def __init__(self, production: Stack, hub: Hub) -> None:
        self.log = EventLog(production.settings.redis_url, LOG)
        self.hub, self.row = hub, hub.column("left")[0]
        self.channel = hub_channel(hub.id, Visibility.PUBLIC, "en")

    def push(self, text: str) -> None:
        built_at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{time.time_ns() % 10**9 // 10**6:03d}Z"
        data = {"widget": self.row.id, "hub": self.hub.id, "version": self.row.version, "built_at": built_at}
        self.log.publish(self.channel, "widget", {**data, "state": "live", "digest": text, "html": f"<p>{text}</p>"})

    def seen(self, page: Page, text: str, timeout: int = 15_000) -> None:
        expect(page.locator(f"#widget-{self.row.id} .widget-body")).to_contain_text(text, timeout=timeout)


@pytest.fixture
def pusher(production: Stack, hub: Hub) -> Iterator[Pusher]:
    pusher = Pusher(production, hub)
    yield pusher
    pusher.log.client.close()


def streams(production: Stack) -> int:
    return readers(f"http://{HOST}:{production.ports['stream']}/healthz")


def show(page: Page, *, hidden: bool) -> None:
    page.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


class Held(EventLog):
    """The log of events, where deliveries may be held up on their way to it."""

    def __init__(self, url: str) -> None:
        super().__init__(url, LOG)
        self.holding = False
        self._late: list[tuple[str, str, dict[str, Any]]] = []

    def publish(self, channel: str, kind: str, data: dict[str, Any]) -> str | None:
        """Publish an event, or hold it up."""
        if not self.holding:
            return super().publish(channel, kind, data)
        self._late.append((channel, kind, data))
        return ""

    def deliver(self) -> None:
        """Publish what was held up, the newest first."""
        self.holding, late, self._late = False, self._late, []
        for channel, kind, data in reversed(late):
            self.publish(channel, kind, data)


class Truth:
    """Changes what a hub shows, and builds and pushes it as the daemon does: a fresh page finds it in the cache."""

    #: Over all tests: a page need not notice that a widget changed and says again what it said before.
    _numbers = itertools.count(1)

    def __init__(self, production: Stack, hub: Hub) -> None:
        self.database, self.hub = production.database(), hub
        self.registry, self.log = production.registry, Held(production.settings.redis_url)
        self.fragments = create_fragments(production.settings, FragmentStore)
        forget_after_commit(self.database, self.fragments.public)
        due = BuildSchedule(lambda: self.log.client)
        self._builder = Builder(self.database, self.fragments, self.log, due, 15.0)
        self.channel, self._said = hub_channel(hub.id, Visibility.PUBLIC, "en"), 0
        with self.database.session() as session:
            stored = session.get_one(Hub, hub.id)
            self.notes = [row.id for row in stored.widgets if row.plugin == "sticky"]
            self.feeds = [row.id for row in stored.widgets if row.plugin in ("feed", "activity")]

    @property
    def changing(self) -> list[int]:
        """The widgets that change."""
        return self.notes + self.feeds

    def add_note(self) -> None:
        """Put one more note on the hub."""
        with self.database.transaction() as session:
            hub = session.get_one(Hub, self.hub.id)
            row = widgets.add(session, self.registry, OPERATOR, hub, "sticky", "left", {"text": "The first"})
            session.flush()
            self.notes.append(row.id)

    def write(self, note: int) -> str:
        """Change a note; return its text."""
        with self.database.transaction() as session:
            row = session.get_one(Widget, note)
            widgets.update(session, self.registry, OPERATOR, row, {"text": self._text()})
        self.build(note)
        return f"Text {self._said}"

    def say(self) -> str:
        """Store a message about the hub's person; return its title."""
        issue = {"title": self._text(), "id": self._said}
        body = {"topic": "io.pagure.prod.pagure.issue.new", "msg": {"agent": self.hub.name, "issue": issue}}
        message = Extractor({})(parse({**body, "msg_id": f"truth-{time.time_ns()}", "timestamp": time.time()}))
        with self.database.transaction() as session:
            messages.store(session, [message])
        for row in self.feeds:
            self.build(row)
        return f"Text {self._said}"

    def build(self, row: int) -> None:
        """Build a widget, after the web app where that is at it."""
        while (again := self._builder.build(row, [ALL])) is not None:
            time.sleep(again)

    def evict(self, row: int) -> None:
        """Take a widget's content out of the cache."""
        with self.database.session() as session:
            self.fragments.forget(session.get_one(Widget, row))

    def close(self) -> None:
        """Give the connections back."""
        self.log.client.close()
        self.fragments.cache.close()
        self.database.dispose()

    def _text(self) -> str:
        self._said = next(self._numbers)
        return f"Text {self._said}"


@pytest.fixture
def truth(production: Stack, hub: Hub) -> Iterator[Truth]:
    truth = Truth(production, hub)
    yield truth
    truth.close()
