"""Connections to other people's services, kept open for a while."""

import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpcore

from hubs.clients.http.ssrf import Connector, Network, Resolve


@dataclass
class Pools:
    """Connections of this process; those that people's addresses opened are kept apart from the trusted ones."""

    vouched: Sequence[Network]
    resolver: Resolve
    _made: dict[bool, httpcore.ConnectionPool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, guarded: bool) -> httpcore.ConnectionPool:
        """Return the connections for addresses that must be public, or for trusted ones."""
        with self._lock:
            if guarded not in self._made:
                self._made[guarded] = httpcore.ConnectionPool(
                    ssl_context=ssl.create_default_context(),
                    max_connections=64,
                    max_keepalive_connections=16,
                    keepalive_expiry=20.0,
                    network_backend=Connector(guarded, self.vouched, self.resolver),
                )
            return self._made[guarded]

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for pool in self._made.values():
                pool.close()
            self._made.clear()
