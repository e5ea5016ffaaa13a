"""Libravatar: pictures by the hash of a person's identity, as its API says."""

import hashlib

import pytest

from hubs.clients.http.client import HTTP
from hubs.clients.libravatar import LIMIT, Libravatar
from hubs.errors import UpstreamError, UpstreamTooLarge
from tests.upstream import Reply, Upstream

IDENTITY = "https://{username}.id.example.org/"
DIGEST = hashlib.sha256(b"https://rana.id.example.org/").hexdigest()


@pytest.fixture
def libravatar(upstream: Upstream, local_http: HTTP) -> Libravatar:
    return Libravatar(local_http, upstream.url, IDENTITY)


def test_a_picture_is_requested_by_the_hash_of_the_identity(upstream: Upstream, libravatar: Libravatar) -> None:
    upstream.on(f"/avatar/{DIGEST}", Reply(b"picture", headers={"Content-Type": "image/png"}))
    assert libravatar.picture("Rana") == b"picture"
    assert upstream.asked[0].params == {"s": ["256"], "d": ["404"]}


def test_a_person_without_a_picture_has_none(upstream: Upstream, libravatar: Libravatar) -> None:
    upstream.on(f"/avatar/{DIGEST}", Reply(b"", status=404))
    assert libravatar.picture("rana") is None


def test_large_and_failed_responses_are_errors(upstream: Upstream, libravatar: Libravatar) -> None:
    upstream.on(f"/avatar/{DIGEST}", Reply(bytes(LIMIT + 1)))
    with pytest.raises(UpstreamTooLarge):
        libravatar.picture("rana")
    upstream.on(f"/avatar/{DIGEST}", Reply(b"", status=403))
    with pytest.raises(UpstreamError):
        libravatar.picture("rana")


def test_without_the_setting_nothing_is_requested(upstream: Upstream, local_http: HTTP) -> None:
    off = Libravatar(local_http, "", "")
    assert not off.is_enabled
    assert off.picture("rana") is None
    assert upstream.asked == []
