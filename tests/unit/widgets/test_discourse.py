"""Discussions: the topics of a list, what owners are told, and which messages make them stale."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.backend.index.index import Index
from hubs.bus import parse
from hubs.demo.services.contract import answer
from hubs.models import Hub, Widget
from hubs.widgets.registry import Registry
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of
from tests.upstream import Reply, Upstream

SITE = "https://discuss.example"


def test_topics_are_shown_with_replies_and_solution(upstream: Upstream, build: Build) -> None:
    upstream.on("/c/docs/5.json", answer("discourse", "topics"))
    fragment = build("discourse", address=f"{upstream.url}/c/docs/5")
    text = text_of(fragment.html)
    assert fragment.state == "live", fragment.error
    assert text.index("No sound after the update") < text.index("About the category Docs")
    assert "3 replies · last by kofi ·" in text
    assert "0 replies" in text
    assert "solved" in text
    assert f'href="{upstream.url}/c/docs/5"' in fragment.html


def test_long_lists_continue_on_their_own_page(upstream: Upstream, build: Build) -> None:
    upstream.on("/latest.json", answer("discourse", "topics"))
    text = text_of(build("discourse", address=upstream.url, limit=1).html)
    assert "About the category Docs" not in text
    assert "Show 1 more" in text


@pytest.mark.parametrize(
    ("unsolved", "said"), [(True, "Every question here has a solution."), (False, "No topics yet")]
)
def test_an_empty_list(upstream: Upstream, build: Build, unsolved: bool, said: str) -> None:
    upstream.on("/tag/audio.json", {"topic_list": {"topics": []}})
    assert said in text_of(build("discourse", address=f"{upstream.url}/tag/audio", unsolved=unsolved).html)


@pytest.mark.parametrize(
    ("address", "said"), [("", "Which topics?"), (f"{SITE}/t/no-sound/90", "not the address of a category")]
)
def test_without_the_address_of_a_list_the_widget_says_what_to_do(
    upstream: Upstream, build: Build, address: str, said: str
) -> None:
    fragment = build("discourse", address=address)
    assert (fragment.state, said in fragment.error) == ("needs-setup", True)
    assert upstream.asked == []


def test_a_site_that_needs_an_account_is_reported_in_words(upstream: Upstream, build: Build) -> None:
    upstream.on("/latest.json", Reply({"errors": ["…"], "error_type": "not_logged_in"}, 403))
    fragment = build("discourse", address=upstream.url)
    assert (fragment.state, "denied access" in fragment.error) == ("failed", True)


def said(kind: str, **about: Any) -> Any:
    key = "post" if kind == "like" else kind
    body = {key: {"topic_id": 90, "category_id": 5, **about}, "hook_event": f"{kind}_created", "hook_instance": SITE}
    return parse({"topic": f"org.fedoraproject.prod.discourse.{kind}.{kind}_created", "msg": body, "msg_id": "m"})


@pytest.mark.parametrize(
    ("address", "message", "stale"),
    [
        (f"{SITE}/c/docs/5", said("post"), True),
        (f"{SITE}/c/docs/5", said("topic", id=90), True),
        (f"{SITE}/c/docs/5", said("solved"), True),
        (f"{SITE}/c/docs/5", said("like"), False),
        (f"{SITE}/c/docs/5", said("post", category_id=6), False),
        ("https://other.example/c/docs/5", said("post"), False),
        (SITE, said("post", category_id=6), True),
        (f"{SITE}/tag/Audio", said("topic", tags=["audio"]), True),
        (f"{SITE}/tag/audio", said("topic", tags=[{"id": 3, "name": "Audio"}]), True),
        (f"{SITE}/tag/audio", said("topic", tags=["video", None, 7]), False),
    ],
)
def test_which_messages_make_a_list_stale(
    session: Session, registry: Registry, team: Hub, address: str, message: Any, stale: bool
) -> None:
    row = Widget(plugin="discourse", side="left", settings={"address": address})
    team.widgets.append(row)
    session.commit()
    index = Index(registry)
    index.replace(team)
    assert (row.id in index.touched(message)) == stale
