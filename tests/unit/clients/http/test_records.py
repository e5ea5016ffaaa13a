"""Lists are read record by record: what is skipped, counted, logged and said to owners."""

import json
import logging
from typing import Any

import pytest

from hubs.clients.http import records
from hubs.clients.http.records import MOST, Parts, Records, Skipped, collected, unread
from hubs.clients.http.response import Response, Shape, Text
from hubs.errors import UpstreamUnexpected


class Tag(Shape):
    name: Text


class Record(Shape):
    number: int
    title: Text = ""
    tags: Parts[Tag] = []  # noqa: RUF012 - pydantic copies it


class Page(Shape):
    items: Records[Record]


def read(values: Any, shape: Any = Page) -> Any:
    body = {"items": values} if shape is Page else values
    return Response("Tracker", "https://t.example", 200, {}, json.dumps(body).encode()).read_as(shape)


@pytest.fixture(autouse=True)
def _nothing_logged_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_logged", type(records._logged)())


@pytest.mark.parametrize("odd", [None, 1, "x", [], {}, {"number": "x"}, {"number": None}])
def test_an_odd_record_is_skipped_and_counted(odd: Any) -> None:
    with collected() as skipped:
        page = read([{"number": 1}, odd, {"number": 2}])
    assert [record.number for record in page.items] == [1, 2]
    assert skipped == [Skipped("Tracker", 1, 3)]


def test_a_bare_list_is_read_in_the_same_way() -> None:
    with collected() as skipped:
        assert [record.number for record in read([None, {"number": 2}], Records[Record])] == [2]
    assert skipped == [Skipped("Tracker", 1, 2)]


def test_null_is_an_empty_list() -> None:
    assert read(None).items == []
    assert read(None, Records[Record]) == []
    assert read([None, None]).items == []


@pytest.mark.parametrize("values", [[1], [{}, {"number": "x"}, None], {}, "x", 7])
def test_a_list_without_any_readable_record_has_another_format(values: Any) -> None:
    with pytest.raises(UpstreamUnexpected, match="Tracker"):
        read(values)


def test_a_list_within_a_record_loses_only_its_odd_entries() -> None:
    with collected() as skipped:
        page = read([{"number": 1, "tags": [None, {"name": "a"}, 3]}, {"number": 2, "tags": "x"}, {"number": 3}])
    assert [[tag.name for tag in record.tags] for record in page.items] == [["a"], [], []]
    assert skipped == []


def test_of_an_endless_list_the_beginning_is_read() -> None:
    with collected() as skipped:
        assert len(read([{"number": 1}] * 10_000).items) == MOST
    assert skipped == []


def test_each_cause_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            read([{"number": 1}, {"number": "x"}, {"number": "y"}, {}])
    assert [record.message for record in caplog.records] == [
        "3 of 4 entries of Tracker cannot be read: number int_parsing; logged once",
        "3 of 4 entries of Tracker cannot be read: number missing; logged once",
    ]


def test_remembered_causes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CAUSES", 2)
    assert [records._is_new((cause, "", "")) for cause in "abcab"] == [True] * 5
    assert len(records._logged) == 2


def test_owners_get_one_sentence_per_service() -> None:
    skipped = [Skipped("Bodhi", 2, 50), Skipped("Koji", 1, 1), Skipped("Bodhi", 1, 40)]
    assert unread(skipped) == "3 of 90 entries of Bodhi could not be read. 1 of 1 entry of Koji could not be read."
    assert unread([]) == ""


def test_collectors_are_nested() -> None:
    with collected() as outer:
        with collected() as inner:
            read([{"number": 1}, None])
        read([{"number": 1}, {"number": 2}, None])
    assert ([skip.total for skip in inner], [skip.total for skip in outer]) == ([2], [3])
