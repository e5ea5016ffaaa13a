"""Metrics: bounded labels, figures of several processes, and the server that is scraped."""

import multiprocessing
import re
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubs.errors import BadSetting
from hubs.metrics.exporter import Exporter
from hubs.metrics.families import FAMILIES, OTHER, LabelLimiter
from hubs.metrics.histogram import BOUNDS, Histogram
from hubs.metrics.store import MetricStore
from hubs.settings import load


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MetricStore]:
    store = MetricStore(tmp_path)
    yield store
    store.close()


def test_labels_beyond_the_limit_are_one() -> None:
    limiter, most = LabelLimiter(), FAMILIES["hubs_messages_dropped"].most
    samples = [("hubs_messages_dropped", (f"reason {number}",), 1.0) for number in range(most + 50)]
    for _ in range(2):  # the same ones are kept each time
        labels = [labels for _, labels, _ in limiter.limit(samples)]
        assert len(set(labels)) == most + 1
        assert labels[-1] == (OTHER,)


def test_a_label_value_is_short() -> None:
    (sample,) = LabelLimiter().limit([("hubs_messages_dropped", ("x" * 5000,), 1.0)])
    assert len(sample[1][0]) <= 60


def test_a_figure_that_is_not_declared_is_an_error(store: MetricStore) -> None:
    with pytest.raises(KeyError):
        store.write([("hubs_unknown", (), 1.0)])


def test_every_family_has_a_name_and_a_sentence() -> None:
    for name, family in FAMILIES.items():
        assert re.fullmatch(r"hubs_[a-z_]+", name)
        assert family.help.endswith(".")


def _write_and_end(folder: Path) -> None:
    MetricStore(folder).write(
        [("hubs_messages_stored", (), 5.0), ("hubs_stream_readers", (), 3.0), ("hubs_heartbeat_age_seconds", (), 0.5)]
    )


def _text(store: MetricStore) -> str:
    return store.text().decode()


def test_counters_of_ended_processes_stay_and_their_gauges_go(tmp_path: Path, store: MetricStore) -> None:
    store.write([("hubs_messages_stored", (), 2.0), ("hubs_stream_readers", (), 1.0)])
    for _ in range(3):
        process = multiprocessing.get_context("spawn").Process(target=_write_and_end, args=(tmp_path,))
        process.start()
        process.join()
        text = _text(store)
    assert "hubs_messages_stored_total 17.0" in text
    assert "hubs_stream_readers 1.0" in text
    assert len(list(tmp_path.glob("counter_*.db"))) == 2  # ours, and the one of all ended processes


def test_a_histogram_is_cumulative_and_has_its_sum(store: MetricStore) -> None:
    durations = Histogram()
    for seconds in (0.004, 0.03, 0.03, 1000.0):
        durations.observe(seconds)
    store.write([("hubs_message_stored_seconds", (), durations)])
    text = _text(store)
    assert 'hubs_message_stored_seconds_bucket{le="0.005"} 1.0' in text
    assert 'hubs_message_stored_seconds_bucket{le="0.05"} 3.0' in text
    assert 'hubs_message_stored_seconds_bucket{le="+Inf"} 4.0' in text
    assert "hubs_message_stored_seconds_count 4.0" in text
    assert "hubs_message_stored_seconds_sum 1000.064" in text
    assert len(durations.counts) == len(BOUNDS) + 1


def test_a_gauge_that_is_no_longer_reported_becomes_zero(store: MetricStore) -> None:
    store.write([("hubs_upstream_paused", ("Bodhi",), 1.0)])
    store.write([])
    assert 'hubs_upstream_paused{service="Bodhi"} 0.0' in _text(store)


def test_the_exporter_serves_figures_and_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    problems = {"redis": ""}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    exporter = Exporter("web", f"127.0.0.1:{port}", lambda: [("hubs_stream_readers", (), 4.0)], lambda: problems)
    exporter.start()
    try:
        address = f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(f"{address}/livez") as answer:
            assert answer.status == 200
        with urllib.request.urlopen(f"{address}/readyz") as answer:
            assert b'"ready": true' in answer.read()
        problems["redis"] = "it is full"
        with pytest.raises(urllib.request.HTTPError) as refused:
            urllib.request.urlopen(f"{address}/readyz")
        assert refused.value.code == 503
        assert b"it is full" in refused.value.read()
        refused.value.close()
        for _ in range(100):
            with urllib.request.urlopen(f"{address}/metrics") as answer:
                if b"hubs_stream_readers 4.0" in (text := answer.read()):
                    break
        assert b"hubs_stream_readers 4.0" in text
    finally:
        exporter.stop()


@pytest.mark.parametrize(
    "address", ["0.0.0.0:9464", "[::]:9464", "hubs.example.org:9464", "127.0.0.1", "127.0.0.1:65535"]
)
def test_the_metrics_address_is_one_address_with_a_port(address: str) -> None:
    with pytest.raises(BadSetting, match="9464"):
        load({"HUBS_METRICS_ADDRESS": address})


def test_the_metrics_address_may_be_an_address_of_its_own() -> None:
    assert load({"HUBS_METRICS_ADDRESS": "10.1.2.3:9464"}).metrics_address == "10.1.2.3:9464"


def test_every_metric_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs/operate.md").read_text()
    for family in FAMILIES.values():
        assert f"`{family.name}{'_total' if family.kind == 'counter' else ''}` | {family.kind} | {family.help}" in page
