"""The history service in its published format, and on a bad day.

No variant may hide a readable message or move the watermark past messages that were not read.
"""

import re
from collections.abc import Iterator

import pytest

from hubs.backend.ingest import history as module
from hubs.backend.ingest.history import UNUSABLE, HistoryBackfill
from hubs.bus import HISTORY, parse
from hubs.demo.services import variants
from hubs.demo.services.contract import answer
from hubs.models import Database
from tests.unit.backend.ingest.test_history import Pipeline, mark
from tests.upstream import Asked, Reply, Upstream, running

IDS = [parse(message, HISTORY).msg_id for message in answer("datagrepper", "raw")["raw_messages"]]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with running() as server:
        server.on(variants.SIGN_IN, Reply(variants.SIGN_IN_PAGE, headers={"Content-Type": "text/html"}))
        yield server


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def backfill(upstream: Upstream, database: Database, pipeline: Pipeline) -> HistoryBackfill:
    backfill = HistoryBackfill(database, f"{upstream.url}/raw", pipeline.put, lambda message: True)
    backfill.prepare()
    return backfill


def test_the_documented_messages_are_understood(
    upstream: Upstream, backfill: HistoryBackfill, pipeline: Pipeline
) -> None:
    upstream.on("/raw", answer("datagrepper", "raw"))
    assert backfill.read() == 2
    wiki, build = pipeline.messages
    assert (wiki.category, set(wiki.users), wiki.body["title"]) == ("wiki", {"rana"}, "Harbour")
    assert (build.category, set(build.users), set(build.packages)) == ("buildsys", {"rana"}, {"boat"})
    assert wiki.sent_at.isoformat() == "2026-03-01T00:01:00+00:00"
    # The service knows no other arguments for times and pages.
    assert set(upstream.asked[0].params) == {"start", "end", "page", "rows_per_page", "order"}
    assert int(upstream.asked[0].params["rows_per_page"][0]) <= 100


@pytest.mark.parametrize("variant", variants.DATA)
def test_no_variant_hides_a_readable_message(
    upstream: Upstream, database: Database, backfill: HistoryBackfill, pipeline: Pipeline, variant: str
) -> None:
    documented, before = answer("datagrepper", "raw"), mark(database).complete_until
    body = variants.data(documented, variant)
    if variant == "10,000 items":  # the usual variant has short records, which would have no content here
        body = documented | {"raw_messages": documented["raw_messages"] * (variants.MANY // 2)}
    upstream.on("/raw", body)
    count = backfill.read()
    assert set(IDS) <= set(pipeline.ids)
    assert count == len(pipeline.ids)
    if variant == "10,000 items":
        assert count == variants.MANY
    assert mark(database).complete_until > before


def test_an_empty_history_is_complete(upstream: Upstream, database: Database, backfill: HistoryBackfill) -> None:
    before = mark(database).complete_until
    upstream.on("/raw", variants.data(answer("datagrepper", "raw"), "empty") | {"pages": 0, "count": 0, "total": 0})
    assert backfill.read() == 0
    assert mark(database).complete_until > before


UNREADABLE = {
    "null": Reply(variants.data(answer("datagrepper", "raw"), "null")),
    "no number of pages": Reply(answer("datagrepper", "raw") | {"pages": None}),
    "failed": Reply({"error": "timeout", "arguments": {}}, 500),
    **{name: fail(Reply(answer("datagrepper", "raw")).encoded()) for name, fail in variants.FAILURES.items()},
}


@pytest.mark.parametrize("variant", UNREADABLE)
def test_a_failure_is_tried_again_and_leaves_the_watermark(
    upstream: Upstream,
    database: Database,
    backfill: HistoryBackfill,
    pipeline: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    variant: str,
) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.1 if variant == "slow" else 5)
    before = mark(database).complete_until
    upstream.on("/raw", UNREADABLE[variant])
    with pytest.raises(UNUSABLE) as caught:
        backfill.read()
    assert re.search(r"\w", str(caught.value))
    assert pipeline.messages == []
    assert mark(database).complete_until == before


def test_a_redirect_is_followed(upstream: Upstream, backfill: HistoryBackfill) -> None:
    def moved(asked: Asked) -> Reply:
        if "moved" in asked.params:
            return Reply(answer("datagrepper", "raw"))
        return Reply("", 301, {"Location": f"{asked.path}?moved=1"})

    upstream.on("/raw", moved)
    assert backfill.read() == 2


def test_pages_without_end_are_read_in_parts(
    upstream: Upstream, database: Database, backfill: HistoryBackfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGES", 3)
    before = mark(database).complete_until
    upstream.on("/raw", variants.endless(answer("datagrepper", "raw")))
    assert backfill.read() == 6
    assert [asked.params["page"] for asked in upstream.asked] == [["1"], ["2"], ["3"]]
    assert mark(database).complete_until == before
