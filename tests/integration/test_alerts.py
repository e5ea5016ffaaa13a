"""Each alert rule fires by a real fault of real processes, which Prometheus scrapes, and ends when it is repaired.

Times are shortened; that rules wait as long as they say is tested with promtool, in tests/unit/metrics/test_alerts.py.
"""

import contextlib
import os
import re
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from hubs.actions.people import roles
from hubs.metrics.exporter import OFFSETS
from hubs.models import Database, Hub, StoredMessage, Widget, migrations, now
from hubs.models.months import layout, upkeep
from tests import certificates, services
from tests.prometheus import Prometheus, quickly, rules, watching
from tests.services import HOST, Service, free_port, wait_for
from tests.stack import Bus, Stack, stack
from tests.upstream import Reply, Upstream, all_at, running

pytestmark = pytest.mark.slow

NAME = "ottoline"
AWARD = "org.fedoraproject.dev.fedbadges.badge.award"
#: Thresholds that would take too long; the quick ones are above what happens without a fault.
THRESHOLDS = {
    "HubsBusSilent": {"> 900": "> 20"},
    "HubsCanaryMissing": {"> 180": "> 80"},
    "HubsChangesWaiting": {"> 600": "> 5"},
    "HubsBuildsFailing": {"> 0.1": "> 0.02"},  # one of many builds here is of the widget that fails
    "HubsUpdatesSlow": {"> 10": "> 2.5"},  # the budget of a build is three seconds here
}
#: Seconds until an alert fires or ends: figures are updated every five seconds, and a service rests for a minute.
PATIENCE = 180


@dataclass
class Place:
    """What the faults break, and who notices."""

    stack: Stack
    bus: Bus
    redis: Service
    upstream: Upstream
    folder: Path
    prometheus: Prometheus

    @contextlib.contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Stop a process."""
        service = self.stack.services[name]
        service.stop()
        yield
        service.restart()

    @contextlib.contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Lock a table, as a careless migration does."""
        database = self.stack.database()
        with database.session() as session:
            session.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            yield
        database.dispose()

    def restart_daemon(self) -> None:
        """Restart the daemon, which looks at certificates when it starts."""
        self.stack.services["hub"].stop()
        self.stack.services["hub"].restart()


@contextlib.contextmanager
def _awards(bus: Bus) -> Iterator[None]:
    """Send a message each second that makes the daemon ask the upstream service."""
    ended = threading.Event()

    def send() -> None:
        while not ended.wait(1):
            bus.send(AWARD, {"user": {"username": NAME}, "badge": {"name": "Otter"}})

    thread = threading.Thread(target=send)
    thread.start()
    yield
    ended.set()
    thread.join()


def _populate(database: Database, running_stack: Stack) -> None:
    with database.transaction() as session:
        roles.sign_up(session, running_stack.registry, NAME)
        hub = session.query(Hub).filter_by(name=NAME).one()
        if not any(widget.plugin == "badges" for widget in hub.widgets):
            session.add(Widget(hub=hub, plugin="badges", settings={}))
    database.dispose()


@pytest.fixture(scope="module")
def place(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, first = tmp_path_factory.mktemp("alerts"), free_port()
    for name in ("run", "data", "certificates"):
        (folder / name).mkdir()
    certificates.write(folder / "certificates" / "hubs-otter", timedelta(days=90))
    ports = [first + OFFSETS[kind] for kind in ("web", "hub", "eventsource")]
    with contextlib.ExitStack() as exits:
        upstream = exits.enter_context(running())
        _answer(upstream)
        more = {
            **all_at(upstream.url),
            "HUBS_METRICS_ADDRESS": f"{HOST}:{first}",
            "HUBS_DATA_DIR": str(folder / "data"),
            "HUBS_BUS_CERTS": str(folder / "certificates"),
            "HUBS_BUILD_BUDGET": "3",
            "RUNTIME_DIRECTORY": str(folder / "run"),
        }
        exits.enter_context(_small_disk(folder / "data"))
        _, memcached = exits.enter_context(services.memcached(folder))
        redis, redis_port = exits.enter_context(services.redis_server(folder))
        addresses = database_url, f"memcached://{HOST}:{memcached}", f"redis://{HOST}:{redis_port}/0"
        running_stack = exits.enter_context(stack(folder, *addresses, more))
        _populate(running_stack.database(), running_stack)
        bus = exits.enter_context(contextlib.closing(running_stack.bus()))
        exits.enter_context(_awards(bus))
        quick = [quickly(rule, THRESHOLDS.get(rule["alert"], {})) for rule in rules()]
        prometheus = exits.enter_context(watching(folder, ports, quick))
        yield Place(running_stack, bus, redis, upstream, folder, prometheus)


def _answer(upstream: Upstream) -> None:
    profile = {"user": NAME, "rank": 1, "user_count": 2, "assertions": []}
    upstream.on(f"/user/{NAME}/json", profile)


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """Put the data folder on a disk of its own, where we may."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "hubs-test", folder], capture_output=True, check=False
    )
    yield
    if done.returncode == 0:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextlib.contextmanager
def _bus_silent(place: Place) -> Iterator[None]:
    with place.without("relay"):
        yield


@contextlib.contextmanager
def _redis_down(place: Place) -> Iterator[None]:
    place.redis.stop()
    yield
    place.redis.restart()


@contextlib.contextmanager
def _schema_old(place: Place) -> Iterator[None]:
    database = place.stack.database()
    revisions = sorted(migrations.known())
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :old"), {"old": revisions[-2]})
    yield
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :new"), {"new": revisions[-1]})
    database.dispose()


@contextlib.contextmanager
def _daemon_gone(place: Place) -> Iterator[None]:
    with place.without("hub"):
        yield


@contextlib.contextmanager
def _event_server_gone(place: Place) -> Iterator[None]:
    with place.without("stream"):
        yield


@contextlib.contextmanager
def _messages_locked(place: Place) -> Iterator[None]:
    ended = threading.Event()

    def flood() -> None:
        while not ended.wait(0.5):
            for _ in range(100):
                place.bus.send("org.fedoraproject.dev.wiki.article.edit", {"user": "nobody"})

    with place.locked(StoredMessage.__tablename__):
        thread = threading.Thread(target=flood)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


class _StaysOnPage(urllib.request.HTTPRedirectHandler):
    """Does not go to the home page, which reads messages."""

    def redirect_request(self, *_: object) -> None:
        """Return no request."""


@contextlib.contextmanager
def _change_unhandled(place: Place) -> Iterator[None]:
    with place.locked(StoredMessage.__tablename__):
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(), _StaysOnPage())
        with opener.open(f"{place.stack.url}/login", timeout=60) as answer:
            token = answer.read().decode().split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
        form = urllib.parse.urlencode({"username": f"new{time.time_ns()}", "csrf_token": token}).encode()
        with pytest.raises(urllib.error.HTTPError, match="303"):
            opener.open(f"{place.stack.url}/login", form, timeout=60)
        yield


@contextlib.contextmanager
def _service_slow(place: Place) -> Iterator[None]:
    place.upstream.on(f"/user/{NAME}/json", Reply({}, wait=5.0))
    yield
    _answer(place.upstream)


@contextlib.contextmanager
def _service_broken(place: Place) -> Iterator[None]:
    place.upstream.on(f"/user/{NAME}/json", Reply({}, 500))
    yield
    _answer(place.upstream)


@contextlib.contextmanager
def _disk_full(place: Place) -> Iterator[None]:
    folder = place.folder / "data"
    if not os.path.ismount(folder):
        pytest.skip("NOT TESTED: no disk can be mounted here, so none can be filled")
    block = folder / "block"
    with contextlib.suppress(OSError), block.open("wb") as file:
        for _ in range(10):
            file.write(bytes(1_000_000))
            file.flush()
    yield
    block.unlink()


@contextlib.contextmanager
def _certificate_ends(place: Place) -> Iterator[None]:
    path = place.folder / "certificates" / "hubs-otter"
    certificates.write(path, timedelta(days=5))
    place.restart_daemon()
    yield
    certificates.write(path, timedelta(days=90))
    place.restart_daemon()


@contextlib.contextmanager
def _months_missing(place: Place) -> Iterator[None]:
    database = place.stack.database()
    with database.engine.begin() as connection:
        for partition in layout.partitions(connection):
            if partition.end > now():
                for table in layout.TABLES:
                    connection.execute(text(f"ALTER TABLE {table} DETACH PARTITION {table}_{partition.suffix}"))
                layout.drop(connection, partition.suffix)
    yield
    upkeep.create_ahead(database)
    database.dispose()


FAULTS: dict[str, Callable[[Place], contextlib.AbstractContextManager[None]]] = {
    "HubsProcessDown": _event_server_gone,
    "HubsBusSilent": _bus_silent,
    "HubsNotReady": _redis_down,
    "HubsSchemaMismatch": _schema_old,
    "HubsCanaryMissing": _daemon_gone,
    "HubsStreamDead": _redis_down,
    "HubsUpdatesSlow": _service_slow,
    "HubsQueueFilling": _messages_locked,
    "HubsChangesWaiting": _change_unhandled,
    "HubsBuildsFailing": _service_slow,
    "HubsUpstreamDown": _service_broken,
    "HubsMonthMissing": _months_missing,
    "HubsDiskFull": _disk_full,
    "HubsCertificateExpires": _certificate_ends,
}


def test_every_rule_has_a_fault() -> None:
    assert FAULTS.keys() == {rule["alert"] for rule in rules()}


def test_all_is_quiet_without_a_fault(place: Place) -> None:
    wait_for(lambda: not place.prometheus.firing(), "the end of the alerts of the start", PATIENCE)


@pytest.mark.parametrize("alert", FAULTS)
def test_a_real_fault_becomes_an_alert_and_ends(alert: str, place: Place) -> None:
    wait_for(lambda: alert not in place.prometheus.firing(), f"the end of an earlier {alert}", PATIENCE)
    with FAULTS[alert](place):
        wait_for(lambda: alert in place.prometheus.firing(), alert, PATIENCE)
    wait_for(lambda: alert not in place.prometheus.firing(), f"the end of {alert}", PATIENCE)


def test_all_metrics_of_the_rules_are_exported_with_their_labels(place: Place) -> None:
    for rule in rules():
        for metric, labels in re.findall(r"\b(hubs_\w+)(?:\{([^}]*)\})?", rule["expr"]):
            exported = place.prometheus.labels(metric)
            assert exported, f"{rule['alert']}: no process exports {metric}"
            assert set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", labels)) <= exported, rule["alert"]
