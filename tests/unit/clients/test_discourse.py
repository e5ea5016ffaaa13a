"""Discourse: which addresses are lists of topics, what is read of them, paging, and hosts that people name."""

import pytest

from hubs.clients.community.discourse import Discourse, Place, place
from hubs.clients.http.client import HTTP
from hubs.demo.services.contract import answer, record
from hubs.errors import UpstreamForbidden, UpstreamMissing
from tests.upstream import Asked, Reply, Upstream

SITE = "https://discuss.example"


@pytest.mark.parametrize(
    ("address", "path", "subject"),
    [
        (SITE, "latest", "discourse:discuss.example"),
        (f"{SITE}/latest?order=views", "latest", "discourse:discuss.example"),
        (f"{SITE}/c/docs/5", "c/docs/5", "discourse:discuss.example/c/5"),
        (f"{SITE}/c/teams/docs/12.json", "c/teams/docs/12", "discourse:discuss.example/c/12"),
        (f"{SITE}/c/docs/5/l/latest/", "c/docs/5/l/latest", "discourse:discuss.example/c/5"),
        (f"{SITE}/c/docs", "c/docs", "discourse:discuss.example"),
        (f"{SITE}/tag/Audio", "tag/Audio", "discourse:discuss.example/tag/audio"),
        (f"{SITE}/tag/audio/77", "tag/audio/77", "discourse:discuss.example/tag/audio"),
        (f"{SITE}/tags/c/docs/5/audio", "tags/c/docs/5/audio", "discourse:discuss.example"),
        ("https://a.example:8443/talk/c/d%C3%B6/5", "c/dö/5", "discourse:a.example:8443/c/5"),
    ],
)
def test_addresses_of_lists(address: str, path: str, subject: str) -> None:
    where = place(address)
    assert where is not None
    assert ("/".join(where.path), where.subject) == (path, subject)


@pytest.mark.parametrize(
    "path", ["/t/no-sound/90", "/u/rana", "/talk", "/c/../admin", "/c/%2e%2e/x", "/../c/docs/5", "/search?q=/c/5"]
)
def test_addresses_of_something_else(path: str) -> None:
    assert place(SITE + path) is None


def test_topics_are_sorted_by_activity_and_linked(upstream: Upstream, http: HTTP) -> None:
    body = answer("discourse", "topics")
    body["topic_list"]["topics"].reverse()  # the service puts pinned topics first
    upstream.on("/c/docs/5.json", body)
    topics = Discourse(http, upstream.url).topics(Place(upstream.url, ("c", "docs", "5")))
    first, second = topics.items
    assert (first.id, first.replies, first.last, first.tags) == (90, 3, "kofi", ("audio", "desktop"))
    assert (first.solved, first.url) == (True, f"{upstream.url}/t/no-sound-after-the-update/90")
    assert (second.closed, second.solved, second.tags) == (True, False, ("announcement",))
    assert topics.page == f"{upstream.url}/c/docs/5"
    assert "solved" not in upstream.asked[0].params


def test_only_unsolved_topics_are_requested(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/tag/audio.json", answer("discourse", "topics"))
    Discourse(http, upstream.url).topics(Place(upstream.url, ("tag", "audio")), unsolved=True)
    assert upstream.asked[0].params == {"solved": ["no"]}


def test_two_pages_are_read_and_hidden_topics_left_out(upstream: Upstream, http: HTTP) -> None:
    def page(asked: Asked) -> Reply:
        start = 30 * int(asked.params.get("page", ["0"])[0])
        topics = [record("discourse", "topics", id=start + n, visible=n != 3) for n in range(30)]
        return Reply({"topic_list": {"topics": topics, "more_topics_url": "/latest?page=9"}})

    upstream.on("/latest.json", page)
    topics = Discourse(http, upstream.url).topics(Place(upstream.url, ("latest",)))
    assert (len(topics.items), len(upstream.asked)) == (58, 2)


def test_a_list_that_visitors_may_not_see_does_not_exist(upstream: Upstream, http: HTTP) -> None:
    with pytest.raises(UpstreamMissing):
        Discourse(http, upstream.url).topics(Place(upstream.url, ("c", "staff", "3")))


def test_a_site_that_a_person_named_must_be_public(upstream: Upstream, http: HTTP) -> None:
    client = Discourse(http, SITE)
    for site in (upstream.url, "http://[::1]", "http://169.254.169.254", f"{SITE}@10.0.0.1"):
        with pytest.raises(UpstreamForbidden):
            client.topics(Place(site, ("latest",)), owner="hub:1")
    assert upstream.asked == []
