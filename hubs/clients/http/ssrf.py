"""Limits where requests may go, and for how long. Both are enforced when the connection is opened.

A name is resolved once, its addresses are checked, and the connection is made to a checked address by number. So a name
that resolves differently the next time (DNS rebinding) gains nothing.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore

from hubs.errors import UpstreamForbidden
from hubs.i18n import _

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], list[str]]

#: Ports that addresses typed by people may have: those of web servers.
PORTS = frozenset((80, 443, 8000, 8080, 8443))
#: Number of addresses of a name that are tried.
TRIED = 4

#: The only globally routed IPv6 addresses; all others are local in some way.
_UNICAST = IPv6Network("2000::/3")
#: Gateways from IPv6 to IPv4 carry the real address in their last 32 bits (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")
#: Special addresses that the supported Python versions classify differently: protocols (RFC 6890), relays (RFC 7526),
#: documentation (RFC 9637).
_SPECIAL = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv6Network("3fff::/20"))

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def is_public(address: Address) -> bool:
    """Return whether an address belongs to the public internet.

    Mapped, 6to4 and NAT64 addresses count as the IPv4 address in them.
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.scope_id or address not in _UNICAST:
            return False
    special = any(address in network for network in _SPECIAL)
    return address.is_global and not address.is_multicast and not address.is_reserved and not special


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Parse networks such as ``10.20.0.0/16``.

    :raises ValueError: when a text is not a network.
    """
    return tuple(ip_network(text) for text in texts)


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Limit all reads and writes in this thread to a deadline of the monotonic clock."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def remaining(timeout: float | None) -> float | None:
    """Return the timeout of one step: ``timeout``, or the time until the deadline if that is shorter.

    :raises httpcore.ReadTimeout: when the deadline has passed.
    """
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout("the response takes too long")
    return seconds if timeout is None else min(seconds, timeout)


def resolve(host: str, port: int) -> list[str]:
    """Resolve a host within the deadline.

    The system's resolver has no timeout, so it runs in a thread that is abandoned if it hangs.

    :raises httpcore.ConnectError: when the name is unknown or the resolver does not answer.
    """
    results: queue.SimpleQueue[list[Any] | OSError | UnicodeError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            results.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            results.put(error)

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        result = results.get(timeout=remaining(None))
    except queue.Empty:
        raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time") from None
    if isinstance(result, Exception):
        raise httpcore.ConnectError(f"the name {host} cannot be resolved") from result
    return list(dict.fromkeys(str(entry[4][0]) for entry in result))


class Connector(httpcore.NetworkBackend):
    """Opens connections within the deadline; if ``guarded``, only to addresses of the public internet.

    ``allowed_networks`` are private networks that the operator allows all the same, on all ports.
    """

    def __init__(self, guarded: bool, allowed_networks: Sequence[Network] = (), resolver: Resolve = resolve) -> None:
        self._guarded, self._allowed_networks, self._resolve = guarded, allowed_networks, resolver
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of ``host`` that is allowed and accepts the connection.

        :raises UpstreamForbidden: when no address of the host is allowed.
        """
        addresses = self._resolve(host.strip("[]"), port)
        allowed = [text for text in addresses if self._allows(text, port)]
        if not allowed:
            raise UpstreamForbidden(
                _("The address at {host} cannot be used: only public web servers can be read from here.").format(
                    host=host
                )
            )
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for text in allowed[:TRIED]:
            try:
                return _Limited(self._plain.connect_tcp(text, port, remaining(timeout), local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        """Refuse: upstream services are web servers."""
        raise UpstreamForbidden(_("Only web servers can be read from here."))

    def _allows(self, text: str, port: int) -> bool:
        if not self._guarded:
            return True
        address = ip_address(text)
        if any(address in network for network in self._allowed_networks):
            return True
        return port in PORTS and is_public(address)


class _Limited(httpcore.NetworkStream):
    """A connection whose steps all end at the deadline, so that a slow server cannot hold a thread byte by byte."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, remaining(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Limited(self._inner.start_tls(ssl_context, server_hostname, remaining(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
