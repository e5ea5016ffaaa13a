"""Validation of responses: models, texts and addresses."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from hubs.clients.http.response import Link, Moment, Response, Shape, Text, link, seconds_to_wait, tidy
from hubs.errors import UpstreamUnexpected


class Entry(Shape):
    title: Text
    url: Link = ""
    when: Moment | None = None


#: A time that is out of range in UTC.
FIRST = '{"title": "", "when": "0001-01-01T00:00:00+14:00"}'


def response(body: str) -> Response:
    return Response("Tracker", "https://t.example/", 200, {}, body.encode())


def test_a_model_keeps_the_declared_fields_and_cleans_them() -> None:
    listed = response('[{"title": " a\\n b ", "url": "javascript:alert(1)", "when": "2026-11-24T10:00:00", "x": 1}]')
    entry = listed.read_as(list[Entry])[0]
    assert (entry.title, entry.url) == ("a b", "")
    assert entry.when == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert response('{"title": null, "when": "2026-11-24T10:00:00+02:00"}').read_as(Entry).when == datetime(
        2026, 11, 24, 10, tzinfo=timezone(timedelta(hours=2))
    )


@pytest.mark.parametrize(
    "body", ["", "{", "[" * 200_000, '{"title": {}}', "[]", '{"title": [1e999]}', "9" * 10_000, "null"]
)
def test_any_other_body_is_the_same_error(body: str) -> None:
    with pytest.raises(UpstreamUnexpected, match="Tracker"):
        response(body).read_as(Entry)


@pytest.mark.parametrize("body", [FIRST, '{"title": "", "url": [7], "when": {}}', '{"title": "", "when": null}'])
def test_an_odd_field_with_a_default_does_not_hide_the_others(body: str) -> None:
    entry = response(body).read_as(Entry)
    assert (entry.title, entry.url, entry.when) == ("", "", None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://e.example/a?b=1#c", "https://e.example/a?b=1#c"),
        (" http://e.example ", "http://e.example"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//e.example/x", ""),
        ("https:///x", ""),
        ("https://[x", ""),
        ("https://e.example/a b", "https://e.example/a%20b"),
        ("https://e.example/\n", "https://e.example/"),
        ("https://e.example/" + "x" * 3000, ""),
        (None, ""),
        (7, ""),
    ],
)
def test_only_web_addresses_become_links(value: Any, expected: str) -> None:
    assert link(value) == expected


def test_texts_are_single_lines_of_limited_length() -> None:
    assert tidy("a\x00b\u202ec\td  e") == "a b c d e"
    assert tidy("x" * 9, 5) == "xxxx…"
    assert tidy(" " * 100 + "a", 5) == "" or tidy("a" + " " * 100, 5) == "a"


def test_retry_after_is_a_number_or_a_date() -> None:
    now = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    assert seconds_to_wait("120", now) == 120
    assert seconds_to_wait("Tue, 24 Nov 2026 10:01:00 GMT", now) == 60
    assert seconds_to_wait("Tue, 24 Nov 2026 09:00:00 GMT", now) == 0
    assert seconds_to_wait("soon", now) is None
    assert seconds_to_wait("-5", now) is None
    assert seconds_to_wait("Fri, 31 Dec 9999 23:59:59 -2359", now) is None
    assert seconds_to_wait(f"Fri, 31 Dec {'9' * 30} 23:59:59 +0000", now) is None
