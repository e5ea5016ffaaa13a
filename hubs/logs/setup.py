"""Sets up logging of a process: one line per event to stderr, where systemd, containers and the supervisor read it."""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import nullcontext
from typing import Any, TextIO

from hubs.logs import context
from hubs.logs.repeats import RepeatFilter

#: Values of the setting HUBS_LOG.
TEXT, JSON = "text", "json"
#: Libraries whose lines below this level say nothing that ours do not.
_LEVELS = {
    "alembic": logging.WARNING,
    "amqp": logging.WARNING,
    "celery.app.trace": logging.WARNING,
    "celery.worker.strategy": logging.WARNING,
    "httpcore": logging.WARNING,
    "kombu": logging.WARNING,
    "moksha": logging.WARNING,
    "pika": logging.CRITICAL,  # it logs a traceback for each failed connection
    "urllib3": logging.WARNING,
}
#: Loggers that come with handlers of their own.
_OWN_HANDLERS = ("fedmsg", "moksha", "gunicorn.error", "gunicorn.access")


#: Characters that make a terminal do something, or show a line in another order: C0, C1 and bidirectional controls.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to whatever ``sys.stderr`` is when a line is written; repeats are left out."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self._repeats = RepeatFilter(self._write)
        self.addFilter(self._repeats)

    def format(self, record: logging.LogRecord) -> str:
        r"""Return the line with controls as ``\u001b``: texts from outside must not reach a terminal as commands."""
        return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", super().format(record))

    def close(self) -> None:
        """Write how many repeats were left out so far."""
        self._repeats.flush(everything=True)
        super().close()

    def _write(self, record: logging.LogRecord) -> None:
        with self.lock or nullcontext():
            self.emit(record)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        """Ignore it; the base class sets it."""


class _TextFormatter(logging.Formatter):
    """One line for people: the time, level, logger and message, the fields in brackets, and any traceback."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"{self.formatTime(record)} {record.levelname} {record.name}: {record.getMessage()}"
        fields = context.current()
        if fields:
            text += " [" + " ".join(f"{name}={value}" for name, value in sorted(fields.items())) + "]"
        if left_out := getattr(record, "left_out", 0):
            text += f" ({left_out} more since the last one)"
        if record.exc_info and record.exc_info[1] is not None:
            text += f" | {one_line(record.exc_info[1])}"
        return " | ".join(text.splitlines())


def one_line(error: BaseException) -> str:
    """Return a traceback in one line: the frames from the outermost to the innermost, and the error."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " > ".join(f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno} {frame.name}" for frame in frames)
    text = f"Traceback: {places} | {type(error).__name__}: {error}"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"{text} | from {type(cause).__name__}: {cause}" if cause is not None else text


def _add_fields(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in context.current().items():
        fields.setdefault(name, value)
    return fields


def _note_left_out(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record = fields.get("_record")
    if left_out := getattr(record, "left_out", 0):
        fields["left_out"] = left_out
    if record is not None:
        fields["process"] = record.process
    return fields


def _json_formatter() -> logging.Formatter:
    import structlog  # noqa: PLC0415 - takes most of the time in which a command starts, and text does not need it

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            _add_fields,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", key="time"),
        ],
        processors=[
            _note_left_out,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
    )


def create_handler(kind: str = TEXT) -> logging.Handler:
    """Return the handler that writes lines of a ``kind`` to stderr."""
    handler = _Stderr()
    handler.setFormatter(_json_formatter() if kind == JSON else _TextFormatter())
    return handler


def dictionary(kind: str = TEXT) -> dict[str, Any]:
    """Return what `configure` does as a dictionary for `logging.config`, which fedmsg's programs want."""
    names = {name: {"level": level, "propagate": True, "handlers": []} for name, level in _LEVELS.items()}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"stderr": {"()": f"{__name__}.create_handler", "kind": kind}},
        "loggers": {"fedmsg": {"level": logging.INFO, "propagate": True, "handlers": []}, **names},
        "root": {"level": logging.INFO, "handlers": ["stderr"]},
    }


def configure(kind: str = TEXT, level: int = logging.INFO) -> None:
    """Send all lines of this process to stderr, as ``kind``; may be repeated.

    Handlers of other libraries are removed, or their lines would come twice or in another format.
    """
    root = logging.getLogger()
    for known in list(root.handlers):
        if type(known) in (logging.StreamHandler, _Stderr):  # subclasses are somebody else's, such as a test's
            root.removeHandler(known)
    root.addHandler(create_handler(kind))
    root.setLevel(level)
    for name in _OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name, least in _LEVELS.items():
        logging.getLogger(name).setLevel(least)
