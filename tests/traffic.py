"""Requests, messages and event streams at fixed rates, and what became of them."""

import contextlib
import http.client
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import Select, func, select

from hubs.events.log import EventLog
from hubs.events.tokens import Tokens
from hubs.models import Database, MessagePerson, StoredMessage
from tests.followers import Followers
from tests.load import Load
from tests.stack import KEY, Bus, Stack

#: Seconds for a start, and for what is still under way at the end.
PATIENCE = 120
TOPIC = "org.fedoraproject.dev.wiki.article.edit"


@dataclass(frozen=True)
class Rates:
    """Requests, messages and events a second; open streams."""

    requests: int
    messages: int
    events: int
    streams: int


def ask(url: str) -> None:
    """Request a page on a new connection; fail unless it is there."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close"})
        response = connection.getresponse()
        response.read()
        assert response.status == 200, response.status
    finally:
        connection.close()


def send_about_nobody(bus: Bus, number: int) -> str:
    """Send a message that no hub shows; return its id."""
    return bus.send(TOPIC, {"user": "nobody"})


class Traffic:
    """Requests, messages and streams, all at once."""

    def __init__(
        self,
        stack: Stack,
        bus: Bus,
        rates: Rates,
        web: str,
        events: str,
        followers: type[Followers] = Followers,
        send: Callable[[Bus, int], str] = send_about_nobody,
        channel: str = "hub:1",
    ) -> None:
        self._log, self._channel = EventLog(stack.settings.redis_url, 1000), channel
        self._database: Database = stack.database()
        token = Tokens(KEY.encode(), 3600).mint([channel])
        self.streams = followers(events, rates.streams, token, self._log.cursor())
        #: The ids of the messages; when each event was published on the monotonic clock, by its id.
        self.sent: list[str] = []
        self.published: dict[str, float] = {}
        self.requests = Load(lambda: ask(web), rates.requests, threads=2 * rates.requests)
        numbers = itertools.count()
        self._loads = (
            self.requests,
            Load(lambda: self.sent.append(send(bus, next(numbers))), rates.messages, threads=1),
            Load(self._publish, rates.events, threads=1),
        )

    def _publish(self) -> None:
        moment = time.monotonic()
        self.published[self._log.publish(self._channel, "notice", {}) or "not logged"] = moment

    def __enter__(self) -> "Traffic":
        self.streams.__enter__()
        self.streams.wait_connected(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.streams.__exit__()
        self._log.client.close()
        self._database.dispose()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Send; the streams stay open afterwards, for what is still under way."""
        with contextlib.ExitStack() as exits:
            for load in self._loads:
                exits.enter_context(load)
            yield

    def failures(self) -> list[str]:
        """Return what the loads raised."""
        return [text for load in self._loads for text in load.failed]

    def stored(self) -> int:
        """Return how many rows the messages have."""
        return self._count(select(func.count()).select_from(StoredMessage))

    def people(self) -> int:
        """Return how many names of people are stored with the messages."""
        return self._count(select(func.count(MessagePerson.username)).join(StoredMessage))

    def _count(self, statement: Select[int]) -> int:
        with self._database.session() as session:
            starts = range(0, len(self.sent), 1000)
            chosen = (StoredMessage.msg_id.in_(self.sent[start : start + 1000]) for start in starts)
            return sum(session.scalar(statement.where(ids)) or 0 for ids in chosen)

    def lost(self) -> int:
        """Return how many messages are not stored."""
        return len(self.sent) - self.stored()

    def deaf(self) -> int:
        """Return how many readers did not hear every event once and in its order."""
        return sum([name for name, _ in heard] != list(self.published) for heard in self.streams.heard)

    def delays(self) -> list[float]:
        """Return the seconds from the publication of each event to each of its readers."""
        return [at - self.published[name] for heard in self.streams.heard for name, at in heard]


def eventually_none(count: Callable[[], int]) -> int:
    """Return 0 once ``count`` does, or its last result."""
    deadline = time.monotonic() + PATIENCE
    while (number := count()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return number
