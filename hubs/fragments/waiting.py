"""How long readers may wait for what is being made: a moment all of them, longer only a few of a process."""

import threading
import time
from collections.abc import Callable

#: Seconds for which a reader waits for what began with the request, and between two looks at how it stands.
PATIENCE, POLL = 1.5, 0.05
#: Readers in one process who may wait at once for longer than some tenths of a second: others come back, so that there
#: are always threads for those who wait for nothing.
MAX_WAITERS, GRACE = 2, 0.3


class WaitLimiter:
    """The places of one process for those who wait longer than a moment."""

    def __init__(self, seats: int = MAX_WAITERS) -> None:
        self._free = threading.BoundedSemaphore(seats)

    def wait(self, changed: threading.Condition, is_ready: Callable[[], bool], patience: float) -> None:
        """Return when ``is_ready``, else after ``patience`` seconds, and soon where all seats are taken.

        ``changed`` is notified when it makes sense to look again.
        """
        start, seated = time.monotonic(), False
        try:
            while not is_ready():
                passed = time.monotonic() - start
                if passed > patience:
                    return
                if passed > GRACE and not seated:
                    seated = self._free.acquire(blocking=False)
                    if not seated:
                        return
                with changed:
                    changed.wait(POLL)
        finally:
            if seated:
                self._free.release()
