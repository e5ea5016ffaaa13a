"""Topic families without a reader: counted by daemons, read by the health check."""

from collections import Counter
from types import SimpleNamespace

import fakeredis
import pytest

from hubs.backend.daemon import Daemon
from hubs.backend.ingest.extract import Extractor
from hubs.bus import FEDMSG, parse
from hubs.events import coverage, sources
from hubs.models import now


@pytest.fixture
def store() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis()


def test_counts_of_several_daemons_are_added_and_sorted(store: fakeredis.FakeRedis) -> None:
    coverage.add(store, {"zuul": 2, "kerneltest": 1})
    coverage.add(store, {"zuul": 3})
    coverage.add(store, {})
    assert list(coverage.read(store).items()) == [("zuul", 5), ("kerneltest", 1)]
    assert coverage.read(store, most=1) == {"zuul": 5}
    assert 0 < store.ttl(coverage.KEY) <= coverage.LIFETIME


def test_made_up_names_do_not_fill_redis(store: fakeredis.FakeRedis) -> None:
    coverage.add(store, {f"{number}" + "x" * 1000: 1 for number in range(coverage.FAMILIES + 1)})
    assert max(map(len, coverage.read(store, most=1000))) == coverage.NAME
    coverage.add(store, {"zuul": 1})
    assert coverage.read(store) == {"zuul": 1}


def test_only_families_without_a_reader_are_counted() -> None:
    extract = Extractor()
    for topic in ("org.fedoraproject.prod.zuul.job.done", "org.fedoraproject.prod.wiki.article.edit"):
        extract(parse({"topic": topic, "msg_id": "2026-1", "timestamp": 1, "msg": {"title": "x"}}, FEDMSG))
    assert extract.unread == {"zuul": 1}


def test_the_daemon_reports_each_message_once_and_again_if_redis_was_unavailable() -> None:
    store, extract = fakeredis.FakeRedis(), Extractor()
    daemon = Daemon.__new__(Daemon)
    daemon._extract, daemon._reported = extract, Counter()
    daemon.pipeline = SimpleNamespace(heard={"fedmsg": now()})  # type: ignore[assignment]
    extract.unread["zuul"] += 2
    daemon._services = SimpleNamespace(events=SimpleNamespace(client=fakeredis.FakeRedis(server=unavailable())))  # type: ignore[assignment]
    daemon._report_unread()
    daemon._services = SimpleNamespace(events=SimpleNamespace(client=store))  # type: ignore[assignment]
    daemon._report_unread()
    daemon._report_unread()
    extract.unread["zuul"] += 1
    daemon._report_unread()
    assert coverage.read(store) == {"zuul": 3}
    assert list(sources.read(store)) == ["fedmsg"]


def unavailable() -> fakeredis.FakeServer:
    server = fakeredis.FakeServer()
    server.connected = False
    return server
