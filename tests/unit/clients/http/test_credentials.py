"""Keys for one host: sent there and nowhere else, instead of other tokens, and without a stored response."""

import pytest
from pydantic import SecretStr

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.service import HostKey
from hubs.parameters.addresses import TypedAddress
from tests.upstream import Reply, Upstream, running

KEY = SecretStr("s3cr3t-key")


def asked_with(upstream: Upstream) -> list[str | None]:
    return [asked.headers.get("api-key") for asked in upstream.asked]


def test_a_key_is_sent_to_its_own_host(upstream: Upstream, local_http: HTTP) -> None:
    upstream.on("/topics", [1])
    credential = HostKey(upstream.url, KEY).sent_as("Api-Key")
    local_http.get(TypedAddress(f"{upstream.url}/topics", "hub:1"), credential=credential)
    assert asked_with(upstream) == ["s3cr3t-key"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1.:{port}",
    ],
)
def test_it_is_not_sent_to_another_name_port_or_scheme(upstream: Upstream, local_http: HTTP, origin: str) -> None:
    upstream.on("/topics", [1])
    credential = HostKey(origin.format(port=upstream.port), KEY).sent_as("Api-Key")
    local_http.get(TypedAddress(f"{upstream.url}/topics", "hub:1"), credential=credential)
    assert asked_with(upstream) == [None]


def test_it_does_not_follow_a_redirect_to_another_host(upstream: Upstream, local_http: HTTP) -> None:
    with running() as other:
        upstream.on("/topics", Reply("", 302, {"Location": f"{other.url}/topics"}))
        other.on("/topics", Reply("", 302, {"Location": f"{upstream.url}/back"}))
        upstream.on("/back", [1])
        credential = HostKey(upstream.url, KEY).sent_as("Api-Key")
        local_http.get(TypedAddress(f"{upstream.url}/topics", "hub:1"), credential=credential)
        assert asked_with(upstream) == ["s3cr3t-key", "s3cr3t-key"]
        assert asked_with(other) == [None]


def test_it_replaces_the_token_of_our_own_service(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/topics", [1])
    service = Service("Tracker", upstream.url, SecretStr("token-of-the-instance"))
    http.get(service.url("topics"), service, credential=HostKey(upstream.url, KEY).sent_as("Authorization", "Token "))
    assert upstream.asked[0].headers["authorization"] == "Token s3cr3t-key"


def test_responses_to_requests_with_a_key_are_not_stored(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/topics", Reply([1], headers={"ETag": '"1"'}))
    service = Service("Tracker", upstream.url)
    for _request in range(2):
        http.get(service.url("topics"), service, credential=HostKey(upstream.url, KEY).sent_as("Api-Key"))
    http.get(service.url("topics"), service)
    assert [asked.headers.get("if-none-match") for asked in upstream.asked] == [None, None, None]


def test_a_key_is_not_part_of_any_text() -> None:
    key = HostKey("https://discuss.example", KEY)
    assert "s3cr3t" not in f"{key} {key!r} {key.sent_as('Api-Key')!r}"
