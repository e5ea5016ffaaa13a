"""`hubs doctor` beside a running instance: each real fault is named, with what to do, and nothing else is."""

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import create_engine, make_url, text

from hubs.models import migrations
from tests import services
from tests.services import BIN, HOST, Service, wait_for
from tests.stack import Stack, stack

pytestmark = pytest.mark.slow

#: Seconds until a fault is noticed: a canary is sent once a minute and is late after 90 seconds.
PATIENCE = 240
#: What depends on Redis and on the database.
REDIS = {"redis", "heartbeat", "canary", "event server", "builds", "topics", "sources"}
DATABASE = {"schema", "database", "changes", "clock", "months", "widgets"}


@dataclass
class Place:
    """An instance whose parts can be broken."""

    stack: Stack
    memcached: Service
    redis: Service

    def red(self) -> dict[str, str]:
        """Return the sentences of the checks that fail."""
        command = [str(BIN / "hubs"), "doctor", "--json"]
        done = subprocess.run(command, env=self.stack.env, capture_output=True, text=True, check=False, timeout=120)
        assert done.stderr.count("Traceback") == 0, done.stderr
        answer = json.loads(done.stdout)
        assert done.returncode == (0 if answer["ok"] else 1)
        return {check["name"]: check["text"] for check in answer["checks"] if not check["ok"]}

    @contextlib.contextmanager
    def without(self, service: Service) -> Iterator[None]:
        """Stop a process."""
        service.stop()
        try:
            yield
        finally:
            service.restart()

    @contextlib.contextmanager
    def refused(self) -> Iterator[None]:
        """Let the database accept no connection."""
        url = make_url(self.stack.settings.database)
        engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false"))
            ending = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
            connection.execute(ending, {"name": url.database})
            try:
                yield
            finally:
                connection.execute(text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true"))
        engine.dispose()

    @contextlib.contextmanager
    def older(self) -> Iterator[None]:
        """Let the schema be that of an older version."""
        revisions = sorted(migrations.known())
        self._set_schema(revisions[-2])
        try:
            yield
        finally:
            self._set_schema(revisions[-1])

    def _set_schema(self, revision: str) -> None:
        database = self.stack.database()
        with database.transaction() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
        database.dispose()


@pytest.fixture(scope="module")
def place(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("doctor")
    note = {"made_at": "2100-01-01T00:00:00+00:00", "folder": "/backup", "encrypted": True}
    (folder / "last_backup.json").write_text(json.dumps(note))
    with services.memcached(folder) as (memcached, port), services.redis_server(folder) as (redis, redis_port):
        addresses = database_url, f"memcached://{HOST}:{port}", f"redis://{HOST}:{redis_port}/0"
        with stack(folder, *addresses) as running:
            yield Place(running, memcached, redis)


FAULTS: dict[str, tuple[Callable[[Place], contextlib.AbstractContextManager[None]], set[str], str]] = {
    "cache": (lambda place: place.without(place.memcached), {"cache"}, "Start memcached"),
    "schema": (Place.older, {"schema"}, "hubs db upgrade"),
    "event server": (
        lambda place: place.without(place.stack.services["stream"]),
        {"event server", "canary"},
        "log of hubs-eventsource",
    ),
    "heartbeat": (
        lambda place: place.without(place.stack.services["hub"]),
        {"heartbeat", "canary"},
        "log of hubs-hub",
    ),
    "database": (Place.refused, DATABASE, "Look at the log of the database"),
    "redis": (lambda place: place.without(place.redis), REDIS, "Look at the log of Redis"),
    "canary": (lambda place: place.without(place.stack.services["relay"]), {"canary"}, "log of hubs-hub"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_real_fault_is_named_with_a_remedy(name: str, place: Place) -> None:
    fault, expected, todo = FAULTS[name]
    red: dict[str, str] = {}

    def read() -> dict[str, str]:
        red.clear()
        red.update(place.red())
        return red

    def told() -> bool:
        return name in read() and set(red) <= expected  # a busy machine may be late with something else, too

    try:
        wait_for(lambda: not read(), "a healthy instance", PATIENCE)
    except AssertionError as error:
        error.add_note(f"still wrong: {red}")
        raise

    with fault(place):
        wait_for(told, f"the finding {name}, not {red}", PATIENCE)
    assert todo in red[name]
    assert all(sentence.endswith((".", '"')) or ":" in sentence for sentence in red.values())
