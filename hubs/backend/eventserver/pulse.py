"""The age of the daemon's last heartbeat, which this process sends to its readers."""

import time

from hubs.backend.eventserver import responses
from hubs.events.heartbeat import LATE


class Pulse:
    """Records heartbeats; before the first one, the start of the process counts as one."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        #: When the newest message was received that the daemon had handled at its last heartbeat.
        self.handled_at: float | None = None

    def note(self, handled_at: float | None) -> bool:
        """Record a heartbeat; return whether it ends a gap."""
        was_late = self.is_late
        self._last, self.handled_at = time.monotonic(), handled_at
        return was_late

    @property
    def age(self) -> float:
        """Seconds since the last heartbeat."""
        return time.monotonic() - self._last

    @property
    def is_late(self) -> bool:
        """Whether heartbeats are missing."""
        return self.age > LATE

    def comment(self) -> bytes:
        """Return the comment that sends this to a reader."""
        return responses.beat(self.age, self.handled_at)
