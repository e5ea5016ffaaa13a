"""Connection pools for upstream services."""

import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import httpcore

from hubs.clients.http.ssrf import Connector, Network, Resolve


@dataclass
class Pools:
    """The connections of this process; guarded ones are never shared with trusted ones."""

    allowed_networks: Sequence[Network]
    resolver: Resolve
    _pools: dict[bool, httpcore.ConnectionPool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, guarded: bool) -> httpcore.ConnectionPool:
        """Return the pool for addresses that must be public (``guarded``), or for trusted ones."""
        with self._lock:
            if guarded not in self._pools:
                self._pools[guarded] = httpcore.ConnectionPool(
                    ssl_context=_tls(ssl.get_default_verify_paths()),
                    max_connections=64,
                    max_keepalive_connections=16,
                    keepalive_expiry=20.0,
                    network_backend=Connector(guarded, self.allowed_networks, self.resolver),
                )
            return self._pools[guarded]

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()


@cache
def _tls(_authorities: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    """Return the context of connections with TLS; reading the certificates of the authorities takes long."""
    return ssl.create_default_context()
