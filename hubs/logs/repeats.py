"""Limits warnings: at most one per minute for one cause, and the next one says how many were left out."""

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

#: Seconds between two warnings with one cause, and causes that are remembered.
INTERVAL, REMEMBERED = 60.0, 1000
_NUMBER = re.compile(r"\d+")


class RepeatFilter(logging.Filter):
    """Drops a warning or error whose cause was logged less than `INTERVAL` ago."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock, self._lock = clock, threading.Lock()
        #: When each cause was last logged, and how many lines were left out since.
        self._causes: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log ``record``, with a note about those that were left out."""
        if not logging.WARNING <= record.levelno < logging.CRITICAL:
            return True
        cause, now = cause_of(record), self._clock()
        with self._lock:
            logged_at, left_out = self._causes.get(cause, (float("-inf"), 0))
            if now - logged_at < INTERVAL:
                self._causes[cause] = logged_at, left_out + 1
                return False
            self._causes[cause] = now, 0
            self._causes.move_to_end(cause)
            if len(self._causes) > REMEMBERED:
                self._causes.popitem(last=False)
        record.left_out = left_out
        return True


def cause_of(record: logging.LogRecord) -> tuple[str, ...]:
    """Return what repeated lines have in common.

    That is the error, where the line names one: an outage of Redis is one cause, however many widgets wait for it.
    Numbers do not count, since ports, times and ids differ from line to line.
    """
    arguments = record.args if isinstance(record.args, tuple) else ()
    errors = [value for value in arguments if isinstance(value, BaseException)]
    if record.exc_info and record.exc_info[1] is not None:
        errors.append(record.exc_info[1])
    if not errors:
        return record.name, _NUMBER.sub("#", record.getMessage())
    texts = [_NUMBER.sub("#", f"{type(error).__name__}: {error}"[:300]) for error in errors]
    return record.name, str(record.msg), *texts
