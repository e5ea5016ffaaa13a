"""Whom and what a message is about, by the small extractor; invented people in the shapes of the real bus."""

import random
from typing import Any

import pytest

from hubs.backend.ingest.extract import Extractor, username
from hubs.bus import parse
from hubs.demo import messages as invented

DIRECTORY = {"swimmer": "ottoline", "o.brand@mail.example": "ottoline"}


def extracted(body: dict[str, Any], topic: str = "tides.turned") -> Any:
    return Extractor(DIRECTORY)(parse({"topic": f"org.fedoraproject.dev.{topic}", "msg": body, "msg_id": "m"}))


@pytest.mark.parametrize(
    ("body", "people"),
    [
        ({"agent": "ottoline"}, {"ottoline"}),
        ({"user": {"name": "ottoline", "fullname": "O"}}, {"ottoline"}),
        (
            {"issue": {"user": {"name": "a"}, "assignee": {"name": "b"}, "comments": [{"user": {"name": "c"}}]}},
            set("abc"),
        ),
        ({"attendees": {"ottoline": 3, "pernille": 1}}, {"ottoline", "pernille"}),
        ({"agent": "http://ottoline.id.fedoraproject.org/"}, {"ottoline"}),
        ({"agent": "ottoline@fedoraproject.org"}, {"ottoline"}),
        ({"agent": "o.brand@mail.example"}, {"ottoline"}),
        ({"nick": "Swimmer"}, {"ottoline"}),
        ({"agent": "stranger@mail.example"}, set()),
        ({"agent": "root"}, set()),
        ({"agent": None, "user": 5, "owner": ["x"], "users": "y"}, set()),
        ({"agent": "a b"}, set()),
        ({}, set()),
    ],
)
def test_the_people_that_a_message_names_are_found(body: dict[str, Any], people: set[str]) -> None:
    assert extracted(body).users == people


def test_packages_sentence_and_link_are_found() -> None:
    found = extracted(
        {"agent": "o", "package": "tidepool", "title": "Low\ntide", "url": "https://e.example/"}, "tides.low"
    )
    assert found.packages == {"tidepool"}
    assert found.sentence == "o: low “Low”"
    assert found.link == "https://e.example/"


@pytest.mark.parametrize(
    ("topic", "body", "sentence"),
    [
        ("git.receive", {"agent": "o", "commit": {"summary": "Swim"}}, "o pushed to “Swim”"),
        ("pagure.issue.new", {"agent": "o", "issue": {"title": "Low tide"}}, "o opened the issue “Low tide”"),
        ("irc.karma", {"agent": "o", "recipient": "p"}, "o gave a cookie to p"),
        ("wiki.article.edit", {"user": "o", "title": "Tides"}, "o edited the page “Tides”"),
        ("wiki.article.edit", {"title": "Tides"}, "Somebody edited the page “Tides”"),
    ],
)
def test_what_people_often_do_is_said_in_words(topic: str, body: dict[str, Any], sentence: str) -> None:
    assert extracted(body, topic).sentence == sentence


@pytest.mark.parametrize(
    ("topic", "body", "packages"),
    [
        ("buildsys.build.state.change", {"name": "tidepool", "version": "1.0", "new": 1}, {"tidepool"}),
        ("buildsys.build.state.change", {"name": ["tidepool"]}, set()),
        ("buildsys.tag", {"name": "tidepool"}, {"tidepool"}),
        ("copr.build.end", {"pkg": "tide-pool-1.5-1.fc21", "version": "1.5-1.fc21"}, {"tide-pool"}),
        ("copr.build.end", {"pkg": "tide-pool", "version": "1.5"}, {"tide-pool"}),
        ("copr.build.end", {"pkg": None, "version": None}, set()),
    ],
)
def test_the_packages_of_builds_are_found(topic: str, body: dict[str, Any], packages: set[str]) -> None:
    assert extracted(body, topic).packages == packages


def test_links_that_are_none_are_left_out() -> None:
    assert extracted({"url": "/w/uploads/x.jpg", "link": "javascript:x"}).link == ""


@pytest.mark.parametrize(
    ("topic", "body", "sentence"),
    [
        ("hubs.user.created", {"username": "o"}, "o joined"),
        (
            "hubs.user.role.added",
            {"username": "o", "role": "member", "hub_name": "otters"},
            "o is now a member of otters",
        ),
        ("hubs.widget.updated", {"agent": "o", "hub_name": "otters"}, "o changed the widget otters"),
        ("hubs.some.thing", {}, "hubs: some thing"),
        # The name of a topic comes from strangers: nothing in it is filled in.
        ("hubs.{a:>300000000}", {"a": "b"}, "hubs: {a:>300000000}"),
    ],
)
def test_our_own_messages_say_what_happened(topic: str, body: dict[str, Any], sentence: str) -> None:
    assert extracted(body, topic).sentence == sentence


def test_every_invented_message_names_its_people() -> None:
    chance = random.Random(3)
    for _ in range(300):
        topic, body = invented.random_message(chance, ["ottoline", "pernille", "quillon"])
        found = extracted(body, topic)
        assert found.users
        assert found.users <= {"ottoline", "pernille", "quillon"}, topic
        assert found.sentence


@pytest.mark.parametrize("text", ["", "a" * 65, "-a", "ä", "a/b", "a@b@c"])
def test_what_cannot_be_an_account_is_none(text: str) -> None:
    assert username(text) == ""
