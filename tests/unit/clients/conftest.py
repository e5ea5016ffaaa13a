"""A local server in the place of other people's services, and an HTTP layer that does not wait long."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from hubs.cache import SQLiteCache
from hubs.clients.http.client import HTTP
from hubs.clients.http.politeness import Policy
from tests.upstream import Upstream, running

#: Quick, so that tests are: as the real one, with smaller times.
QUICK = Policy(connect=0.5, read=0.5, total=1.5, limit=50_000, backoff=(0.001, 0.01), gap=0.0, rest=(0.2, 1.0))
#: The same with the patience that a busy machine asks for, where no test is about time.
PATIENT = replace(QUICK, connect=5.0, read=5.0, total=15.0)
AGENT = "FedoraHubs/test (+https://hubs.example)"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Give a server that answers what a test says."""
    with running() as found:
        yield found


@pytest.fixture
def http(tmp_path: Path) -> Iterator[HTTP]:
    """Give an HTTP layer with a cache of its own."""
    store = SQLiteCache(tmp_path / "http-cache.db")
    found = HTTP(AGENT, store, policy=PATIENT)
    yield found
    found.close()
    store.close()


@pytest.fixture
def vouched() -> Iterator[HTTP]:
    """Give an HTTP layer that may read from this machine whatever address somebody typed."""
    found = HTTP(AGENT, vouched=[ip_network("127.0.0.0/8")], policy=PATIENT)
    yield found
    found.close()
