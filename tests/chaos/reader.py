"""A reader that keeps one page up to date, as the page's own script does."""

import contextlib
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from hubs.events.heartbeat import LATE
from tests.chaos.community import Web
from tests.sse import Stream

_FRAME = re.compile(r'<section class="widget" id="widget-(\d+)"([^>]*)>(.*?)</section>', re.DOTALL)
#: Seconds of silence after which a stream is dead, as in `connection.js`.
SILENCE = 15.0
#: Seconds before a page reconnects: after its connection ended, as in `connection.js`, and after it was told to load
#: its content again, as in `stream.js`.
SPREAD, AGAIN = (0.2, 2.0), 0.2


def attribute(text: str, name: str) -> str:
    """Return the value of a ``data-`` attribute; empty if there is none."""
    match = re.search(rf'data-{name}="([^"]*)"', text)
    return match[1] if match else ""


def number_in(text: str) -> int | None:
    """Return the number that `Community.write` put into a note."""
    match = re.search(r"n=(\d+)", text)
    return int(match[1]) if match else None


def frames(page: str) -> dict[int, tuple[str, str]]:
    """Return the attributes and content of each widget on a page."""
    return {int(number): (attributes, content) for number, attributes, content in _FRAME.findall(page)}


class _Timed(Stream):
    """A stream that notes when the daemons' last heartbeat was."""

    beat_at: float | None = None

    def _read(self, block: str) -> Any:
        for line in block.splitlines():
            if line.startswith(": hb "):
                self.beat_at = time.monotonic() - float(line.split()[2])
        return super()._read(block)


class Reader(threading.Thread):
    """Follows the page at ``path``; ``is_forbidden`` returns whether the person may not see its content now."""

    def __init__(self, url: str, events: str, path: str, name: str = "", is_forbidden: Callable[[], bool] = bool):
        super().__init__(daemon=True)
        self._url, self._events, self._path, self._is_forbidden = url, events, path, is_forbidden
        self._web = Web(url).sign_in(name) if name else Web(url)
        self._stream: _Timed | None = None
        self._stopping = threading.Event()
        #: The number in the note of the page, by widget.
        self.numbers: dict[int, int] = {}
        #: Events by type, and attempts to connect.
        self.counts: Counter[str] = Counter()
        #: Content that arrived although it was forbidden, and events that came twice or in the wrong order.
        self.violations: list[str] = []
        self._last = ("", 0)
        #: Whether the last stream ended because the page was loaded again.
        self._reloaded = False
        self.token = self.cursor = ""

    @property
    def is_live(self) -> bool:
        """Whether the page would say that it is up to date."""
        stream = self._stream
        return stream is not None and stream.beat_at is not None and time.monotonic() - stream.beat_at < LATE

    def stop(self) -> None:
        """End the thread soon."""
        self._stopping.set()
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.socket.shutdown(2)

    def run(self) -> None:
        """Load the page, follow its stream, and reconnect."""
        self._load_page()
        failures = 0
        while not self._stopping.is_set():
            self._reloaded = False
            failures = 0 if self._follow() else failures + 1
            self._stream = None
            if failures:
                self._stopping.wait(min(30.0, 2.0 ** (failures - 1)) * random.uniform(0.5, 1.0))
            else:
                self._stopping.wait(AGAIN if self._reloaded else random.uniform(*SPREAD))

    def _load_page(self) -> None:
        while not self._stopping.is_set():
            status, page = self._web.get(self._path)
            if status == 200:
                if self._is_forbidden():
                    self.violations.append(f"page {self._path}")
                self.token, self.cursor = attribute(page, "token"), attribute(page, "cursor")
                for widget, (attributes, content) in frames(page).items():
                    if attribute(attributes, "digest"):
                        self._show(widget, content)
                    else:
                        self._load_fragment(widget)
                return
            self._stopping.wait(random.uniform(1.0, 3.0))

    def _load_fragment(self, widget: int) -> None:
        for _ in range(20):
            status, text = self._web.get(f"/w/{widget}/fragment?lang=en")
            if status == 200:
                self._show(widget, text)
                return
            if status not in (0, 202, 502, 503, 504) or self._stopping.wait(0.5):
                return

    def _show(self, widget: int, content: str) -> None:
        number = number_in(content)
        if number is not None:
            self.numbers[widget] = max(number, self.numbers.get(widget, 0))

    def _follow(self) -> bool:
        """Read one stream to its end; return whether the connection worked."""
        self.counts["attempts"] += 1
        try:
            self._stream = stream = _Timed(self._events, self.token, self.cursor, timeout=SILENCE)
        except (OSError, EOFError, IndexError, ValueError):
            return False
        with contextlib.closing(stream):
            if stream.status == 403:
                self._load_page()
                self._reloaded = True
                return True
            if stream.status != 200:
                return False
            for event in stream:
                if self._stopping.is_set():
                    break
                self._handle(event)
                if event.type in ("reset", "layout"):
                    self._load_page()
                    if event.type == "reset":
                        self._reloaded = True
                        break
        return True

    def _handle(self, event: Any) -> None:
        self.counts[event.type] += 1
        if event.id:
            epoch, _, number = event.id.rpartition("-")
            if self._last[0] == epoch and int(number) <= self._last[1]:
                self.violations.append(f"event {event.id} after {self._last[0]}-{self._last[1]}")
            self._last, self.cursor = (epoch, int(number)), event.id
        if event.type == "widget":
            if self._is_forbidden():
                self.violations.append(f"pushed widget {event.data['widget']}")
            self._show(event.data["widget"], event.data["html"])
        elif event.type == "changed":
            self._load_fragment(event.data["widget"])
