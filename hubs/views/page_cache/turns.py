"""Lets one request of a process render a page while the others for the same page wait for it.

After a change, many people open the page at once. Without turns, each thread would render it, all of them in one
interpreter, so that each took as long as all together.
"""

import threading
from collections.abc import Hashable

#: Longest wait in seconds. A page is usually rendered in some hundredths; after that, a request is better off alone.
PATIENCE = 0.25


class Turns:
    """What is being done in this process, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Hashable, threading.Event] = {}

    def begin(self, key: Hashable) -> bool:
        """Return True if it is the caller's turn, who then must call `end`.

        If it is somebody else's, wait until that one is done, though not for longer than `PATIENCE`, and return False.
        """
        with self._lock:
            running = self._running.get(key)
            if running is None:
                self._running[key] = threading.Event()
                return True
        running.wait(PATIENCE)
        return False

    def end(self, key: Hashable) -> None:
        """End the caller's turn, whether or not it led to anything."""
        with self._lock:
            running = self._running.pop(key)
        running.set()
