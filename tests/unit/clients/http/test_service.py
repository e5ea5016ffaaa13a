"""Addresses that people typed are requested by the guarded client only; anything else fails in development."""

import pickle
from pathlib import Path

import pytest
from mypy import api
from pydantic import SecretStr

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.service import ServiceAddress
from hubs.errors import UpstreamUnreachable
from hubs.models import Widget
from hubs.parameters.addresses import TypedAddress
from hubs.widgets.registry import Registry
from tests.stack import ROOT
from tests.upstream import Reply, Upstream

TYPED = TypedAddress("http://127.0.0.1:8080/feed", "hub:7")
TRACKER = Service("Tracker", "https://tracker.example", SecretStr("t0ken"))


@pytest.mark.parametrize(
    "request_it",
    [
        lambda http: http.get(TYPED, TRACKER),
        lambda http: http.get(TYPED, Service("Tracker", TYPED)),
        lambda http: http.get(TYPED.below("api"), TRACKER),
        lambda http: http.get(TYPED + "/api", TRACKER),
        lambda http: http.get(str(TYPED), TRACKER),
        lambda http: http.get(str(TYPED)),
        lambda http: http.get("https://tracker.example/api", TRACKER),
        lambda http: http.get(TRACKER.url("api")),
        lambda http: http.get(f"{TYPED}/api", Service("Tracker", f"{TYPED}")),
        lambda http: http.post(TYPED, TRACKER, b"{}", "application/json"),
    ],
)
def test_a_typed_address_is_never_requested_with_the_trust_of_a_service(request_it, http: HTTP) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError, match=r"[Tt]yped|Service"):
        request_it(http)


SNIPPET = """
from hubs.clients.http.client import HTTP, Service
from hubs.parameters.addresses import TypedAddress

def check(http: HTTP, typed: TypedAddress, service: Service) -> None:
    http.get(typed)
    http.get(service.url("api"), service)
    http.get(typed, service)
    http.get("https://tracker.example/", service)
    http.get(service.url("api"))
"""


@pytest.mark.slow
def test_the_type_checker_refuses_what_the_client_refuses(tmp_path: Path) -> None:
    (tmp_path / "snippet.py").write_text(SNIPPET)
    arguments = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    output, errors, _status = api.run([*arguments, str(tmp_path / "snippet.py")])
    assert errors == ""
    lines = sorted(
        {int(line.split(":")[1]) for line in output.splitlines() if "snippet.py:" in line and "error" in line}
    )
    assert lines == [8, 9, 10], output


def test_the_settings_of_a_widget_hold_typed_addresses_of_its_hub() -> None:
    row = Widget(id=1, hub_id=7, plugin="rss", settings={"url": "https://blogs.example/feed"})
    rss = Registry().get("rss")
    assert rss is not None
    address = rss.bind(row).config["url"]
    assert isinstance(address, TypedAddress)
    assert (address, address.owner) == ("https://blogs.example/feed", "hub:7")
    empty = rss.bind(Widget(id=2, hub_id=7, plugin="rss", settings={})).config["url"]
    assert not empty


def test_a_typed_address_stays_typed_when_it_is_extended_or_stored() -> None:
    for address in (TYPED + "?page=2", TYPED.below("a b", page=2, none=None), pickle.loads(pickle.dumps(TYPED))):
        assert isinstance(address, TypedAddress)
        assert address.owner == "hub:7"
    assert TYPED.below("a b", page=2, none=None) == "http://127.0.0.1:8080/feed/a%20b?page=2"
    with pytest.raises(TypeError, match=r"address\.below"):
        f"{TYPED}/api"
    assert type(str(TYPED)) is str


def test_addresses_of_services_are_stored_as_plain_texts() -> None:
    stored = pickle.dumps(TRACKER.url("issue", 7))
    assert type(pickle.loads(stored)) is str
    assert b"t0ken" not in stored
    assert isinstance(TRACKER.url("issue", 7), ServiceAddress)


def test_a_bad_address_of_one_hub_does_not_pause_the_host_for_another(upstream: Upstream, local_http: HTTP) -> None:
    upstream.on("/broken", Reply("", 500))
    upstream.on("/good", {"ok": True})
    for _ in range(6):
        with pytest.raises(UpstreamUnreachable):
            local_http.get(TypedAddress(f"{upstream.url}/broken", "hub:1"))
    with pytest.raises(UpstreamUnreachable, match="temporarily paused"):
        local_http.get(TypedAddress(f"{upstream.url}/good", "hub:1"))
    assert local_http.get(TypedAddress(f"{upstream.url}/good", "hub:2")).json() == {"ok": True}
