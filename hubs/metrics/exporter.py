"""Serves ``/metrics``, ``/livez`` and ``/readyz`` of a process on an address that is not the public one."""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST

from hubs import __version__
from hubs.metrics.families import Sample
from hubs.metrics.store import MetricStore, create_folder

log = logging.getLogger(__name__)

#: Seconds between two updates of the figures.
INTERVAL = 5.0
#: The ports of the processes, counted from the one of the setting.
OFFSETS = {"web": 0, "hub": 1, "eventsource": 2, "worker": 3}

#: Returns the figures of a process; must be quick, or its figures are old.
Collect = Callable[[], Iterable[Sample]]
#: Returns the checks of a process: for each its problem, or an empty text.
Check = Callable[[], Mapping[str, str]]


class _Server(ThreadingHTTPServer):
    # All workers of gunicorn listen on one port; the kernel picks one for each connection.
    allow_reuse_port = True
    daemon_threads = True


class Exporter:
    """Updates the figures of this process and serves those of all processes of its kind, in threads of its own."""

    def __init__(self, kind: str, address: str, collect: Collect, check: Check) -> None:
        """Listen at ``address``, the host and the first port of the setting."""
        self._kind, self._address, self._collect, self._check = kind, address, collect, check
        self._stopping = threading.Event()
        self._store: MetricStore | None = None
        self._server: ThreadingHTTPServer | None = None

    @property
    def address(self) -> tuple[str, int]:
        """The address at which this kind of process is scraped."""
        parts = urlsplit(f"//{self._address}")
        return parts.hostname or "127.0.0.1", (parts.port or 0) + OFFSETS[self._kind]

    def start(self) -> None:
        """Start the threads; a port that is taken is logged, since the process is useful without metrics."""
        host, port = self.address
        try:
            self._store = MetricStore(create_folder(f"{self._kind}-{port}"))
            self._server = _Server((host, port), _handler(self._store, self._check))
        except OSError as error:
            log.error("metrics cannot be served at %s:%d: %s", host, port, error)
            return
        for act in (self._server.serve_forever, self._run):
            threading.Thread(target=act, name="metrics", daemon=True).start()

    def stop(self) -> None:
        """End the threads."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _run(self) -> None:
        while True:
            try:
                if self._store is not None:
                    self._store.write(self._collect())
            except Exception:  # figures must never end a process, whatever they are made of
                log.exception("the metrics could not be updated")
            if self._stopping.wait(INTERVAL):
                if self._store is not None:
                    self._store.close()
                return


def _handler(store: MetricStore, check: Check) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5.0

        def do_GET(self) -> None:
            """Answer a monitor."""
            path = urlsplit(self.path).path
            if path == "/metrics":
                self._answer(200, store.text(), CONTENT_TYPE_LATEST)
            elif path == "/livez":
                self._answer(200, b"alive\n", "text/plain")
            elif path == "/readyz":
                problems = dict(check())
                status = 503 if any(problems.values()) else 200
                self._answer(status, json.dumps(report(problems)).encode(), "application/json")
            else:
                self._answer(404, b"There are /metrics, /livez and /readyz.\n", "text/plain")

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: a scraper comes every few seconds."""

    return Handler


def report(problems: Mapping[str, str]) -> dict[str, object]:
    """Return the answer of ``/readyz``: the version, whether all checks pass, and each with ``ok`` or its problem."""
    checks = {name: problem or "ok" for name, problem in problems.items()}
    return {"version": __version__, "ready": not any(problems.values()), "checks": checks}
