"""The Celery backend enqueues each widget once and loses nothing while Redis is unavailable."""

import fakeredis
import pytest
import redis
from kombu.exceptions import OperationalError

from hubs.backend.rebuild.celery_queue import CeleryBackend, create_queue, lease_seconds, limit
from hubs.backend.rebuild.leases import QUEUED, QueuedBuilds
from hubs.fragments.schedule import KEY, BuildSchedule
from hubs.settings import Settings
from tests.unit.backend.conftest import LosesReplies


class Sent:
    """Replaces Celery, which is in the integration tests."""

    def __init__(self) -> None:
        self.tasks: list[tuple[int, str, float]] = []
        self.away = False

    def __call__(self, widget: int, lease_token: str, delay: float = 0.0) -> None:
        if self.away:
            raise OperationalError("unavailable")
        self.tasks.append((widget, lease_token, delay))


@pytest.fixture
def jobs(store: fakeredis.FakeRedis) -> QueuedBuilds:
    return QueuedBuilds(lambda: store)


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def remote(jobs: QueuedBuilds, store: fakeredis.FakeRedis, sent: Sent) -> CeleryBackend:
    return CeleryBackend(jobs, BuildSchedule(lambda: store), sent, lambda: 1000.0)


def test_a_hundred_requests_for_a_widget_are_one_task(remote: CeleryBackend, jobs: QueuedBuilds, sent: Sent) -> None:
    assert [remote.build(7, [number % 3]) for number in range(100)] == [None] * 100
    ((widget, lease_token, delay),) = sent.tasks
    assert (widget, delay) == (7, 0.0)
    assert jobs.acquire(7, lease_token, 30.0) == {0, 1, 2}
    assert (remote.counts["queued"], remote.counts["joined"]) == (1, 99)


def test_a_widget_becomes_due_again_if_its_task_is_lost(remote: CeleryBackend, store: fakeredis.FakeRedis) -> None:
    remote.build(7, [])
    assert store.zscore(KEY, "7") == 1000.0 + QUEUED


def test_a_task_that_cannot_be_sent_is_retried_with_all_its_functions(
    remote: CeleryBackend, jobs: QueuedBuilds, sent: Sent
) -> None:
    sent.away = True
    assert remote.build(7, [1]) == pytest.approx(2.0)
    sent.away = False
    assert remote.build(7, [2]) is None
    assert jobs.acquire(7, sent.tasks[0][1], 30.0) == {1, 2}


def test_a_widget_whose_enqueuing_was_not_confirmed_is_sent_at_the_next_attempt(sent: Sent) -> None:
    store = LosesReplies()
    jobs = QueuedBuilds(lambda: store)
    remote = CeleryBackend(jobs, BuildSchedule(lambda: store), sent, lambda: 1000.0)
    store.losses = 1
    assert remote.build(7, [1]) == pytest.approx(2.0)
    assert remote.build(7, [2]) is None
    assert jobs.acquire(7, sent.tasks[0][1], 30.0) == {1, 2}


def test_without_redis_a_widget_is_retried(sent: Sent) -> None:
    gone = redis.Redis.from_url("redis://127.0.0.1:1/0")
    remote = CeleryBackend(QueuedBuilds(lambda: gone), BuildSchedule(lambda: gone), sent, lambda: 1000.0)
    assert remote.build(7, []) == pytest.approx(2.0)
    assert remote.give_up(7) == pytest.approx(2.0)
    assert sent.tasks == []


def test_the_queue_takes_json_only_and_keeps_a_task_until_it_is_done() -> None:
    conf = create_queue(Settings()).conf
    assert (conf.accept_content, conf.task_serializer, conf.result_backend) == (["json"], "json", None)
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert not conf.worker_enable_remote_control


def test_the_budget_ends_before_the_time_limit_and_that_before_the_lease() -> None:
    settings = Settings(build_budget=10.0, build_timeout=20)
    assert settings.build_budget < limit(settings) < lease_seconds(settings)
    assert lease_seconds(settings) > settings.build_timeout
    assert create_queue(settings).conf.broker_transport_options["visibility_timeout"] >= lease_seconds(settings)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://h:1/2", ("h", 1, "2")),
        ("rediss://h:1/2", ("h", 1, "2")),
        ("unix:///run/redis.sock?db=3", ("socket:///run/redis.sock?virtual_host=3", None, "/")),
        ("unix:///run/redis.sock", ("socket:///run/redis.sock?virtual_host=0", None, "/")),
    ],
)
def test_celery_understands_the_address_of_redis(url: str, place: tuple[str, int | None, str]) -> None:
    with create_queue(Settings(redis_url=url)).connection_for_write() as connection:
        assert (connection.hostname, connection.port, connection.virtual_host) == place
        assert connection.transport_cls in ("redis", "rediss")
