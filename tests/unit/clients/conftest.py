"""A local server in place of upstream services, and an HTTP client with short timeouts."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from hubs.cache import SQLiteCache
from hubs.clients.http.client import HTTP
from hubs.clients.http.politeness import Policy
from tests.upstream import Upstream, running

#: The default policy with short timeouts, for tests about time.
QUICK = Policy(connect=0.5, read=0.5, total=1.5, limit=50_000, backoff=(0.001, 0.01), gap=0.0, rest=(0.2, 1.0))
#: The same with longer timeouts for busy machines, for tests that are not about time.
PATIENT = replace(QUICK, connect=5.0, read=5.0, total=15.0)
AGENT = "FedoraHubs/test (+https://hubs.example)"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Return a server whose responses the test defines."""
    with running() as server:
        yield server


@pytest.fixture
def http(tmp_path: Path) -> Iterator[HTTP]:
    """Return an HTTP client with its own cache."""
    store = SQLiteCache(tmp_path / "http-cache.db")
    client = HTTP(AGENT, store, policy=PATIENT)
    yield client
    client.close()
    store.close()


@pytest.fixture
def local_http() -> Iterator[HTTP]:
    """Return an HTTP client that may read typed addresses of this machine."""
    client = HTTP(AGENT, allowed_networks=[ip_network("127.0.0.0/8")], policy=PATIENT)
    yield client
    client.close()
