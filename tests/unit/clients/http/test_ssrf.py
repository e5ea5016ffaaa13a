"""Protection against server-side request forgery: no name, address or redirect leads into our own network."""

import socket
import threading
import time
from ipaddress import ip_address

import httpcore
import pytest

from hubs.clients.http import ssrf
from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.ssrf import Connector, is_public, networks, resolve, until
from hubs.errors import UpstreamForbidden
from hubs.parameters.addresses import TypedAddress
from tests.unit.clients.conftest import AGENT, QUICK
from tests.upstream import Upstream

LOCAL = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%lo",
    "2600::1%lo",
    "fec0::1",
    "ff02::1",
    "100::1",
    "5f00::1",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "2600:9000::1", "2a02::1", "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808"]


@pytest.mark.parametrize("text", LOCAL)
def test_local_addresses_are_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_globally_routed_addresses_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", LOCAL)
def test_local_addresses_are_refused(text: str) -> None:
    connector = Connector(guarded=True, resolver=lambda host, port: [text])
    with pytest.raises(UpstreamForbidden, match=r"innocent\.example cannot be used"):
        connector.connect_tcp("innocent.example", 80, 0.5)


@pytest.mark.parametrize("host", ["127.1", "0x7f.0.0.1", "2130706433", "localhost", "[::1]", "::ffff:127.0.0.1"])
def test_other_spellings_of_localhost_are_refused(host: str) -> None:
    with pytest.raises(UpstreamForbidden):
        Connector(guarded=True).connect_tcp(host, 80, 0.5)


def test_dns_rebinding_is_refused(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses, connected = iter([["8.8.8.8"], ["127.0.0.1"]]), []

    def plain(self: object, host: str, *args: object) -> httpcore.NetworkStream:
        connected.append(host)
        raise httpcore.ConnectError("closed")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", plain)
    connector = Connector(guarded=True, resolver=lambda host, port: next(addresses))
    with pytest.raises(httpcore.ConnectError):
        connector.connect_tcp("rebinding.example", 80, 0.5)
    # The checked address is used by number; the name is not resolved again.
    assert connected == ["8.8.8.8"]
    with pytest.raises(UpstreamForbidden):
        connector.connect_tcp("rebinding.example", 80, 0.5)
    assert connected == ["8.8.8.8"]


def test_only_the_public_addresses_of_a_name_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = []

    def plain(self: object, host: str, *args: object) -> httpcore.NetworkStream:
        connected.append(host)
        raise httpcore.ConnectError("closed")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", plain)
    names = ["10.0.0.1", "8.8.8.8", "::1", "2600::1"]
    with pytest.raises(httpcore.ConnectError):
        Connector(guarded=True, resolver=lambda host, port: names).connect_tcp("mixed.example", 443, 0.5)
    assert connected == ["8.8.8.8", "2600::1"]


@pytest.mark.parametrize("port", [22, 25, 5432, 6379, 11211, 65535])
def test_other_ports_than_those_of_web_servers_are_refused(port: int) -> None:
    with pytest.raises(UpstreamForbidden):
        Connector(guarded=True, resolver=lambda host, port: ["8.8.8.8"]).connect_tcp("far.example", port, 0.5)


def test_allowed_private_networks_can_be_read(upstream: Upstream) -> None:
    upstream.on("/feed", "hello")
    http = HTTP(AGENT, allowed_networks=networks(["127.0.0.0/30"]), policy=QUICK)
    assert http.get(TypedAddress(f"{upstream.url}/feed")).body == b"hello"
    http.close()


def test_a_typed_address_does_not_reach_this_machine(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/feed", "secret")
    for url in (f"{upstream.url}/feed", f"http://localhost:{upstream.port}/feed", "http://[::1]:8080/"):
        with pytest.raises(UpstreamForbidden):
            http.get(TypedAddress(url))
    assert upstream.asked == []


def test_a_typed_address_does_not_reuse_a_trusted_connection(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/feed", "secret")
    feeds = Service("Feeds", upstream.url)
    assert http.get(feeds.url("feed"), feeds).status == 200
    with pytest.raises(UpstreamForbidden):
        http.get(TypedAddress(f"{upstream.url}/feed"))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://far.example/",
        "gopher://far.example:6379/_FLUSHALL",
        "javascript:alert(1)",
        "http:///nowhere",
        "http://user:secret@far.example/",
        "http://far.example:99999/",
        "http://far.example:0/",
        "http://[broken/",
        "http://a..b/",
        "",
    ],
)
def test_only_plain_web_addresses_are_accepted(http: HTTP, url: str) -> None:
    with pytest.raises(UpstreamForbidden):
        http.get(TypedAddress(url))


def test_an_unknown_name_is_a_clear_error() -> None:
    with pytest.raises(httpcore.ConnectError, match="cannot be resolved"):
        resolve("no-such-name.invalid", 80)


def test_a_resolver_that_hangs_stops_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(ssrf.socket, "getaddrinfo", lambda *args, **more: released.wait(5))
    with pytest.raises(httpcore.ConnectTimeout), until(time.monotonic() + 0.05):
        resolve("slow.example", 80)
    released.set()


def test_unix_sockets_are_refused() -> None:
    with pytest.raises(UpstreamForbidden):
        Connector(guarded=False).connect_unix_socket("/run/docker.sock")


def test_a_silent_host_stops_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with until(time.monotonic() + 0.1):
            stream = Connector(guarded=False).connect_tcp("127.0.0.1", port, 1.0)
            with pytest.raises(httpcore.ReadTimeout):
                stream.read(10, 5.0)
        stream.close()
