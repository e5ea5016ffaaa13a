"""The server of all stand-ins, in the demo and in tests: it answers what it was told to, and records its requests."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

#: Requests that are recorded.
REMEMBERED = 10_000


@dataclass
class Asked:
    """A request: header names in lower case, parameters as lists."""

    path: str
    params: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Reply:
    """A reply: ``body`` is sent as it is if it is bytes or a text, else as JSON; ``wait`` is in seconds."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    #: Seconds between two bytes of the body.
    drip: float = 0.0

    def encoded(self) -> bytes:
        """Return the body as bytes."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class _Quiet(ThreadingHTTPServer):
    """A server that does not log clients that hang up."""

    daemon_threads = True

    def handle_error(self, *args: Any) -> None:
        """Log nothing."""


class Upstream:
    """A server on 127.0.0.1, on a free port if ``port`` is 0. Unknown paths get what ``fallback`` returns, or a 404.

    The last `REMEMBERED` requests are in ``asked``.
    """

    def __init__(
        self, address: str = "127.0.0.1", port: int = 0, fallback: Callable[["Asked"], Reply] | None = None
    ) -> None:
        self.asked: list[Asked] = []
        self._fallback = fallback or (lambda _asked: Reply({"error": "not found"}, 404))
        self._replies: dict[str, list[Reply] | Callable[[Asked], Reply]] = {}
        self._server = _Quiet((address, port), self._handler())
        self.port = self._server.server_address[1]
        self.url = f"http://{address}:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def on(self, path: str, *replies: Any, **more: Any) -> None:
        """Set the replies to a path: one, several of which the last one stays, or a function of the request.

        Anything that is neither a `Reply` nor a function is the body of one.
        """
        if len(replies) == 1 and callable(replies[0]):
            self._replies[path] = replies[0]
        else:
            self._replies[path] = [reply if isinstance(reply, Reply) else Reply(reply, **more) for reply in replies]

    def paths(self) -> list[str]:
        """Return the requested paths, in order."""
        return [request.path for request in self.asked]

    def stop(self) -> None:
        """Stop and close the server: connections are refused afterwards."""
        self._server.shutdown()
        self._server.server_close()

    def _reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        del self.asked[:-REMEMBERED]
        replies = self._replies.get(asked.path, self._fallback)
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

            do_POST = do_GET  # noqa: N815 - the standard library's name

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
                """Log nothing."""

        return Handler


@contextmanager
def running() -> Iterator[Upstream]:
    """Run a server for the block."""
    upstream = Upstream()
    try:
        yield upstream
    finally:
        upstream.stop()
