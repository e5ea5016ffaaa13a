"""The client of memcached servers that `hubs.cache` uses."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from pymemcache import HashClient
from pymemcache.client.rendezvous import RendezvousHash

#: Seconds for which a connection and a reply are waited for.
CONNECT_TIMEOUT, TIMEOUT = 0.25, 0.5
#: Seconds until a server that failed once is tried again, and until one that failed twice is.
RETRY, DEAD = 1, 5


class Client(HashClient):  # type: ignore[misc]  # the library has no types
    """Distributes keys over servers; one that fails is left out for some time."""

    def set_all(self, values: Mapping[str, bytes], expire: int) -> bool:
        """Store values, in one round trip for each server; return whether each was certainly stored.

        ``set_many`` cannot tell: with ``ignore_exc`` it reports the keys of a server that failed as stored.
        """
        batches: dict[Any, dict[str, bytes]] = defaultdict(dict)
        for key, value in values.items():
            batches[self._get_client(key)][key] = value
        # `None` is in place of a client where all servers failed, and of a result where this one does.
        results = [
            None if client is None else self._safely_run_func(client, client.set_many, None, batch, expire=expire)
            for client, batch in batches.items()
        ]
        return all(failed == [] for failed in results)


class _Servers(RendezvousHash):  # type: ignore[misc]  # the library has no types
    """Selects the server of a key. pymemcache's own hash is pure Python and takes most of the time of a read."""

    def __init__(self) -> None:
        super().__init__(hash_function=self._score)

    @staticmethod
    def _score(text: str, seed: int) -> int:
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())

    def get_node(self, key: str) -> Any:
        """Return the server's name; None if all are marked as down."""
        return self.nodes[0] if len(self.nodes) == 1 else super().get_node(key)


def connect(servers: list[str]) -> Client:
    """Return a client of ``servers``, each ``host:port``; it connects on first use."""
    return Client(
        servers,
        hasher=_Servers,
        default_noreply=False,
        no_delay=True,  # with Nagle's algorithm, a set and a get take 44 ms
        connect_timeout=CONNECT_TIMEOUT,
        timeout=TIMEOUT,
        ignore_exc=True,
        use_pooling=True,
        max_pool_size=64,  # more than threads of a process: without a free connection, reads miss
        retry_attempts=1,
        retry_timeout=RETRY,
        dead_timeout=DEAD,
    )
