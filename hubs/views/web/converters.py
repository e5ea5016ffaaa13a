"""URL converters that accept only values which the database can store."""

from typing import Any

from flask import Flask
from werkzeug.routing import BaseConverter, IntegerConverter

#: Largest value of an integer primary key.
LARGEST = 2**31 - 1


class RowNumber(IntegerConverter):
    """A primary key; addresses with larger numbers do not match, hence are not found."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max = LARGEST if self.max is None else min(self.max, LARGEST)


class Name(BaseConverter):
    """A path segment without NUL, which PostgreSQL cannot store."""

    regex = r"[^/\x00]+"
    part_isolating = True


def install(app: Flask) -> None:
    """Use these converters for ``<int:…>`` and ``<…>`` in the addresses of ``app``."""
    app.url_map.converters["int"] = RowNumber
    app.url_map.converters["default"] = Name


def row_number(text: str) -> int:
    """Parse a primary key, for ``request.args.get(…, type=row_number)``.

    :raises ValueError: if no row can have this number.
    """
    number = int(text)
    if not 0 <= number <= LARGEST:
        raise ValueError("no row has this number")
    return number
