"""What reaches a reader whose access ends, or whose log cannot be read, while its stream is being opened."""

import socket
import time
from collections.abc import Iterator, Sequence

import pytest

from hubs.backend.eventsource import HubsEvents
from hubs.events.log import EventLog
from hubs.events.message import Event
from hubs.events.tokens import Tokens
from tests import services


class Log(EventLog):
    """A log whose reading by the event server something precedes."""

    trouble = ""

    def since(self, channels: Sequence[str], cursor: str) -> list[Event]:
        if self.trouble == "revoked":  # the command that ends streams is still on its way
            self.revocations.write({channels[0]: (time.time() + 1, 60.0)})
            self.publish(channels[0], "notice", {"text": "for those who stayed"})
        if self.trouble == "damaged":
            raise ValueError("an entry of the log is damaged")
        return super().since(channels, cursor)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with services.redis_server(tmp_path_factory.mktemp("redis")) as (_, port):
        log = Log(f"redis://127.0.0.1:{port}/0")
        yield log
        time.sleep(1.5)  # servers that were stopped have noticed
        log.client.close()


@pytest.fixture(scope="module")
def events(log: Log) -> Iterator[HubsEvents]:
    events = HubsEvents(log, Tokens(b"a key for tests that is long enough", 600), 100)
    yield events
    broadcaster, subscriber = events.running()
    subscriber.stop()
    broadcaster.drain()


def serve(events: HubsEvents, ours: socket.socket, cursor: str) -> None:
    token = events._tokens.read(events._tokens.mint(["hub:1:members:en"]))
    events._serve({"gunicorn.socket": ours}, [token], [], cursor, once=False)


def read(browser: socket.socket) -> bytes:
    """Return what arrives until the connection is closed, or within a second if it stays open."""
    browser.settimeout(1)
    got = b""
    try:
        while piece := browser.recv(4096):
            got += piece
    except TimeoutError:
        got += b"(open)"
    browser.close()
    return got


@pytest.mark.parametrize(("trouble", "gets"), [("", b"for all of us"), ("revoked", b"")])
def test_replays_leave_out_events_that_follow_a_revocation(
    log: Log, events: HubsEvents, trouble: str, gets: bytes
) -> None:
    cursor = log.cursor()
    log.publish("hub:1:members:en", "notice", {"text": "for all of us"})
    log.trouble = trouble
    ours, browser = socket.socketpair()
    serve(events, ours, cursor)
    got = read(browser)
    assert gets in got
    assert bool(got) == bool(gets)


def test_a_connection_is_closed_when_its_stream_cannot_be_opened(log: Log, events: HubsEvents) -> None:
    log.trouble = "damaged"
    ours, browser = socket.socketpair()
    with pytest.raises(ValueError, match="damaged"):
        serve(events, ours, log.cursor())
    assert read(browser) == b""
