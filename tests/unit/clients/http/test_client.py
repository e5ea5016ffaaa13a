"""The HTTP client against a real local server: limits, retries, redirects and tokens."""

import gzip
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import SecretStr

from hubs.cache import SQLiteCache
from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.service import ServiceAddress
from hubs.errors import (
    UpstreamError,
    UpstreamForbidden,
    UpstreamMissing,
    UpstreamRefused,
    UpstreamTooLarge,
    UpstreamUnexpected,
    UpstreamUnreachable,
)
from hubs.parameters.addresses import TypedAddress
from tests.unit.clients.conftest import AGENT, PATIENT, QUICK
from tests.upstream import Asked, Reply, Upstream, running

SECRET = "t0ken-that-stays-secret"


@pytest.fixture
def service(upstream: Upstream) -> Service:
    return Service("Tracker", upstream.url, SecretStr(SECRET))


@pytest.fixture
def other() -> Iterator[Upstream]:
    with running() as server:
        yield server


def test_a_request_identifies_us_and_carries_the_token(upstream: Upstream, http: HTTP, service: Service) -> None:
    upstream.on("/a/b%20c/x", {"answer": 42})
    response = http.get(service.url("a", "b c", "x", page=2, label=["one", "two&"], none=None), service)
    assert response.json() == {"answer": 42}
    request = upstream.asked[0]
    assert request.params == {"page": ["2"], "label": ["one", "two&"]}
    assert request.headers["user-agent"] == AGENT
    assert request.headers["accept"] == "application/json"
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.headers["host"] == f"127.0.0.1:{upstream.port}"
    assert "cookie" not in request.headers


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, UpstreamMissing, "returned “Not Found”"),
        (410, UpstreamMissing, "returned “Not Found”"),
        (401, UpstreamRefused, "denied access"),
        (403, UpstreamRefused, "denied access"),
        (429, UpstreamRefused, "try again later"),
        (500, UpstreamUnreachable, r"an error \(500\)"),
        (503, UpstreamUnreachable, r"an error \(503\)"),
        (418, UpstreamUnexpected, "cannot be read"),
        (300, UpstreamUnexpected, "cannot be read"),
    ],
)
def test_every_error_status_has_a_class_and_a_message(
    upstream: Upstream, http: HTTP, service: Service, status: int, kind: type[UpstreamError], words: str
) -> None:
    upstream.on("/x", Reply("<h1>no</h1>", status))
    with pytest.raises(kind, match=words) as caught:
        http.get(service.url("x"), service)
    assert "Tracker" in str(caught.value)
    assert caught.value.status == 502


def test_transient_errors_are_retried(upstream: Upstream, http: HTTP, service: Service) -> None:
    upstream.on("/x", Reply("", 503), Reply("", 502), {"ok": True})
    assert http.get(service.url("x"), service).json() == {"ok": True}
    assert len(upstream.asked) == 3


def test_permanent_errors_are_not_retried(upstream: Upstream, http: HTTP, service: Service) -> None:
    upstream.on("/x", Reply("", 404), {"ok": True})
    with pytest.raises(UpstreamMissing):
        http.get(service.url("x"), service)
    assert len(upstream.asked) == 1


def test_retry_after_is_respected(upstream: Upstream, http: HTTP, service: Service) -> None:
    upstream.on("/x", Reply("", 429, {"Retry-After": "1"}), {"ok": True})
    started = time.monotonic()
    assert http.get(service.url("x"), service).json() == {"ok": True}
    assert time.monotonic() - started >= 1.0


def test_a_long_retry_after_is_an_error_and_pauses_the_host(upstream: Upstream, http: HTTP, service: Service) -> None:
    upstream.on("/x", Reply("", 429, {"Retry-After": "600"}))
    upstream.on("/y", {"ok": True})
    with pytest.raises(UpstreamRefused) as caught:
        http.get(service.url("x"), service)
    assert caught.value.retry_after == 600
    with pytest.raises(UpstreamUnreachable, match="temporarily paused") as later:
        http.get(service.url("y"), service)
    assert later.value.retry_after is not None
    assert upstream.paths() == ["/x"]


def test_a_host_that_is_down_is_paused_and_probed_later(tmp_path: Path) -> None:
    with running() as upstream:
        port = upstream.port
    service = Service("Tracker", f"http://127.0.0.1:{port}")
    http = HTTP(AGENT, policy=replace(QUICK, tries=1, threshold=3, rest=(1.0, 1.0)))
    for _ in range(3):
        with pytest.raises(UpstreamUnreachable, match="is not responding"):
            http.get(service.url("x"), service)
    started = time.monotonic()
    with pytest.raises(UpstreamUnreachable, match="temporarily paused"):
        http.get(service.url("x"), service)
    assert time.monotonic() - started < 0.5
    time.sleep(1.1)
    with socket.create_server(("127.0.0.1", port)) as back:
        thread = threading.Thread(target=_answer_once, args=(back,))
        thread.start()
        assert http.get(service.url("x"), service).json() == {"ok": True}
        thread.join()
    http.close()


def _answer_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4000)
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"ok": true}')


def test_an_unchanged_response_is_sent_without_its_body(upstream: Upstream, http: HTTP, service: Service) -> None:
    def reply(asked: Asked) -> Reply:
        same = asked.headers.get("if-none-match") == '"v1"'
        return Reply(b"" if same else {"big": "body"}, 304 if same else 200, {"ETag": '"v1"'})

    upstream.on("/x", reply)
    url = service.url("x")
    assert http.get(url, service).json() == http.get(url, service).json() == {"big": "body"}
    assert "if-none-match" not in upstream.asked[0].headers
    assert upstream.asked[1].headers["if-none-match"] == '"v1"'


def test_the_last_modified_date_is_used_without_an_entity_tag(upstream: Upstream, http: HTTP, service: Service) -> None:
    date = "Tue, 24 Nov 2026 10:00:00 GMT"
    upstream.on("/x", Reply({"n": 1}, headers={"Last-Modified": date}), Reply({"n": 2}))
    assert http.get(service.url("x"), service).json() == {"n": 1}
    assert http.get(service.url("x"), service).json() == {"n": 2}
    assert upstream.asked[1].headers["if-modified-since"] == date


def test_a_response_fetched_with_a_token_is_not_used_without(upstream: Upstream, http: HTTP, service: Service) -> None:
    upstream.on("/x", Reply({"private": True}, headers={"ETag": '"v1"'}))
    http.get(service.url("x"), service)
    http.get(service.url("x"), replace(service, token=SecretStr("")))
    assert "if-none-match" not in upstream.asked[1].headers


def test_damaged_cache_entries_are_ignored(upstream: Upstream, tmp_path: Path, service: Service) -> None:
    class Damaged(SQLiteCache):
        damage = b""

        def get(self, key: str) -> bytes | None:
            return self.damage

    upstream.on("/x", {"ok": True})
    store = Damaged(tmp_path / "c.db")
    http = HTTP(AGENT, store, policy=QUICK)
    for damage in (b"", b"\n", b"[1]\nx", b'["a","b","c"]\nnot zlib', b"\xff\n", b"null\n"):
        store.damage = damage
        assert http.get(service.url("x"), service).json() == {"ok": True}
        assert "if-none-match" not in upstream.asked[-1].headers
    http.close()
    store.close()


def test_responses_beyond_the_limit_are_not_read(upstream: Upstream, http: HTTP, service: Service) -> None:
    bomb = gzip.compress(b"0" * 30_000_000)
    assert len(bomb) < QUICK.limit
    upstream.on("/said", Reply(b"x" * 60_000))
    upstream.on("/streamed", Reply(b"x" * 60_000, headers={"Connection": "close"}))
    upstream.on("/bomb", Reply(bomb, headers={"Content-Encoding": "gzip"}))
    for path in ("said", "streamed", "bomb"):
        with pytest.raises(UpstreamTooLarge, match="larger than 50 kilobytes"):
            http.get(service.url(path), service)
    assert len(upstream.asked) == 3
    with pytest.raises(UpstreamTooLarge):
        http.get(service.url("said"), service, limit=59_999)
    assert len(http.get(service.url("said"), service, limit=60_000).body) == 60_000


def test_compressed_responses_are_uncompressed(upstream: Upstream, http: HTTP, service: Service) -> None:
    upstream.on("/x", Reply(gzip.compress(b'{"ok": true}'), headers={"Content-Encoding": "gzip"}))
    assert http.get(service.url("x"), service).json() == {"ok": True}
    assert upstream.asked[0].headers["accept-encoding"] == "gzip"


CUT = gzip.compress(b"cut short" * 99, mtime=0)[:-9]


@pytest.mark.parametrize(
    ("body", "encoding"), [(b"x", "br"), (b"not gzip", "gzip"), (CUT, "gzip"), (b"x", "gzip, gzip")]
)
def test_invalid_compression_is_a_clear_error(
    upstream: Upstream, http: HTTP, service: Service, body: bytes, encoding: str
) -> None:
    upstream.on("/x", Reply(body, headers={"Content-Encoding": encoding}))
    with pytest.raises(UpstreamUnexpected):
        http.get(service.url("x"), service)


def test_a_body_sent_byte_by_byte_ends_at_the_deadline(upstream: Upstream, service: Service) -> None:
    upstream.on("/x", Reply(b"y" * 1000, drip=0.02))
    http = HTTP(AGENT, policy=replace(QUICK, total=0.4))
    started = time.monotonic()
    with pytest.raises(UpstreamUnreachable):
        http.get(service.url("x"), service)
    assert time.monotonic() - started < 10  # the whole body would take twenty
    http.close()


def test_headers_without_end_stop_at_the_deadline(service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_drip_headers, args=(server,), daemon=True)
        thread.start()
        slow = Service("Tracker", f"http://127.0.0.1:{server.getsockname()[1]}")
        http = HTTP(AGENT, policy=replace(QUICK, total=0.4, tries=1))
        with pytest.raises(UpstreamUnreachable):
            http.get(slow.url("x"), slow)
        http.close()
        thread.join(2)


def _drip_headers(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        end = time.monotonic() + 1
        while time.monotonic() < end:
            try:
                connection.sendall(b"X: y\r\n")
            except OSError:
                return
            time.sleep(0.05)


def test_another_protocol_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        service = Service("Tracker", f"http://127.0.0.1:{server.getsockname()[1]}")

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4000)
                connection.sendall(b"220 mail ready\r\n\r\n")

        threading.Thread(target=greet, daemon=True).start()
        http = HTTP(AGENT, policy=replace(QUICK, tries=1))
        with pytest.raises(UpstreamUnreachable, match="Tracker is not responding"):
            http.get(service.url("x"), service)
        http.close()


def test_a_redirect_within_the_service_keeps_the_token(upstream: Upstream, http: HTTP, service: Service) -> None:
    upstream.on("/old", Reply("", 301, {"Location": "/new?a=1"}))
    upstream.on("/new", {"ok": True})
    assert http.get(service.url("old"), service).url == f"{upstream.url}/new?a=1"
    assert upstream.asked[1].headers["authorization"] == f"Bearer {SECRET}"


def test_a_redirect_to_another_host_loses_token_and_trust(
    upstream: Upstream, other: Upstream, http: HTTP, service: Service
) -> None:
    upstream.on("/x", Reply("", 302, {"Location": f"{other.url}/steal"}))
    other.on("/steal", {"ok": True})
    with pytest.raises(UpstreamForbidden):
        http.get(service.url("x"), service)
    assert other.asked == []


def test_a_token_is_sent_to_its_own_service_only(upstream: Upstream, other: Upstream, service: Service) -> None:
    upstream.on("/x", Reply("", 302, {"Location": f"{other.url}/elsewhere"}))
    other.on("/elsewhere", {"ok": True})
    http = HTTP(AGENT, allowed_networks=[ip_network("127.0.0.0/8")], policy=QUICK)
    assert http.get(service.url("x"), service).json() == {"ok": True}
    assert "authorization" not in other.asked[0].headers
    # Nor is it sent to an address outside the service, or without a service.
    http.get(ServiceAddress(f"{other.url}/elsewhere"), service)
    http.get(TypedAddress(f"{other.url}/elsewhere"))
    assert all("authorization" not in asked.headers for asked in other.asked)
    http.close()


def test_the_number_of_redirects_is_limited(upstream: Upstream, http: HTTP, service: Service) -> None:
    upstream.on("/x", Reply("", 302, {"Location": "/x"}))
    with pytest.raises(UpstreamUnexpected):
        http.get(service.url("x"), service)
    assert len(upstream.asked) == 5


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://169.254.169.254/latest", "http://[::1]:80/"])
def test_a_redirect_to_a_private_address_is_refused(
    upstream: Upstream, http: HTTP, service: Service, location: str
) -> None:
    upstream.on("/x", Reply("", 307, {"Location": location}))
    with pytest.raises(UpstreamForbidden):
        http.get(service.url("x"), service)


def test_tokens_appear_in_no_log_and_no_error(
    upstream: Upstream, http: HTTP, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.on("/x", Reply("", 500))
    with pytest.raises(UpstreamUnreachable) as caught:
        http.get(service.url("x"), service)
    output = caplog.text + str(caught.value) + repr(caught.value.__cause__) + repr(service)
    assert SECRET not in output


def test_concurrent_requests_to_a_host_are_limited(upstream: Upstream, service: Service) -> None:
    running_now, most, lock = [0], [0], threading.Lock()

    def reply(asked: Asked) -> Reply:
        with lock:
            running_now[0] += 1
            most[0] = max(most[0], running_now[0])
        time.sleep(0.03)
        with lock:
            running_now[0] -= 1
        return Reply({})

    upstream.on("/x", reply)
    http = HTTP(AGENT, policy=replace(QUICK, concurrency=2))
    threads = [threading.Thread(target=http.get, args=(service.url("x"), service)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(upstream.asked) == 8
    assert most[0] == 2
    http.close()


def test_failures_of_one_scheme_do_not_pause_the_other(upstream: Upstream, local_http: HTTP) -> None:
    upstream.on("/feed", {"ok": True})
    for _ in range(PATIENT.threshold):
        with pytest.raises(UpstreamUnreachable):
            local_http.get(TypedAddress(f"https://127.0.0.1:{upstream.port}/feed"))
    assert local_http.get(TypedAddress(f"{upstream.url}/feed")).json() == {"ok": True}


@pytest.mark.parametrize("host", ["a\x1b[31mb", "a b", "a\x7fb", "a\\b", "a<b>"])
def test_an_invalid_host_name_is_not_logged(http: HTTP, host: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(UpstreamForbidden):
        http.get(TypedAddress(f"http://{host}.example/"))
    assert not caplog.records


def test_a_redirect_to_an_invalid_address_is_a_clear_error(upstream: Upstream, http: HTTP, service: Service) -> None:
    upstream.on("/x", Reply("", 302, {"Location": "http://["}))
    with pytest.raises(UpstreamUnexpected):
        http.get(service.url("x"), service)


def test_non_ascii_paths_are_quoted(http: HTTP, upstream: Upstream, service: Service) -> None:
    upstream.on("/caf%C3%A9", {"ok": True})
    assert http.get(ServiceAddress(f"{upstream.url}/café?ü=1"), service).json() == {"ok": True}


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("prefix", ["X-RateLimit-", "RateLimit-"])
def test_a_used_up_rate_limit_says_when_it_continues_and_nothing_is_sent_before(
    upstream: Upstream, http: HTTP, service: Service, status: int, prefix: str
) -> None:
    renewed = (datetime.now(UTC) + timedelta(minutes=40)).replace(second=30)
    headers = {f"{prefix}Remaining": "0", f"{prefix}Reset": str(int(renewed.timestamp()))}
    upstream.on("/x", Reply({"message": "API rate limit exceeded"}, status, headers))
    for path in ("x", "y"):
        with pytest.raises(UpstreamRefused, match=f"continues at {renewed + timedelta(minutes=1):%H:%M} UTC") as caught:
            http.get(service.url(path), service)
        assert caught.value.retry_after == pytest.approx(2400, abs=40)
    assert upstream.paths() == ["/x"]


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "denied access"),
        ({"X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "2000000000"}, "denied access"),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"}, "denied access"),
        ({"Retry-After": "60"}, "asked us to try again later"),
    ],
)
def test_other_refusals_are_told_apart_from_a_used_up_limit(
    upstream: Upstream, http: HTTP, service: Service, headers: dict[str, str], text: str
) -> None:
    upstream.on("/x", Reply("", 403, headers))
    with pytest.raises(UpstreamRefused, match=text):
        http.get(service.url("x"), service)


def test_a_limit_that_is_never_renewed_pauses_for_an_hour_at_most(
    upstream: Upstream, http: HTTP, service: Service
) -> None:
    upstream.on("/x", Reply("", 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}))
    with pytest.raises(UpstreamRefused) as caught:
        http.get(service.url("x"), service)
    assert caught.value.retry_after == 3600
