"""A history service that knows every published message, whether or not the bus delivered it.

Its responses have the shape of datagrepper's ``/raw`` (fedora-infra/datagrepper, ``docs/reference``).
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.services import HOST


class History(ThreadingHTTPServer):
    """Serves messages in a thread of its own, unless it is unavailable."""

    daemon_threads = True
    request_queue_size = 50

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.messages: list[dict[str, Any]] = []
        self.is_available = True
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    @property
    def url(self) -> str:
        """The address for ``HUBS_HISTORY_URL``."""
        return f"http://{HOST}:{self.server_address[1]}/raw"

    def close(self) -> None:
        """Stop the thread and close the port."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: History

    def do_GET(self) -> None:
        if not self.server.is_available:
            self.connection.close()
            return
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        start, end = float(query.get("start", 0)), float(query.get("end", 1e12))
        size, page = int(query.get("rows_per_page", 100)), int(query.get("page", 1))
        rows = [row for row in tuple(self.server.messages) if start <= row["timestamp"] <= end]
        rows.sort(key=lambda row: row["timestamp"])
        body = {
            "raw_messages": rows[(page - 1) * size : page * size],
            "pages": -(-len(rows) // size),
            "total": len(rows),
        }
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""
