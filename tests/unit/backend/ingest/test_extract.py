"""Extraction without plugins, on made-up messages in the shapes of the real bus."""

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
def test_people_are_extracted(body: dict[str, Any], people: set[str]) -> None:
    assert extracted(body).users == people


def test_packages_sentence_and_link_are_extracted() -> None:
    message = extracted(
        {"agent": "o", "package": "tidepool", "title": "Low\ntide", "url": "https://e.example/"}, "tides.low"
    )
    assert message.packages == {"tidepool"}
    assert message.sentence == "o: low “Low”"
    assert message.link == "https://e.example/"


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
def test_common_activities_have_a_sentence(topic: str, body: dict[str, Any], sentence: str) -> None:
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
def test_packages_of_builds_are_extracted(topic: str, body: dict[str, Any], packages: set[str]) -> None:
    assert extracted(body, topic).packages == packages


def test_invalid_links_are_left_out() -> None:
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
        # Publishers choose topics, so braces in them must not be formatted.
        ("hubs.{a:>300000000}", {"a": "b"}, "hubs: {a:>300000000}"),
    ],
)
def test_our_own_messages_have_a_sentence(topic: str, body: dict[str, Any], sentence: str) -> None:
    assert extracted(body, topic).sentence == sentence


def test_every_demo_message_names_its_people() -> None:
    chance = random.Random(3)
    for _ in range(300):
        topic, body = invented.random_message(chance, ["ottoline", "pernille", "quillon"])
        message = extracted(body, topic)
        assert message.users
        assert message.users <= {"ottoline", "pernille", "quillon"}, topic
        assert message.sentence


@pytest.mark.parametrize("text", ["", "a" * 65, "-a", "ä", "a/b", "a@b@c"])
def test_an_impossible_account_name_is_ignored(text: str) -> None:
    assert username(text) == ""
