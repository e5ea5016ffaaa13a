"""Numbers in addresses: no larger than the database can hold."""

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter

#: The largest number that a row can have.
LARGEST = 2**31 - 1


class RowNumber(IntegerConverter):
    """A whole number that a row can have; an address with a larger one does not exist."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max = LARGEST if self.max is None else min(self.max, LARGEST)


def install(app: Flask) -> None:
    """Let ``<int:…>`` in the addresses of ``app`` stand for such numbers."""
    app.url_map.converters["int"] = RowNumber


def row_number(text: str) -> int:
    """Return the number that a form or a query names, for ``request.args.get(…, type=row_number)``.

    :raises ValueError: when it is none that a row can have.
    """
    number = int(text)
    if not 0 <= number <= LARGEST:
        raise ValueError("no row has this number")
    return number
