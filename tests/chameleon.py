"""A proxy before the event stream that a test can turn into each of the bad ones that people sit behind."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit

from tests.services import HOST, free_port

BAD = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nAccess-Control-Allow-Origin: *\r\n"
    b"Connection: close\r\n\r\n<p>502"
)
PORTAL = BAD.replace(b"502 Bad Gateway", b"200 OK").replace(b"<p>502", b"<title>Welcome to the hotel</title>")


class Chameleon:
    """Passes on, or answers itself, as ``mode`` says: pass, bytes (one at a time), bad (502), portal, silent."""

    def __init__(self, mode: str = "pass") -> None:
        self.mode, self.target, self.port = mode, ("", 0), free_port()
        #: The heads of the requests that came.
        self.requests: list[str] = []
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((HOST, self.port), backlog=512)
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def url(self) -> str:
        """The address of the stream behind this proxy."""
        return f"http://{HOST}:{self.port}/events"

    def to(self, url: str) -> None:
        """Pass on to the server at ``url``."""
        parts = urlsplit(url)
        self.target = (parts.hostname or "", parts.port or 80)

    def cut(self) -> None:
        """End all connections."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop."""
        self._listener.close()
        self.cut()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                browser, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(browser,), daemon=True).start()

    def _serve(self, browser: socket.socket) -> None:
        browser.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(browser)
        with contextlib.suppress(OSError), browser:
            request = self._request(browser)
            self.requests.append(request.decode(errors="replace"))
            if self.mode in ("bad", "portal"):
                browser.sendall(BAD if self.mode == "bad" else PORTAL)
            elif self.mode == "silent":
                browser.recv(1)
            else:
                self._pass(browser, request)
            # Closing alone says nothing to the other end while another thread still reads from it.
            browser.shutdown(socket.SHUT_RDWR)
        self._open.discard(browser)

    def _request(self, browser: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += browser.recv(65536) or _end()
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += browser.recv(65536) or _end()
        return head + b"\r\n\r\n" + body

    def _pass(self, browser: socket.socket, request: bytes) -> None:
        with socket.create_connection(self.target) as server:
            self._open.add(server)
            # One request a connection, so that a new mode holds for the next one.
            server.sendall(request.replace(b"Connection: keep-alive", b"Connection: close"))
            threading.Thread(target=self._watch, args=(browser, server), daemon=True).start()
            while data := server.recv(65536):
                if self.mode == "bytes":
                    for place in range(len(data)):
                        browser.sendall(data[place : place + 1])
                else:
                    browser.sendall(data)
            self._open.discard(server)

    def _watch(self, browser: socket.socket, server: socket.socket) -> None:
        """Close towards the server when the browser has gone."""
        with contextlib.suppress(OSError):
            while browser.recv(65536):
                pass
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


def _end() -> bytes:
    raise ConnectionError("the browser has gone")
