"""Answers of other services: read within bounds, and checked before anybody relies on them."""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from hubs.errors import UpstreamTooLarge, UpstreamUnexpected
from hubs.i18n import _

T = TypeVar("T")
#: Longest text that is kept of what others write.
TEXT = 500


@dataclass(frozen=True)
class Answer:
    """What a service answered: ``url`` after redirects, headers with names in lower case, the body unpacked."""

    name: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON.

        :raises UpstreamUnexpected: when it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise unexpected(self.name) from None

    def read_as(self, shape: Any) -> Any:
        """Return the JSON body as ``shape``, a pydantic model or any type that pydantic can check.

        :raises UpstreamUnexpected: when the body has another shape.
        """
        try:
            return _adapter(shape).validate_python(self.json())
        except ValidationError:
            raise unexpected(self.name) from None


class Shape(BaseModel):
    """Base of the shapes of answers: what we do not use of an answer is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def tidy(value: Any, limit: int = TEXT) -> str:
    """Return a text of others as one line of at most ``limit`` characters, without control characters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)[: limit * 4]).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def link(value: Any) -> str:
    """Return an address of others if it leads to a web page, else nothing: it ends up in an ``href``."""
    text = value.strip() if isinstance(value, str) else ""
    try:
        good = urlsplit(text).scheme in ("http", "https") and bool(urlsplit(text).hostname)
    except ValueError:
        good = False
    return text if good and len(text) <= 2000 and text.isprintable() and " " not in text else ""


def _tidy_text(value: str) -> str:
    return tidy(value)


def utc(value: datetime) -> datetime:
    """Take moments without a time zone as UTC, in which every service here writes them.

    :raises ValueError: for one before the first or after the last that there is in UTC.
    """
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("there is no such moment") from None


#: One line of at most `TEXT` characters; null counts as empty.
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value), AfterValidator(_tidy_text)]
#: The address of a web page; empty where it is none.
Link = Annotated[str, BeforeValidator(link)]
#: A moment: ISO 8601 or seconds since 1970.
Moment = Annotated[datetime, AfterValidator(utc)]


def unexpected(name: str) -> UpstreamUnexpected:
    """Return the error that tells that a service answered something else than it should."""
    return UpstreamUnexpected(
        _("The response of {host} cannot be read; its format may have changed.").format(host=name)
    )


def unpacked(name: str, chunks: Iterable[bytes], encoding: str, limit: int) -> bytes:
    """Return a body of which neither the packed nor the unpacked form is larger than ``limit`` bytes.

    :raises UpstreamTooLarge: as soon as either is, before more of it is read or unpacked.
    :raises UpstreamUnexpected: when it is packed in a way that we did not ask for, or damaged.
    """
    if encoding not in ("", "identity", "gzip"):
        raise unexpected(name)
    unpacker = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    received, made = 0, bytearray()
    try:
        for chunk in chunks:
            received += len(chunk)
            made += unpacker.decompress(chunk, limit + 1 - len(made)) if unpacker else chunk
            if received > limit or len(made) > limit:
                raise too_large(name, limit)
    except zlib.error:
        raise unexpected(name) from None
    if unpacker and not unpacker.eof:
        raise unexpected(name)
    return bytes(made)


def too_large(name: str, limit: int) -> UpstreamTooLarge:
    """Return the error that tells that an answer is larger than we read."""
    text = _("The response of {host} is larger than {limit} kilobytes.")
    return UpstreamTooLarge(text.format(host=name, limit=limit // 1000))


def seconds_to_wait(text: str, now: datetime) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for: a number, or a date; None where it is neither."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = utc(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, (moment - now).total_seconds())


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)
