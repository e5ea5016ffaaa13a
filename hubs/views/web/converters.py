"""Numbers and names in addresses: only those that the database can hold."""

from typing import Any

from flask import Flask
from werkzeug.routing import BaseConverter, IntegerConverter

#: The largest number that a row can have.
LARGEST = 2**31 - 1


class RowNumber(IntegerConverter):
    """A whole number that a row can have; an address with a larger one does not exist."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max = LARGEST if self.max is None else min(self.max, LARGEST)


class Name(BaseConverter):
    """A text that a column can hold: PostgreSQL refuses NUL, so an address with one does not exist."""

    regex = r"[^/\x00]+"
    part_isolating = True


def install(app: Flask) -> None:
    """Use these converters for ``<int:…>`` and ``<…>`` in the addresses of ``app``."""
    app.url_map.converters["int"] = RowNumber
    app.url_map.converters["default"] = Name


def row_number(text: str) -> int:
    """Return the number that a form or a query names, for ``request.args.get(…, type=row_number)``.

    :raises ValueError: when it is none that a row can have.
    """
    number = int(text)
    if not 0 <= number <= LARGEST:
        raise ValueError("no row has this number")
    return number
