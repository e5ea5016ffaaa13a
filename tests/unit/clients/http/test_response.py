"""Checks of answers: shapes, texts and addresses of others."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from hubs.clients.http.response import Answer, Link, Moment, Shape, Text, link, seconds_to_wait, tidy
from hubs.errors import UpstreamUnexpected


class Entry(Shape):
    title: Text
    url: Link = ""
    when: Moment | None = None


#: A moment that there is not in UTC.
FIRST = '{"title": "", "when": "0001-01-01T00:00:00+14:00"}'


def answer(body: str) -> Answer:
    return Answer("Tracker", "https://t.example/", 200, {}, body.encode())


def test_a_shape_takes_what_it_knows_and_tidies_it() -> None:
    found = answer('[{"title": " a\\n b ", "url": "javascript:alert(1)", "when": "2026-11-24T10:00:00", "x": 1}]')
    entry = found.read_as(list[Entry])[0]
    assert (entry.title, entry.url) == ("a b", "")
    assert entry.when == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert answer('{"title": null, "when": "2026-11-24T10:00:00+02:00"}').read_as(Entry).when == datetime(
        2026, 11, 24, 10, tzinfo=timezone(timedelta(hours=2))
    )


@pytest.mark.parametrize(
    "body", ["", "{", "[" * 200_000, '{"title": {}}', "[]", '{"title": 1e999}', "9" * 10_000, FIRST]
)
def test_anything_else_is_one_kind_of_error(body: str) -> None:
    with pytest.raises(UpstreamUnexpected, match="Tracker"):
        answer(body).read_as(Entry)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://e.example/a?b=1#c", "https://e.example/a?b=1#c"),
        (" http://e.example ", "http://e.example"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//e.example/x", ""),
        ("https:///x", ""),
        ("https://[x", ""),
        ("https://e.example/a b", ""),
        ("https://e.example/\n", "https://e.example/"),
        ("https://e.example/" + "x" * 3000, ""),
        (None, ""),
        (7, ""),
    ],
)
def test_only_addresses_of_web_pages_become_links(given: Any, kept: str) -> None:
    assert link(given) == kept


def test_texts_are_one_line_and_bounded() -> None:
    assert tidy("a\x00b\u202ec\td  e") == "a b c d e"
    assert tidy("x" * 9, 5) == "xxxx…"
    assert tidy(" " * 100 + "a", 5) == "" or tidy("a" + " " * 100, 5) == "a"


def test_waiting_times_are_numbers_or_dates() -> None:
    now = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    assert seconds_to_wait("120", now) == 120
    assert seconds_to_wait("Tue, 24 Nov 2026 10:01:00 GMT", now) == 60
    assert seconds_to_wait("Tue, 24 Nov 2026 09:00:00 GMT", now) == 0
    assert seconds_to_wait("soon", now) is None
    assert seconds_to_wait("-5", now) is None
    assert seconds_to_wait("Fri, 31 Dec 9999 23:59:59 -2359", now) is None
    assert seconds_to_wait(f"Fri, 31 Dec {'9' * 30} 23:59:59 +0000", now) is None
