"""Odd variants of an answer: what a service sends on a bad day.

The variants of `DATA` are still lists, of which every readable record must be shown. Those of `FAILURES` cannot be
used, and must be reported in words.
"""

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hubs.demo.services.contract import lists
from hubs.demo.services.server import Reply

MANY = 10_000
#: Where the variant "sign-in page" redirects to, and the page there.
SIGN_IN, SIGN_IN_PAGE = "/-/sign-in", "<!DOCTYPE html><title>Sign in</title>"
_MAINTENANCE = "<!DOCTYPE html><title>Maintenance</title><h1>We will be back soon</h1>"
#: Values that a field may have by mistake.
_ODD: tuple[Any, ...] = ({"odd": [1]}, [[]], True, "\u202eodd")

Change = Callable[[list[Any]], Any]


def _changed(body: Any, change: Change) -> Any:
    if isinstance(body, list):
        return change(body)
    # Some services wrap their list in an object.
    inner = {name: _changed(value, change) for name, value in body.items() if isinstance(value, dict)}
    return {**body, **inner, **{name: change(records) for name, records in lists(body).items()}}


def _null_entries(records: list[Any]) -> Any:
    return [None, *records, None]


def _null_fields(records: list[Any]) -> Any:
    return [*records, *({**entry, name: None} for entry in records for name in entry)]


def _missing_fields(records: list[Any]) -> Any:
    return [*records, {}, *({k: v for k, v in entry.items() if k != name} for entry in records for name in entry)]


def _odd_fields(records: list[Any]) -> Any:
    return [*records, *({**entry, name: odd} for entry in records[:1] for name in entry for odd in _ODD)]


def _odd_records(records: list[Any]) -> Any:
    return [1, "x", [], True, *records, {"odd": None}, [records]]


def _many(records: list[Any], number: int = MANY) -> Any:
    # Short records: a response with ten thousand whole ones exceeds the limit on its size.
    short = [dict([(k, v) for k, v in entry.items() if len(str(v)) < 60][:8]) for entry in records]
    return (short * (number // len(short) + 1))[:number]


#: Variants whose readable records must all be shown.
DATA: Mapping[str, Change] = {
    "as documented": lambda records: records,
    "null entries": _null_entries,
    "null fields": _null_fields,
    "missing fields": _missing_fields,
    "odd fields": _odd_fields,
    "odd records": _odd_records,
    "10,000 items": _many,
}
#: Variants without any record.
EMPTY: Mapping[str, Change] = {"empty": lambda records: [], "null": lambda records: None}


def data(body: Any, variant: str) -> Any:
    """Return an answer in one of the variants of `DATA` and `EMPTY`; many items are shared out among its lists."""
    if DATA.get(variant) is _many:
        return _changed(body, partial(_many, number=MANY // _count(body)))
    return _changed(body, {**DATA, **EMPTY}[variant])


#: How answers say that there are further pages: a number of pages, or the address of the next one.
_FURTHER = {"pages": 999, "more_topics_url": "/latest?page=9", "next": "https://service.example.org/?page=9"}


def endless(body: Any) -> Any:
    """Return an answer that says that there are further pages, as often as one asks; they hold the same records."""
    if isinstance(body, list):
        return body
    inner = {name: endless(value) for name, value in body.items() if isinstance(value, dict)}
    # Discourse leaves the address out on the last page, as its documented answer does.
    said = {*body, "more_topics_url"} if "topics" in body else set(body)
    return {**body, **inner, **{name: value for name, value in _FURTHER.items() if name in said}}


def _count(body: Any) -> int:
    """Return the number of lists of records in an answer."""
    if isinstance(body, list):
        return 1
    return len(lists(body)) + sum(_count(value) for value in body.values() if isinstance(value, dict))


def _cut(body: bytes) -> Reply:
    return Reply(body[: len(body) // 2], headers={"Content-Length": str(len(body)), "Connection": "close"})


def _cut_chunk(body: bytes) -> Reply:
    chunk = f"{len(body):x}\r\n".encode() + body[: len(body) // 2]
    return Reply(chunk, headers={"Transfer-Encoding": "chunked", "Connection": "close"})


def _limited(_body: bytes) -> Reply:
    headers = {
        "X-RateLimit-Limit": "60",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(time.time()) + 1800),
    }
    return Reply(json.dumps({"message": "API rate limit exceeded"}), 403, headers)


#: Variants that cannot be used.
FAILURES: Mapping[str, Callable[[bytes], Reply]] = {
    "rate limit": _limited,
    "too many requests": lambda _body: Reply("", 429, {"Retry-After": "600"}),
    "maintenance": lambda _body: Reply(_MAINTENANCE, 503, {"Content-Type": "text/html", "Retry-After": "600"}),
    "maintenance page": lambda _body: Reply(_MAINTENANCE, 200, {"Content-Type": "text/html"}),
    "sign-in page": lambda _body: Reply("", 302, {"Location": SIGN_IN}),
    "redirects in a circle": lambda _body: Reply("", 301, {"Location": "?"}),
    "cut in the middle": _cut,
    "cut in a chunk": _cut_chunk,
    "cut text": lambda body: Reply(body[: len(body) // 2]),
    "slow": lambda body: Reply(body, wait=0.3),
    "no content": lambda _body: Reply(""),
    "denied": lambda _body: Reply({"error": "denied"}, 401),
    "too large": lambda _body: Reply("", headers={"Content-Length": "99999999", "Connection": "close"}),
}
