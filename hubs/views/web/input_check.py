"""Rejects text that a database cannot store, before any view reads it."""

from collections.abc import Iterable
from typing import Any

from flask import Flask, request
from werkzeug.datastructures import MultiDict

from hubs.errors import InvalidInput
from hubs.i18n import _

#: Content types of forms.
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def register(app: Flask) -> None:
    """Check query and form of every request to ``app``; paths are checked by the URL converters."""
    app.before_request(_check)


def is_text(value: str) -> bool:
    """Return whether databases can store a text: no NUL, no lone surrogates."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def check_json(body: Any) -> None:
    """Check all keys and values of a JSON document.

    :raises InvalidInput: if one of its texts cannot be stored.
    """
    # An explicit stack: a deeply nested body must not exhaust Python's own.
    pending = [body]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += [*value, *value.values()]
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str) and not is_text(value):
            raise InvalidInput(_("A text contains invalid characters; please remove them."))


def _check() -> None:
    # PostgreSQL refuses NUL in any text, also in a query that only compares it, with an error that would be a 500.
    if not _are_texts(request.args):
        raise InvalidInput(_("The query contains invalid characters; please remove them."))
    # Only forms are parsed here: machines send other bodies, whose size and sender are checked first. A webhook may be
    # a form, but its signature is that of the bytes.
    if request.mimetype in FORMS and request.blueprint != "webhooks" and not _are_texts(request.form):
        raise InvalidInput(_("A text contains invalid characters; please remove them."))


def _are_texts(values: MultiDict[str, str]) -> bool:
    pairs: Iterable[tuple[str, str]] = values.items(multi=True)
    return all(is_text(name) and is_text(value) for name, value in pairs)
