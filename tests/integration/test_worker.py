"""Building by Celery workers: two real ones, of which one is killed while it builds."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.fragments.schedule import BuildSchedule
from hubs.models import Hub, Widget
from tests.services import BIN, Service, free_port, wait_for
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
    "PYTHONPATH": str(ROOT),  # for the probes; gunicorn and fedmsg-hub look there by themselves
}


@pytest.fixture(scope="module")
def queued(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a stack whose daemon leaves building to workers; there is no worker yet."""
    with own_stack(tmp_path_factory.mktemp("queued"), database_url, MORE) as found:
        yield found


@pytest.fixture(scope="module")
def heard(queued: Stack) -> Iterator[Bus]:
    connection = queued.bus()
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def store(queued: Stack) -> redis.Redis:
    return redis.Redis.from_url(queued.settings.redis_url)


@pytest.fixture
def workers(queued: Stack, tmp_path: Path) -> Iterator[list[Service]]:
    """Give two workers, started as their unit starts them."""
    found = [Service(command_of(UNIT), tmp_path, name, queued.env, cwd=ROOT) for name in ("first", "second")]
    try:
        for worker in found:
            worker.ready(lambda log=worker.log: "hubs.backend.worker: ready" in log())  # type: ignore[misc]
        yield found
    finally:
        for worker in found:
            worker.stop()


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


def _settle(store: redis.Redis, name: str) -> None:
    """Wait until everything that was begun has ended, and nothing more begins in two sweeps."""
    seen, since = (0, 0), time.monotonic()

    def settled() -> bool:
        nonlocal seen, since
        now = count(store, name), count(store, name, "ended")
        if now != seen:
            seen, since = now, time.monotonic()
        return now[0] == now[1] and time.monotonic() - since > 3

    wait_for(settled, f"the builds of {name} to end")


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


def test_a_worker_that_is_killed_while_it_builds_loses_nothing(
    queued: Stack, store: redis.Redis, workers: list[Service]
) -> None:
    widget = add(queued, "killed", 2.0)
    stream = listen(queued, "killed")
    ask(store, widget)
    wait_for(lambda: count(store, "killed") == 2, "a worker to begin")
    process, parent = builder_of(store, "killed")
    assert parent in [worker.process.pid for worker in workers]
    os.kill(parent, signal.SIGKILL)
    os.kill(process, signal.SIGKILL)
    assert "killed was built 1" in queued.get("/t/killed/?full=1")
    wait_for(lambda: count(store, "killed") == 3, "the other worker to begin", 60)
    assert "killed was built 1" in queued.get(f"/w/{widget}/fragment")
    assert "killed was built 3" in str(stream.next("widget", timeout=30).data["html"])
    stream.socket.close()
    time.sleep(3)  # three sweeps
    assert (count(store, "killed"), count(store, "killed", "ended")) == (3, 2)
    assert "killed was built 3" in queued.get(f"/w/{widget}/fragment")


def test_a_process_of_a_worker_that_is_killed_is_replaced_and_its_build_repeated(
    queued: Stack, store: redis.Redis, workers: list[Service]
) -> None:
    widget = add(queued, "shot", 2.0)
    ask(store, widget)
    wait_for(lambda: count(store, "shot") == 2, "a worker to begin")
    os.kill(builder_of(store, "shot")[0], signal.SIGKILL)
    wait_for(lambda: "shot was built 3" in queued.get(f"/w/{widget}/fragment"), "the build", 60)
    time.sleep(3)
    assert (count(store, "shot"), count(store, "shot", "ended")) == (3, 2)
    assert [worker.process.poll() for worker in workers] == [None, None]


def test_what_is_asked_for_while_it_is_queued_or_built_is_built_once_more(
    queued: Stack, heard: Bus, store: redis.Redis, workers: list[Service]
) -> None:
    add(queued, "many", 2.0)
    wait_for(lambda: bool(heard.send("org.x.dev.probe.many", {})) and time.sleep(0.5) is None
             and count(store, "many") > 1, "the widget in the index", 60)  # fmt: skip
    _settle(store, "many")
    before = count(store, "many")
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        heard.send("org.x.dev.probe.many", {})
        time.sleep(0.01)
    wait_for(lambda: count(store, "many") == before + 2, "two builds")
    _settle(store, "many")
    assert count(store, "many") == before + 2


def test_sigterm_lets_a_worker_finish_what_it_builds(queued: Stack, store: redis.Redis, workers: list[Service]) -> None:
    widget = add(queued, "polite", 2.0)
    ask(store, widget)
    wait_for(lambda: count(store, "polite") == 2, "a worker to begin")
    assert [worker.stop() for worker in workers] == [0, 0]
    assert count(store, "polite", "ended") == 2
    assert "polite was built 2" in queued.get(f"/w/{widget}/fragment")
    for worker in workers:
        assert "Traceback" not in worker.log()


def test_without_a_worker_pages_keep_their_content_and_the_work_waits(
    queued: Stack, store: redis.Redis, tmp_path: Path
) -> None:
    widget = add(queued, "waiting", 0.0)
    ask(store, widget)
    wait_for(lambda: store.exists(f"hubs:job:{widget}"), "the widget in the queue")
    time.sleep(2)
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
    found = subprocess.run(
        [str(BIN / "python"), "-W", "ignore", "-c", program], capture_output=True, text=True, check=False
    )
    assert found.stdout.strip() == "[]", found.stderr
