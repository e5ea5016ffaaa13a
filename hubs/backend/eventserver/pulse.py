"""The age of the daemons' heartbeats, which this process sends to its readers."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from hubs.backend.eventserver import responses
from hubs.events.heartbeat import INTERVAL, LATE, Beat

#: Seconds of silence after which a new daemon counts as the replacement of a silent one.
SILENT = 2 * INTERVAL
#: Seconds after which a silent daemon is forgotten while another one is alive: by then that has taken over its builds.
FORGOTTEN = 300.0


@dataclass(slots=True)
class _Daemon:
    first: float
    last: float
    #: Whether it has taken the place of a daemon that died; each replaces one.
    is_replacement: bool = False
    #: For how many seconds it had been without its message broker at its last heartbeat.
    cut_off: float = 0.0


class Pulse:
    """Records heartbeats; the oldest one counts, since each daemon of several builds a part of the widgets.

    Before the first heartbeat, the start of the process counts as one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._daemons: dict[str, _Daemon] = {}
        #: When the newest message was received that a daemon had handled at its last heartbeat.
        self.handled_at: float | None = None

    def note(self, beat: Beat) -> bool:
        """Record a heartbeat; return whether it ends a gap."""
        was_late, now = self.is_late, self._clock()
        daemon = self._daemons.setdefault(beat.daemon, _Daemon(now, now))
        daemon.last, daemon.cut_off = now, beat.cut_off
        if beat.handled_at is not None:
            self.handled_at = max(beat.handled_at, self.handled_at or 0.0)
        # The last one stays: once nothing handles messages, its silence must show.
        if beat.is_last and len(self._daemons) > 1:
            del self._daemons[beat.daemon]
        self._forget_dead(now)
        return was_late and not self.is_late

    @property
    def age(self) -> float:
        """Seconds since the last heartbeat of the daemon that has been silent, or without its broker, for longest."""
        oldest = min((daemon.last - daemon.cut_off for daemon in self._daemons.values()), default=self._started)
        return self._clock() - oldest

    @property
    def is_late(self) -> bool:
        """Whether heartbeats are missing, or messages cannot arrive."""
        return self.age > LATE

    def comment(self) -> bytes:
        """Return the comment that sends this to a reader."""
        return responses.beat(self.age, self.handled_at)

    def _forget_dead(self, now: float) -> None:
        """Forget daemons that were replaced or are silent for long.

        A restarted daemon has a new name. It replaces one that fell silent before it appeared; without that rule, pages
        would call updates late for minutes after each crash.
        """
        for name, daemon in sorted(self._daemons.items(), key=lambda item: item[1].last):
            if now - daemon.last <= SILENT:
                return
            successor = next(
                (other for other in self._daemons.values() if other.first > daemon.last and not other.is_replacement),
                None,
            )
            if successor is not None:
                successor.is_replacement = True
            if successor is not None or (now - daemon.last > FORGOTTEN and len(self._daemons) > 1):
                del self._daemons[name]
