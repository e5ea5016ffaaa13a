"""Other people's HTTP services, as a local server: say what it answers, and look at what it was asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

from hubs.settings import Settings
from hubs.settings.types import ServiceURL

#: Settings that name other people's services.
SERVICES = tuple(name for name, field in Settings.model_fields.items() if get_args(ServiceURL)[1] in field.metadata)


def all_at(url: str) -> dict[str, str]:
    """Return the environment in which all of them are at one address."""
    return {f"HUBS_{name.upper()}": url for name in SERVICES}


#: Settings under which no service answers, so that no test asks the real ones.
NOBODY = all_at("http://127.0.0.1:9")


@dataclass
class Asked:
    """One request: headers with names in lower case, parameters as lists."""

    path: str
    params: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Reply:
    """What to answer: ``body`` is sent as it is when it is bytes or a text, else as JSON; ``wait`` is in seconds."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    #: Seconds between two bytes of the body.
    drip: float = 0.0

    def encoded(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class _Quiet(ThreadingHTTPServer):
    """A server that says nothing of clients that hang up on it, which is what many tests do."""

    daemon_threads = True

    def handle_error(self, *args: Any) -> None:
        """Keep quiet."""


class Upstream:
    """A server on a free port of 127.0.0.1; unknown paths are a 404.

    ``on`` says what a path answers: one reply, a list of replies of which the last one stays, or a function of the
    request.
    """

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.asked: list[Asked] = []
        self._replies: dict[str, list[Reply] | Callable[[Asked], Reply]] = {}
        self._server = _Quiet((address, 0), self._handler())
        self.port = self._server.server_address[1]
        self.url = f"http://{address}:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def on(self, path: str, *replies: Any, **more: Any) -> None:
        """Answer a path; anything that is no `Reply` and no function is the body of one."""
        if len(replies) == 1 and callable(replies[0]):
            self._replies[path] = replies[0]
        else:
            self._replies[path] = [reply if isinstance(reply, Reply) else Reply(reply, **more) for reply in replies]

    def paths(self) -> list[str]:
        """Return the paths that were asked for, in order."""
        return [request.path for request in self.asked]

    def stop(self) -> None:
        """Stop and close the server: connections are refused afterwards."""
        self._server.shutdown()
        self._server.server_close()

    def _reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        replies = self._replies.get(asked.path, [Reply({"error": "not found"}, 404)])
        if callable(replies):
            return replies(asked)
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def _handler(upstream) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - self is the handler, below
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                content = self.rfile.read(int(headers.get("content-length", 0)))
                reply = upstream._reply(Asked(parts.path, parse_qs(parts.query), headers, content))
                body = reply.encoded()
                time.sleep(reply.wait)
                try:
                    self._send(reply, body)
                except OSError:
                    self.close_connection = True

            do_POST = do_GET  # noqa: N815 - the name that the server calls

            def _send(self, reply: Reply, body: bytes) -> None:
                self.send_response(reply.status)
                given = {"Content-Type": "application/json", **reply.headers}
                if "Content-Length" not in given and "Connection" not in given and reply.status != 304:
                    given["Content-Length"] = str(len(body))
                for name, value in given.items():
                    self.send_header(name, value)
                self.end_headers()
                if reply.drip:
                    for byte in body:
                        self.wfile.write(bytes([byte]))
                        time.sleep(reply.drip)
                elif reply.status != 304:
                    self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                """Keep quiet."""

        return Handler


@contextmanager
def running() -> Iterator[Upstream]:
    """Run a server for the block."""
    upstream = Upstream()
    try:
        yield upstream
    finally:
        upstream.stop()
