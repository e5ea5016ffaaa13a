"""Building under load and under trouble, on the real processes: coalesced, bounded, and never in a reader's way."""

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import redis

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.models import Hub, Widget
from tests.services import wait_for
from tests.sse import Stream
from tests.stack import Bus, Stack, own_stack

PROBES = "tests.probes:Probe,tests.probes.clock:Clock"


@pytest.fixture(scope="module")
def probed(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a stack that knows the probes."""
    more = {"HUBS_WIDGETS": PROBES, "HUBS_BUILD_BUDGET": "4", "HUBS_REBUILD_INTERVAL": "2"}
    with own_stack(tmp_path_factory.mktemp("probed"), database_url, more) as probed:
        yield probed


@pytest.fixture(scope="module")
def heard(probed: Stack) -> Iterator[Bus]:
    connection = probed.bus()
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def store(probed: Stack) -> redis.Redis:
    return redis.Redis.from_url(probed.settings.redis_url)


def add(probed: Stack, hub_name: str, *widgets: tuple[str, str, float]) -> list[int]:
    """Make a hub with widgets, given as plugin, text and seconds; return the widgets' ids."""
    database = probed.database()
    with database.session() as session:
        user = roles.sign_up(session, probed.registry, f"{hub_name}-owner", "Somebody")
        hub: Hub = hub_actions.create(session, probed.registry, user, "team", hub_name, {})
        hub.widgets.clear()
        for position, (plugin, text, seconds) in enumerate(widgets):
            settings = {"text": text, "seconds": str(seconds)}
            hub.widgets.append(Widget(plugin=plugin, side="left", position=position, settings=settings, version=1))
        session.commit()
        ids = [row.id for row in hub.widgets]
    database.dispose()
    return ids


def count(store: redis.Redis, text: str, what: str = "begun") -> int:
    return int(store.get(f"probe:{what}:{text}") or 0)  # type: ignore[arg-type]


def seconds(url: str, patience: float = 30) -> tuple[int, float]:
    """Return status and duration of a request."""
    start = time.monotonic()
    with urlopen(url, timeout=patience) as answer:
        answer.read()
        return answer.status, time.monotonic() - start


def state(probed: Stack, widget: int) -> str:
    with urlopen(f"{probed.url}/w/{widget}/json", timeout=20) as answer:
        return str(re.search(r'"state":\s*"([a-z-]+)"', answer.read().decode())[1])  # type: ignore[index]


async def read(url: str, start: asyncio.Event) -> Counter[int]:
    """Read one address as a browser does: come back while the answer is 202; return the statuses."""
    parts, statuses = urlsplit(url), Counter[int]()
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
    await start.wait()
    while not statuses or statuses[202] == statuses.total():
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request)
        head = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        status = int(head.split(b" ", 2)[1])
        statuses[status] += 1
        if status == 202:
            await asyncio.sleep(1)
    return statuses


async def crowd(url: str, readers: int) -> Counter[int]:
    start = asyncio.Event()
    tasks = [asyncio.create_task(read(url, start)) for _ in range(readers)]
    start.set()
    return sum(await asyncio.gather(*tasks), Counter[int]())


@pytest.mark.parametrize("readers", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_readers_of_an_uncached_widget_cause_one_build(probed: Stack, store: redis.Redis, readers: int) -> None:
    name = f"crowd{readers}"
    (widget,) = add(probed, name, ("probe", name, 1.0))
    with ThreadPoolExecutor(1) as thread:  # a browser test before this one leaves its own loop in the main thread
        statuses = thread.submit(lambda: asyncio.run(crowd(f"{probed.url}/w/{widget}/fragment", readers))).result(120)
    assert statuses[200] == readers
    assert set(statuses) <= {200, 202}
    assert count(store, name) == 1


def test_five_hundred_messages_in_a_second_cause_two_builds(probed: Stack, heard: Bus, store: redis.Redis) -> None:
    (widget,) = add(probed, "flood", ("probe", "flood", 0.0))
    assert state(probed, widget) == "live"
    before = count(store, "flood")
    probed.settle()  # the daemon knows the widget
    heard.send("org.x.dev.probe.flood", {})
    wait_for(lambda: count(store, "flood") > before, "a build")
    probed.wait_until_built(widget)
    before = count(store, "flood")
    probed.wait_until_stored(*(heard.send("org.x.dev.probe.flood", {"n": number}) for number in range(500)))
    probed.wait_until_built(widget)
    assert 1 <= count(store, "flood") - before <= 2


def test_three_widgets_that_hang_change_nothing_for_the_page_around_them(probed: Stack, store: redis.Redis) -> None:
    hanging = [("probe", f"hang{number}", 60.0) for number in range(3)]
    widgets = add(probed, "hanging", *hanging, ("probe", "fine1", 0.0), ("probe", "fine2", 0.0))
    base, ended = probed.url, threading.Event()

    def pester(widget: int) -> None:
        while not ended.is_set():  # as browsers do for what is still being built
            status, _ = seconds(f"{base}/w/{widget}/fragment")
            time.sleep(1 if status == 202 else 0.2)

    with ThreadPoolExecutor(12) as readers:
        for widget in widgets[:3] * 4:
            readers.submit(pester, widget)
        try:
            wait_for(lambda: all(count(store, text) for _, text, _ in hanging), "all three to hang")
            took: dict[str, float] = {}
            end = time.monotonic() + 8
            while time.monotonic() < end:
                for path in ("/t/hanging/", "/healthz", f"/w/{widgets[3]}/fragment", f"/w/{widgets[4]}/fragment"):
                    status, duration = seconds(base + path)
                    assert status == 200
                    took[path] = max(took.get(path, 0.0), duration)
            full = seconds(f"{base}/t/hanging/?full=1")
        finally:
            ended.set()
    assert max(took.values()) < 4.0, took  # a page that waited for them would take 15 seconds
    assert full[1] < 5.0
    # Given up, for everybody to see; one thread at most is stuck in each, in whichever process.
    wait_for(lambda: [state(probed, widget) for widget in widgets[:3]] == ["failed"] * 3, "them to be given up", 60)
    assert all(count(store, text) <= 2 for _, text, _ in hanging)
    assert "exceeds 4 s; its thread is abandoned" in probed.services["web"].log()


def test_failed_widgets_recover_by_themselves_also_when_the_daemon_died(probed: Stack, store: redis.Redis) -> None:
    (widget,) = add(probed, "failing", ("probe", "failing", 0.0))
    store.set("probe:fail", "1")
    wait_for(lambda: state(probed, widget) == "failed", "the failure")
    wait_for(lambda: count(store, "failing") > 1, "the daemon to try it too", 60)
    hub = probed.services["hub"]
    hub.kill()
    store.delete("probe:fail")
    hub.restart()
    wait_for(lambda: state(probed, widget) == "live", "it to recover", 120)
    assert count(store, "failing", "ended") == 1


def test_content_that_grows_old_is_renewed_while_somebody_looks_and_pushed(probed: Stack, store: redis.Redis) -> None:
    seen, lonely = add(probed, "ticking", ("clock", "seen", 0.0)) + add(probed, "lonely", ("clock", "lonely", 0.0))
    assert state(probed, seen) == state(probed, lonely) == "live"
    page = probed.get("/t/ticking/")
    token, cursor = (re.search(rf'data-{name}="([^"]*)"', page)[1] for name in ("token", "cursor"))  # type: ignore[index]
    stream = Stream(probed.events, token, cursor, timeout=60)
    counts = [stream.next("widget", timeout=60).data["html"] for _ in range(3)]
    stream.socket.close()
    assert len(set(counts)) == 3
    assert count(store, "lonely") == 1  # it has no viewers
    time.sleep(1)
    # Who reads it gets the old content at once, and has it renewed.
    start = time.monotonic()
    assert "lonely was built 1" in probed.get(f"/w/{lonely}/fragment")
    assert time.monotonic() - start < 2
    wait_for(lambda: count(store, "lonely") == 2, "the renewal")
