"""Limits warnings: at most one per minute for one cause, with a note about how many were left out."""

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Seconds between two warnings with one cause, and causes that are remembered.
INTERVAL, REMEMBERED = 60.0, 1000
_NUMBER = re.compile(r"\d+")


@dataclass
class _Cause:
    """When a cause was last logged, how many lines were left out since, and the last of them: level, text, values."""

    logged_at: float
    left_out: int = 0
    last: tuple[int, str, Any] = (logging.WARNING, "", ())


class RepeatFilter(logging.Filter):
    """Drops a warning or error whose cause was logged less than `INTERVAL` ago.

    The next line with that cause says how many were left out. If none follows within `INTERVAL`, ``write`` is called
    with a line that says so, from a thread that runs only while there is such a cause.
    """

    def __init__(self, write: Callable[[logging.LogRecord], None], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._write, self._clock, self._lock = write, clock, threading.Lock()
        self._causes: OrderedDict[tuple[str, ...], _Cause] = OrderedDict()
        self._timer: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log ``record``, with a note about those that were left out."""
        if not logging.WARNING <= record.levelno < logging.CRITICAL:
            return True
        key, now, evicted = cause_of(record), self._clock(), None
        with self._lock:
            cause = self._causes.get(key)
            if cause is not None and now - cause.logged_at < INTERVAL:
                cause.left_out += 1
                # Formatted only when it is written: there a wrong line is reported, here it would end its caller.
                cause.last = record.levelno, record.msg, record.args
                self._start_timer()
                return False
            record.left_out = cause.left_out if cause else 0
            self._causes[key] = _Cause(now)
            self._causes.move_to_end(key)
            if len(self._causes) > REMEMBERED:
                evicted = self._causes.popitem(last=False)
        if evicted and evicted[1].left_out:
            self._write(_summary(*evicted))
        return True

    def flush(self, *, everything: bool = False) -> None:
        """Write how many lines were left out of causes that were last logged `INTERVAL` ago, or of all causes."""
        now, lines = self._clock(), []
        with self._lock:
            for key, cause in self._causes.items():
                if cause.left_out and (everything or now - cause.logged_at >= INTERVAL):
                    lines.append(_summary(key, cause))
                    self._causes[key] = _Cause(now)
            self._timer = None
            if any(cause.left_out for cause in self._causes.values()):
                self._start_timer()
        for line in lines:
            self._write(line)

    def _start_timer(self) -> None:
        # A forked process inherits the timer, but not its thread.
        if self._timer is None or not self._timer.is_alive():
            self._timer = threading.Timer(INTERVAL, self.flush)
            self._timer.daemon = True
            self._timer.start()


def _summary(key: tuple[str, ...], cause: _Cause) -> logging.LogRecord:
    level, text, values = cause.last
    record = logging.LogRecord(key[0], level, __file__, 0, f"Repeated: {text}", values, None)
    record.left_out = cause.left_out
    return record


def cause_of(record: logging.LogRecord) -> tuple[str, ...]:
    """Return the logger's name and what repeated lines have in common.

    That is the error, where the line names one: an outage of Redis is one cause, however many widgets wait for it.
    Numbers do not count, since ports, times and ids differ from line to line.
    """
    arguments = record.args if isinstance(record.args, tuple) else ()
    errors = [value for value in arguments if isinstance(value, BaseException)]
    if record.exc_info and record.exc_info[1] is not None:
        errors.append(record.exc_info[1])
    if not errors:
        return record.name, _NUMBER.sub("#", _text(record))
    texts = [_NUMBER.sub("#", f"{type(error).__name__}: {error}"[:300]) for error in errors]
    return record.name, str(record.msg), *texts


def _text(record: logging.LogRecord) -> str:
    """Return the line, or if its values do not fit, only its pattern: that is reported where it is written."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return str(record.msg)
