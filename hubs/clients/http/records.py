"""Lists from upstream services, read record by record: an odd record never hides the others.

`Records` is the type of a list in a response of any service. Records that cannot be read are left out, counted, logged
once for each cause, and reported to whoever collects them (`collected`), so that a widget can tell its owners.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import ValidationError, ValidationInfo, ValidatorFunctionWrapHandler, WrapValidator

from hubs.i18n import ngettext

log = logging.getLogger(__name__)

T = TypeVar("T")
#: Most records read of one list, and causes of unreadable records that are remembered as logged.
MOST, CAUSES = 1000, 500


@dataclass(frozen=True)
class Skipped:
    """Records of one list that could not be read: how many of how many, and of which service."""

    service: str
    count: int
    total: int


_collector: ContextVar[list[Skipped] | None] = ContextVar("skipped", default=None)
_logged: OrderedDict[tuple[str, ...], None] = OrderedDict()
_lock = threading.Lock()


@contextmanager
def collected() -> Iterator[list[Skipped]]:
    """Collect what is skipped by the lists read in the block, in this thread."""
    skipped: list[Skipped] = []
    token = _collector.set(skipped)
    try:
        yield skipped
    finally:
        _collector.reset(token)


def unread(skipped: Iterable[Skipped]) -> str:
    """Return a sentence for owners about skipped records; empty if there are none."""
    sums: dict[str, tuple[int, int]] = {}
    for lists in skipped:
        count, total = sums.get(lists.service, (0, 0))
        sums[lists.service] = count + lists.count, total + lists.total
    sentences = (
        ngettext(
            "%(count)s of %(total)s entry of %(service)s could not be read.",
            "%(count)s of %(total)s entries of %(service)s could not be read.",
            total,
        )
        % {"count": count, "total": total, "service": service}
        for service, (count, total) in sums.items()
    )
    return " ".join(sentences)


def _read(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Validate a list record by record; null counts as an empty list, which is how Go writes one.

    :raises ValidationError: when it is no list, or none of its records can be read: then the format has changed.
    """
    values = value[:MOST] if isinstance(value, list) else [] if value is None else value
    try:
        return handler(values)
    except ValidationError as error:
        odd = _odd(error)
        if not odd:
            raise
        readable = [record for place, record in enumerate(values) if place not in odd]
        if not readable and any(record is not None for record in values):
            raise
        report((info.context or {}).get("service", ""), set(odd.values()), len(odd), len(values))
        return handler(readable)


def _read_parts(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Validate a list within a record; odd entries and a value that is no list are left out."""
    values = value[:MOST] if isinstance(value, list) else []
    try:
        return handler(values)
    except ValidationError as error:
        odd = _odd(error)
        return handler([part for place, part in enumerate(values) if place not in odd])


def _odd(error: ValidationError) -> dict[int, tuple[str, ...]]:
    """Return the places of the records that cannot be read, each with the first cause."""
    odd: dict[int, tuple[str, ...]] = {}
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        place, *inside = problem["loc"] or ("",)
        if isinstance(place, int):
            odd.setdefault(place, (".".join(map(str, inside)), problem["type"]))
    return odd


def report(service: str, causes: Collection[tuple[str, ...]], count: int, total: int) -> None:
    """Report ``count`` of ``total`` records that could not be read; ``causes`` are (place, kind of error) pairs."""
    skipped = _collector.get()
    if skipped is not None:
        skipped.append(Skipped(service, count, total))
    for cause in sorted(causes):
        if _is_new((service, *cause)):
            where, what = cause
            log.warning("%d of %d entries of %s cannot be read: %s %s; logged once", count, total, service, where, what)


def _is_new(cause: tuple[str, ...]) -> bool:
    with _lock:
        is_new = cause not in _logged
        _logged[cause] = None
        _logged.move_to_end(cause)
        if len(_logged) > CAUSES:
            _logged.popitem(last=False)
        return is_new


#: A list in a response, read record by record.
Records = Annotated[list[T], WrapValidator(_read)]
#: A list within a record, whose odd entries are left out without being counted.
Parts = Annotated[list[T], WrapValidator(_read_parts)]
