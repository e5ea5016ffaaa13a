"""Responses of upstream services: limited in size, and validated before use."""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Annotated, Any, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from hubs.errors import UpstreamTooLarge, UpstreamUnexpected
from hubs.i18n import _

T = TypeVar("T")
#: Longest text of a response in characters; the rest is cut.
TEXT = 500
#: Largest response of a service, in bytes: many send whole descriptions and comments.
LARGE = 8_000_000
#: Zero-width non-joiner and joiner: Persian, Hindi and many emoji are misspelt without them.
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True)
class Response:
    """A response: ``url`` after redirects, header names in lower case, the body uncompressed.

    ``is_cut`` is true if the body was longer than the limit of a request for its beginning.
    """

    name: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False

    def json(self) -> Any:
        """Return the body as JSON.

        :raises UpstreamUnexpected: when it is not JSON.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise unexpected(self.name) from None

    def read_as(self, shape: Any) -> Any:
        """Return the JSON body as ``shape``, a pydantic model or any type that pydantic can validate.

        :raises UpstreamUnexpected: when the body does not match.
        """
        return self.validated(self.json(), shape)

    def validated(self, value: Any, shape: Any) -> Any:
        """Return a parsed body as ``shape``; its lists are read as `hubs.clients.http.records` describes.

        :raises UpstreamUnexpected: when it does not match.
        """
        try:
            return _adapter(shape).validate_python(value, context={"service": self.name})
        except ValidationError:
            raise unexpected(self.name) from None


class Shape(BaseModel):
    """Base of response models; fields that are not declared are ignored.

    A field with a default gets it where the service sends null or an unusable value: one odd field must not hide a
    record.
    """

    # Built when it is first read: most processes never ask most services.
    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True, defer_build=True)

    @model_validator(mode="wrap")
    @classmethod
    def _without_odd_fields(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            odd = {problem["loc"][0] for problem in error.errors(include_url=False) if problem["loc"]}
            required = {name for name, field in cls.model_fields.items() if field.is_required()}
            if not isinstance(value, Mapping) or not odd or odd & required:
                raise
            return handler({name: content for name, content in value.items() if name not in odd})


def tidy(value: Any, limit: int = TEXT) -> str:
    """Return external text as one line of at most ``limit`` characters, without control characters."""
    text = str(value)[: limit * 4]
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c in _JOINERS else " " for c in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def link(value: Any) -> str:
    """Return an external address if it is a web address, else an empty text; it is safe in an ``href``."""
    text = value.strip().replace(" ", "%20") if isinstance(value, str) else ""
    try:
        good = urlsplit(text).scheme in ("http", "https") and bool(urlsplit(text).hostname)
    except ValueError:
        good = False
    return text if good and len(text) <= 2000 and text.isprintable() else ""


def _tidy_text(value: str) -> str:
    return tidy(value)


def utc(value: datetime) -> datetime:
    """Return a time in UTC; one without a time zone is taken as UTC, which all services use.

    :raises ValueError: when it is out of range in UTC.
    """
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("there is no such moment") from None


#: One line of at most `TEXT` characters; null counts as empty.
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value), AfterValidator(_tidy_text)]
#: A web address; empty if the value is not one.
Link = Annotated[str, BeforeValidator(link)]
#: A time: ISO 8601 or a Unix timestamp.
Moment = Annotated[datetime, AfterValidator(utc)]


def unexpected(name: str) -> UpstreamUnexpected:
    """Return the error for a response that does not have the documented format."""
    return UpstreamUnexpected(
        _("The response of {host} cannot be read; its format may have changed.").format(host=name)
    )


def uncompressed(name: str, chunks: Iterable[bytes], encoding: str, limit: int, cut: bool = False) -> bytes:
    """Return the uncompressed body; neither form may be larger than ``limit`` bytes.

    With ``cut``, the beginning of a larger body is returned, one byte longer than the limit.

    :raises UpstreamTooLarge: as soon as either is, before more is read or uncompressed.
    :raises UpstreamUnexpected: when it is damaged, or its encoding was not requested.
    """
    if encoding not in ("", "identity", "gzip"):
        raise unexpected(name)
    decompressor = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    received, body = 0, bytearray()
    try:
        for chunk in chunks:
            received += len(chunk)
            body += decompressor.decompress(chunk, limit + 1 - len(body)) if decompressor else chunk
            if received > limit or len(body) > limit:
                if cut:
                    return bytes(body[: limit + 1])
                raise too_large(name, limit)
    except zlib.error:
        raise unexpected(name) from None
    if decompressor and not decompressor.eof:
        raise unexpected(name)
    return bytes(body)


def too_large(name: str, limit: int) -> UpstreamTooLarge:
    """Return the error for a response that is larger than ``limit`` bytes."""
    text = _("The response of {host} is larger than {limit} kilobytes.")
    return UpstreamTooLarge(text.format(host=name, limit=limit // 1000))


def seconds_to_wait(text: str, now: datetime) -> float | None:
    """Return the seconds of a ``Retry-After`` header, a number or a date; None if it is neither."""
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
