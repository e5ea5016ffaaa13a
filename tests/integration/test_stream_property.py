"""Whatever happens on the way, the page ends up as a fresh rendering would be.

Random orders of changes, late deliveries, lost connections, restarts, evictions and a Redis that forgets go through the
real log, broker, writer and handshake; a small model stands for the page's rules in `stream.js` and `widgets.js`.
"""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubs.backend.eventsource import HubsEvents
from hubs.events.log import EventLog
from hubs.events.message import number_of
from hubs.events.tokens import Tokens
from tests import services

CHANNELS = ("hub:1:public:en", "hub:2:public:en")
WIDGETS = {1: CHANNELS[0], 2: CHANNELS[0], 3: CHANNELS[1]}
LOG = 10


@dataclass
class Content:
    """What a widget shows."""

    version: int = 1
    built_at: str = ""
    text: str = ""


@dataclass
class Hub:
    """The truth, the server, and deliveries that were held up on the way to the log."""

    log: EventLog
    events: HubsEvents
    truth: dict[int, Content] = field(default_factory=lambda: {number: Content() for number in WIDGETS})
    late: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    clock: int = 0

    def change(self, widget: int, *, settings: bool, held_up: bool) -> None:
        self.clock += 1
        old = self.truth[widget]
        fresh = Content(old.version + settings, f"{self.clock:06d}", f"text {self.clock}")
        self.truth[widget] = fresh
        data = {"widget": widget, "version": fresh.version, "built_at": fresh.built_at, "html": fresh.text}
        # The next thing that is told of this widget overtakes what is held up: of that nothing may be lost, since
        # content is pushed by whoever built it, in whatever order builders finish.
        if held_up:
            self.late.append((WIDGETS[widget], data))
        else:
            self.log.publish(WIDGETS[widget], "widget", data)

    def deliver_late(self) -> None:
        for channel, data in reversed(self.late):
            self.log.publish(channel, "widget", data)
        self.late.clear()

    def evict(self) -> None:
        for number in range(LOG + 2):
            self.log.publish(CHANNELS[0], "notice", {"count": number})

    def restart(self) -> None:
        self.stop()
        self.events = HubsEvents(self.log, self.events._tokens, 100)

    def stop(self) -> None:
        if self.events._threads is not None:
            broadcaster, subscriber = self.events._threads
            subscriber.stop()
            broadcaster.drain()


class Page:
    """The page's rules, in few lines."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.socket, self.buffer = hub, None, b""
        self.frames: dict[int, Content] = {}
        self.ids: list[str] = []
        self.renew()

    def renew(self) -> None:
        self.cursor = self.hub.log.cursor()
        # What is read is the truth of this moment; what was built earlier never replaces it.
        self.frames = {number: Content(**vars(content)) for number, content in self.hub.truth.items()}

    def connect(self) -> None:
        self.disconnect()
        server, self.socket = socket.socketpair()
        self.socket.settimeout(10)
        self.buffer, self.ids = b"", []
        grants = [self.hub.events._tokens.read(self.hub.events._tokens.mint([channel])) for channel in CHANNELS]
        self.hub.events._serve({"gunicorn.socket": server}, grants, [], self.cursor, once=False)

    def disconnect(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def read_until(self, last: str) -> None:
        """Read until the event ``last`` was heard; come back as often as the stream ends."""
        for _ in range(20):
            if self.socket is None:
                self.connect()
            while number_of(self.cursor) < number_of(last):
                block = self.block()
                if block is None:
                    break
                self.hear(block)
            else:
                return
            self.disconnect()
        raise AssertionError("the stream never brought the last event")

    def block(self) -> dict[str, str] | None:
        assert self.socket is not None
        while b"\n\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.buffer += data
        block, _, self.buffer = self.buffer.partition(b"\n\n")
        return dict(line.split(": ", 1) for line in block.decode().splitlines() if ": " in line and line[0] != ":")

    def hear(self, block: dict[str, str]) -> None:
        if "id" in block:
            assert number_of(block["id"]) > (number_of(self.ids[-1]) if self.ids else 0), "never twice, never back"
            self.ids.append(block["id"])
            self.cursor = block["id"]
        if block.get("event") == "reset":
            self.renew()
        elif block.get("event") == "widget":
            data = json.loads(block["data"])
            frame, built = self.frames[data["widget"]], data["built_at"]
            if (data["version"], built) >= (frame.version, frame.built_at):
                self.frames[data["widget"]] = Content(data["version"], built, data["html"])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.sampled_from(sorted(WIDGETS)), st.booleans(), st.booleans()),
        st.sampled_from(
            [(name,) for name in ("late", "evict", "cut", "connect", "read", "restart", "forget", "renew")]
        ),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventLog]:
    folder: Path = tmp_path_factory.mktemp("redis")
    with services.redis_server(folder) as (_, port):
        log = EventLog(f"redis://127.0.0.1:{port}/0", length=LOG)
        yield log
        time.sleep(1.5)  # brokers that were stopped have noticed
        log.client.close()


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_the_final_page_equals_a_fresh_rendering(log: EventLog, steps: list[tuple[object, ...]]) -> None:
    log.client.flushall()
    hub = Hub(log, HubsEvents(log, Tokens(b"a key for tests that is long enough", 600), 100))
    page = Page(hub)
    try:
        for name, *more in steps:
            act(hub, page, str(name), more)
        hub.deliver_late()
        page.read_until(log.publish(CHANNELS[1], "notice", {"count": 0}) or "")
        assert page.frames == hub.truth
    finally:
        page.disconnect()
        hub.stop()


def act(hub: Hub, page: Page, name: str, more: list[object]) -> None:
    if name == "change":
        hub.change(int(str(more[0])), settings=bool(more[1]), held_up=bool(more[2]))
    elif name == "late":
        hub.deliver_late()
    elif name == "evict":
        hub.evict()
    elif name == "cut":
        page.disconnect()
    elif name == "connect":
        page.connect()
    elif name == "read":
        page.read_until(hub.log.publish(CHANNELS[0], "notice", {"count": 1}) or "")
    elif name == "restart":
        hub.restart()
    elif name == "forget":  # Redis is new, and those who were connected are not told
        hub.log.client.flushall()
        hub.restart()
        time.sleep(0.001)
    elif name == "renew":
        page.renew()
        page.disconnect()
