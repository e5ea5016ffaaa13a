"""Libravatar: pictures by the hash of a person's identity, as its API says."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hubs.clients.http.client import HTTP
from hubs.clients.libravatar import LIMIT, Libravatar
from hubs.demo.services import variants
from hubs.demo.services.contract import FOLDER
from hubs.errors import InvalidInput, UpstreamError, UpstreamTooLarge
from hubs.pictures.uploads import accept
from tests.unit.clients.conftest import AGENT, PATIENT
from tests.unit.clients.test_contracts import HASTY
from tests.upstream import Asked, Reply, Upstream

IDENTITY = "https://{username}.id.example.org/"
DIGEST = hashlib.sha256(b"https://rana.id.example.org/").hexdigest()
PICTURE = (FOLDER / "libravatar/avatar.png").read_bytes()
PNG = {"Content-Type": "image/png", "Cache-Control": "max-age=300"}


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


def test_the_documented_picture_can_be_used(upstream: Upstream, libravatar: Libravatar) -> None:
    upstream.on(f"/avatar/{DIGEST}", Reply(PICTURE, headers=PNG))
    picture = libravatar.picture("rana")
    assert picture == PICTURE
    assert accept(picture).content


def test_a_missing_picture_is_looked_for_elsewhere_first(upstream: Upstream, libravatar: Libravatar) -> None:
    def missing(asked: Asked) -> Reply:
        if asked.params.get("forcedefault") == ["y"]:
            return Reply("<h1>Missing</h1>", 404, {"Content-Type": "text/html"})
        return Reply("", 302, {"Location": f"/gravatarproxy/{DIGEST}?s=256&default={asked.params['d'][0]}"})

    def proxy(asked: Asked) -> Reply:
        return Reply(
            "", 302, {"Location": f"/avatar/{DIGEST}?s=256&forcedefault=y&default={asked.params['default'][0]}"}
        )

    upstream.on(f"/avatar/{DIGEST}", missing)
    upstream.on(f"/gravatarproxy/{DIGEST}", proxy)
    assert libravatar.picture("rana") is None
    assert upstream.paths() == [f"/avatar/{DIGEST}", f"/gravatarproxy/{DIGEST}", f"/avatar/{DIGEST}"]


@pytest.fixture
def hasty() -> Iterator[HTTP]:
    """Provide a client with short timeouts."""
    client = HTTP(AGENT, policy=HASTY)
    yield client
    client.close()


@pytest.fixture
def once() -> Iterator[HTTP]:
    """Provide a client that tries once."""
    client = HTTP(AGENT, policy=replace(PATIENT, tries=1))
    yield client
    client.close()


def use(libravatar: Libravatar) -> None:
    picture = libravatar.picture("rana")
    assert picture is not None
    accept(picture)


@pytest.mark.parametrize("variant", variants.FAILURES)
def test_a_failure_is_an_error_in_words(upstream: Upstream, hasty: HTTP, once: HTTP, variant: str) -> None:
    upstream.on(variants.SIGN_IN, Reply(variants.SIGN_IN_PAGE, headers={"Content-Type": "text/html"}))
    reply = variants.FAILURES[variant](PICTURE)
    upstream.on(f"/avatar/{DIGEST}", replace(reply, headers={**PNG, **reply.headers}))
    with pytest.raises((UpstreamError, InvalidInput)) as caught:
        use(Libravatar(hasty if variant == "slow" else once, upstream.url, IDENTITY))
    assert re.search(r"\w+ \w+", str(caught.value))
    # Only what calls itself a picture reaches the function that says so of a file.
    assert isinstance(caught.value, InvalidInput) == (variant == "cut text")
