"""What log lines belong to: the ids of the request, message, widget and change that a thread works for.

The id of a request travels with our own message over the bus, so that ``request_id`` finds the lines of the web app,
the daemon, and the builds and events that follow from one click.

structlog has such fields as well, but every command would import it, although only lines of JSON need it.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

#: The field of our own messages, the header of HTTP, and the name in log lines.
REQUEST_ID = "request_id"
#: Ids from outside that are used; others could forge log lines.
_USABLE = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
_fields: ContextVar[Mapping[str, Any]] = ContextVar("fields", default=MappingProxyType({}))


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Add ``fields`` to all lines that this thread logs inside the block; empty ones are left out."""
    token = _fields.set({**_fields.get(), **{name: value for name, value in fields.items() if value}})
    try:
        yield
    finally:
        _fields.reset(token)


def current() -> Mapping[str, Any]:
    """Return the fields of this thread, to pass them to another one."""
    return _fields.get()


def request_id() -> str:
    """Return the id of the request that this thread works for; empty if there is none."""
    return str(_fields.get().get(REQUEST_ID, ""))


def usable(text: object) -> str:
    """Return an id that came from outside if it is harmless, else an empty text."""
    return text if isinstance(text, str) and _USABLE.fullmatch(text) else ""


def trace(log: logging.Logger, text: str, *values: object) -> None:
    """Log a step on the way of a change: at INFO if a person's request caused it, else at DEBUG.

    The bus brings hundreds of messages a second, people make a few changes a minute.
    """
    log.log(logging.INFO if request_id() else logging.DEBUG, text, *values)
