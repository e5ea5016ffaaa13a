"""Building by Celery workers: two real ones, of which one is killed while it builds."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import redis

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.fragments.schedule import BuildSchedule
from hubs.metrics.exporter import OFFSETS
from hubs.models import Hub, Widget
from tests.services import BIN, HOST, Service, end, free_port, wait_for
from tests.sse import Stream
from tests.stack import ROOT, Bus, Stack, command_of, own_stack

UNIT = ROOT / "deploy" / "systemd" / "hubs-worker.service"
MORE = {
    "HUBS_REBUILD": "celery",
    "HUBS_REBUILD_THREADS": "1",
    "HUBS_WIDGETS": "tests.probes:Probe",
    "HUBS_BUILD_BUDGET": "4",
    "HUBS_BUILD_TIMEOUT": "6",
    "HUBS_SWEEP_INTERVAL": "1",
    "HUBS_METRICS_ADDRESS": f"{HOST}:{free_port()}",
    "PYTHONPATH": str(ROOT),  # for the probes; gunicorn and fedmsg-hub look there by themselves
}


@pytest.fixture(scope="module")
def queued(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a stack whose daemon leaves building to workers; there is no worker yet."""
    with own_stack(tmp_path_factory.mktemp("queued"), database_url, MORE) as queued:
        yield queued


@pytest.fixture(scope="module")
def heard(queued: Stack) -> Iterator[Bus]:
    connection = queued.bus()
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def store(queued: Stack) -> redis.Redis:
    return redis.Redis.from_url(queued.settings.redis_url)


@pytest.fixture(scope="module")
def started(queued: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Service]]:
    """Give two workers, started as their unit starts them."""
    folder = tmp_path_factory.mktemp("workers")
    services = [Service(command_of(UNIT), folder, name, queued.env, cwd=ROOT) for name in ("first", "second")]
    yield services
    end(services)


@pytest.fixture
def workers(started: list[Service]) -> list[Service]:
    """Give the two workers, ready; one that an earlier test ended starts again."""
    for worker in started:
        if worker.process.poll() is not None:
            worker.path.write_text("")
            worker.restart()
    for worker in started:
        worker.ready(lambda log=worker.log: "hubs.backend.worker: ready" in log())  # type: ignore[misc]
    return started


def add(queued: Stack, name: str, seconds: float) -> int:
    """Make a hub with one probe, have the web app build it, and return the widget's id."""
    database = queued.database()
    with database.session() as session:
        user = roles.sign_up(session, queued.registry, f"{name}-owner", "Somebody")
        hub: Hub = hub_actions.create(session, queued.registry, user, "team", name, {})
        hub.widgets.clear()
        settings = {"text": name, "seconds": str(seconds)}
        hub.widgets.append(Widget(plugin="probe", side="left", position=0, settings=settings, version=1))
        session.commit()
        widget = hub.widgets[0].id
    database.dispose()
    wait_for(lambda: f"{name} was built 1" in queued.get(f"/w/{widget}/fragment"), "the first build")
    return widget


def ask(store: redis.Redis, widget: int) -> None:
    """Ask for a widget as readers do."""
    assert BuildSchedule(lambda: store).request([widget])


def count(store: redis.Redis, name: str, what: str = "begun") -> int:
    return int(store.get(f"probe:{what}:{name}") or 0)  # type: ignore[arg-type]


def listen(queued: Stack, name: str) -> Stream:
    """Open the stream of a hub's page."""
    page = queued.get(f"/t/{name}/")
    token, cursor = (re.search(rf'data-{attribute}="([^"]*)"', page)[1] for attribute in ("token", "cursor"))  # type: ignore[index]
    return Stream(queued.events, token, cursor, timeout=90)


def builder_of(store: redis.Redis, name: str) -> tuple[int, int]:
    """Return the process that began the newest build, and its parent."""
    process = int(store.lindex(f"probe:pids:{name}", -1) or 0)  # type: ignore[arg-type]
    status = Path(f"/proc/{process}/status").read_text()
    return process, int(re.search(r"^PPid:\s+(\d+)", status, re.MULTILINE)[1])  # type: ignore[index]


@pytest.mark.slow
def test_a_killed_worker_and_a_killed_process_of_another_lose_nothing(
    queued: Stack, store: redis.Redis, workers: list[Service]
) -> None:
    """Both at once, as both builds are repeated only when their leases have ended."""
    killed, shot = (add(queued, name, 2.0) for name in ("killed", "shot"))
    stream = listen(queued, "killed")
    for widget in (killed, shot):
        ask(store, widget)
    wait_for(lambda: (count(store, "killed"), count(store, "shot")) == (2, 2), "both workers to begin")
    (process, parent), (other_process, other_parent) = builder_of(store, "killed"), builder_of(store, "shot")
    assert {parent, other_parent} == {worker.process.pid for worker in workers}
    for victim in (parent, process, other_process):
        os.kill(victim, signal.SIGKILL)
    assert "killed was built 1" in queued.get("/t/killed/?full=1")
    wait_for(lambda: count(store, "killed") == 3, "the other worker to begin")
    assert "killed was built 1" in queued.get(f"/w/{killed}/fragment")
    assert "killed was built 3" in str(stream.next("widget", timeout=30).data["html"])
    stream.socket.close()
    wait_for(lambda: "shot was built 3" in queued.get(f"/w/{shot}/fragment"), "a new process to build")
    queued.wait_until_built(killed, shot)
    assert (count(store, "killed"), count(store, "killed", "ended")) == (3, 2)
    assert (count(store, "shot"), count(store, "shot", "ended")) == (3, 2)
    assert "killed was built 3" in queued.get(f"/w/{killed}/fragment")
    alive = {worker.process.pid for worker in workers if worker.process.poll() is None}
    assert alive == {other_parent}


def test_one_port_gives_the_builds_of_all_workers(queued: Stack, store: redis.Redis, workers: list[Service]) -> None:
    widget = add(queued, "measured", 0.0)
    ask(store, widget)
    queued.wait_until_built(widget)
    host, _, port = queued.settings.metrics_address.rpartition(":")

    def measured() -> bool:
        try:
            with urlopen(f"http://{host}:{int(port) + OFFSETS['worker']}/metrics", timeout=10) as answer:
                figures = answer.read().decode()
        except URLError:  # the workers may have built before one of them serves the port
            return False
        builds = re.search(r'hubs_builds_total{outcome="\w+",widget="probe"} [1-9]', figures)
        return bool(builds and re.search(r"hubs_widget_built_seconds_count [1-9]", figures))

    wait_for(measured, "the figures of a worker")


def test_a_widget_requested_while_queued_or_built_is_built_once_more(
    queued: Stack, heard: Bus, store: redis.Redis, workers: list[Service]
) -> None:
    widget = add(queued, "many", 3.0)
    queued.settle()  # the daemon knows the widget
    queued.wait_until_stored(heard.send("org.x.dev.probe.many", {}))
    wait_for(lambda: count(store, "many") == 2, "a build")
    for _ in range(100):  # during the build
        msg_id = heard.send("org.x.dev.probe.many", {})
    queued.wait_until_stored(msg_id)
    queued.wait_until_built(widget)
    assert (count(store, "many"), count(store, "many", "ended")) == (3, 3)


@pytest.mark.slow
def test_sigterm_lets_a_worker_finish_what_it_builds(queued: Stack, store: redis.Redis, workers: list[Service]) -> None:
    widget, logged = add(queued, "polite", 2.0), [len(worker.log()) for worker in workers]
    ask(store, widget)
    wait_for(lambda: count(store, "polite") == 2, "a worker to begin")
    assert [worker.stop() for worker in workers] == [0, 0]
    assert count(store, "polite", "ended") == 2
    assert "polite was built 2" in queued.get(f"/w/{widget}/fragment")
    for worker, length in zip(workers, logged, strict=True):
        assert "Traceback" not in worker.log()[length:]


@pytest.mark.slow
def test_without_a_worker_pages_keep_their_content_and_the_work_waits(
    queued: Stack, store: redis.Redis, started: list[Service], tmp_path: Path
) -> None:
    for worker in started:
        worker.stop()
    widget = add(queued, "waiting", 0.0)
    ask(store, widget)
    wait_for(lambda: store.exists(f"hubs:job:{widget}"), "the widget in the queue")
    assert "waiting was built 1" in queued.get(f"/w/{widget}/fragment")
    late = Service(command_of(UNIT), tmp_path, "late", queued.env, cwd=ROOT)
    try:
        wait_for(lambda: "waiting was built 2" in queued.get(f"/w/{widget}/fragment"), "the build")
    finally:
        assert late.stop() == 0


def test_a_worker_shows_no_password_in_its_log(queued: Stack, tmp_path: Path) -> None:
    env = {**queued.env, "HUBS_REDIS_URL": f"redis://hubs:hidden-word@127.0.0.1:{free_port()}/0"}
    worker = Service(command_of(UNIT), tmp_path, "alone", env, cwd=ROOT)
    try:
        worker.ready(lambda: "Cannot connect" in worker.log())
        assert "hidden-word" not in worker.log()
    finally:
        worker.kill()


def test_a_worker_with_bad_settings_ends_with_a_sentence(queued: Stack, tmp_path: Path) -> None:
    worker = Service(command_of(UNIT), tmp_path, "bad", {**queued.env, "HUBS_REBUILD": "magic"}, cwd=ROOT)
    assert worker.process.wait(60) == 2
    assert "HUBS_REBUILD" in worker.log()


def test_a_worker_never_loads_flask() -> None:
    program = "import sys, hubs.backend.worker; print([m for m in sys.modules if m in ('flask', 'werkzeug')])"
    result = subprocess.run(
        [str(BIN / "python"), "-W", "ignore", "-c", program], capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "[]", result.stderr
