"""The EventSource server alone, on a real Redis: for tests of the stream, and for the benchmark."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from hubs.events.log import EventLog
from hubs.events.tokens import Tokens
from hubs.models import Database
from tests.fresh import prepare
from tests.services import BIN, HOST, Service, answers, base_env, free_port
from tests.sse import Stream
from tests.stack import APP, KEY, ROOT


@dataclass
class Streams:
    """The server, its address, and the log that it serves."""

    service: Service
    url: str
    log: EventLog
    tokens: Tokens

    def token(self, *channels: str) -> str:
        """Return a token for channels."""
        return self.tokens.mint(channels)

    def open(self, *channels: str, cursor: str = "", **more: Any) -> Stream:
        """Open a stream of channels, from now on or from a cursor."""
        return Stream(self.url, self.token(*channels), cursor or self.log.cursor(), **more)

    def publish(self, channel: str, **data: object) -> str:
        """Publish an event; return its id."""
        return self.log.publish(channel, "notice", data) or ""

    def poll(self, cursor: str, *tokens: str, timeout: float = 30) -> str:
        """Return what `/events/poll` answers."""
        body = urlencode({"token": tokens, "cursor": cursor}, doseq=True).encode()
        with urlopen(Request(self.url + "/poll", body), timeout=timeout) as answer:
            return str(answer.read().decode())

    def readers(self) -> int:
        """Return the number of open streams."""
        return readers(self.health)

    @property
    def health(self) -> str:
        """The address that tells whether the server is well."""
        return self.url.removesuffix("events") + "healthz"

    def ready(self) -> None:
        """Wait until the server answers."""
        self.service.ready(lambda: answers(self.health))


def readers(health: str) -> int:
    """Return the number of open streams that a server tells of."""
    with urlopen(health, timeout=5) as answer:
        return int(json.load(answer)["readers"])


@contextlib.contextmanager
def serve(folder: Path, redis_port: int, *options: str, **env: str) -> Iterator[Streams]:
    """Run the EventSource server as its unit does, on a free port, until it answers."""
    with start(folder, redis_port, *options, **env) as streams:
        streams.ready()
        yield streams


@contextlib.contextmanager
def start(folder: Path, redis_port: int, *options: str, **env: str) -> Iterator[Streams]:
    """Run the EventSource server without asking it anything."""
    port, address = free_port(), f"redis://{HOST}:{redis_port}/0"
    argv = [
        str(BIN / "gunicorn"),
        "--no-control-socket",
        "--worker-class",
        "hubs.backend.eventserver.gunicorn_worker.BufferedRequestWorker",
    ]
    argv += ["--threads", "8", "--graceful-timeout", "3", "--bind", f"{HOST}:{port}", *options, APP]
    environment = {**base_env(), "HUBS_REDIS_URL": address, "HUBS_SECRET_KEY": KEY, "HUBS_DATA_DIR": str(folder), **env}
    if not (folder / "hubs.db").exists():  # where the server finds revocations when Redis has new data
        prepare(Database(f"sqlite:///{folder / 'hubs.db'}"))
    service = Service(argv, folder, f"eventsource-{port}", environment, cwd=ROOT)
    log, tokens = EventLog(address, int(env.get("HUBS_STREAM_LOG", "200"))), Tokens(KEY.encode(), 3600)
    streams = Streams(service, f"http://{HOST}:{port}/events", log, tokens)
    try:
        yield streams
    finally:
        service.stop()
        log.client.close()
