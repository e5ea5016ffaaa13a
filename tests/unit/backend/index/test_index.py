"""The index: which message touches which widgets, and which not; and it follows the tables."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.actions import widgets
from hubs.actions.people import roles
from hubs.backend.index import index as module
from hubs.backend.index.index import Index, matches
from hubs.bus import Message, parse
from hubs.models import Hub, RoleName, Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of


def message_of(topic: str, *users: str, packages: Iterable[str] = (), **body: Any) -> Message:
    message = parse({"topic": f"org.fedoraproject.dev.{topic}", "msg": body, "msg_id": "m"})
    return replace(message, users=frozenset(users), packages=frozenset(packages))


@pytest.fixture
def index(session: Session, registry: Registry, team: Hub) -> Index:
    index = Index(registry)
    for hub in session.query(Hub):
        index.replace(hub)
    return index


def plugins(session: Session, index: Index, message: Message) -> list[str]:
    rows = (session.get_one(Widget, number) for number in index.touched(message))
    return sorted(f"{row.hub.name}.{row.plugin}" for row in rows)


OWNERS = ["otters.feed", "otters.members", "owner.activity", "owner.feed"]
TABLE = [
    (message_of("wiki.article.edit", "owner"), OWNERS),
    (message_of("hubsy.user.role.added", "owner", hub_url="http://x/t/otters/"), OWNERS),
    (message_of("wiki.article.edit", "stranger"), ["stranger.activity", "stranger.feed"]),
    (message_of("wiki.article.edit", "subscriber"), ["subscriber.activity", "subscriber.feed"]),
    (message_of("wiki.article.edit", "nobody"), []),
    (message_of("wiki.article.edit"), []),
    (message_of("wiki.article.edit", packages=["owner"]), []),
    (
        message_of("hubs.user.role.added", "stranger", hub_url="http://127.0.0.1/t/otters/"),
        [
            "otters.feed",
            "otters.members",
            "otters.rules",
            "otters.stats",
            "stranger.activity",
            "stranger.feed",
            "stranger.subscriptions",
        ],
    ),
    (message_of("hubs.user.role.added", hub_url="http://127.0.0.1/t/elsewhere/"), []),
    (message_of("hubs.user.role.added", hub_url=17), []),
]


@pytest.mark.parametrize(("message", "expected"), TABLE, ids=[message.name for message, _ in TABLE])
def test_which_widgets_a_message_touches(session: Session, index: Index, message: Message, expected: list[str]) -> None:
    assert plugins(session, index, message) == expected


@pytest.mark.parametrize(
    ("topics", "name", "expected"),
    [
        (("*",), "anything.at.all", True),
        (("pagure",), "pagure.issue.new", True),
        (("pagure.issue",), "pagure.issue.new", True),
        (("pagure.issue.new",), "pagure.issue.new", True),
        (("pagure.iss",), "pagure.issue.new", False),
        (("pagure.issue",), "pagure", False),
        (("github", "pagure"), "pagure.issue.new", True),
        ((), "pagure.issue.new", False),
    ],
)
def test_topics_match_in_whole_parts(topics: tuple[str, ...], name: str, expected: bool) -> None:
    assert matches(topics, name) is expected


def test_messages_of_a_new_member_touch_the_team(session: Session, index: Index, team: Hub) -> None:
    owner = as_person(session, "owner")
    roles.give_role(session, owner, team, user_of(session, "stranger"), RoleName.MEMBER)
    index.replace(team)
    assert "otters.feed" in plugins(session, index, message_of("wiki.article.edit", "stranger"))
    roles.drop_role(session, owner, team, user_of(session, "stranger"), RoleName.MEMBER)
    index.replace(team)
    assert "otters.feed" not in plugins(session, index, message_of("wiki.article.edit", "stranger"))


def test_changed_and_removed_widgets_leave_nothing_behind(
    session: Session, registry: Registry, index: Index, team: Hub
) -> None:
    owner = as_person(session, "owner")
    row = widgets.add(session, registry, owner, team, "feed", "left", {"username": "faraway"})
    index.replace(team)
    assert list(index.touched(message_of("a.b", "faraway"))) == [row.id]
    widgets.update(session, registry, owner, row, {"username": "nearby"})
    index.replace(team)
    assert list(index.touched(message_of("a.b", "faraway"))) == []
    assert list(index.touched(message_of("a.b", "nearby"))) == [row.id]
    widgets.remove(session, registry, owner, row)
    index.replace(team)
    assert list(index.touched(message_of("a.b", "nearby"))) == []


def test_an_index_without_hubs_is_empty(index: Index) -> None:
    for hub in index.hubs():
        index.remove(hub)
    index.remove(999)
    assert len(index) == 0
    tables = index._tables
    assert (tables.entries, tables.teams, tables.paths, index.directory) == ({}, {}, {}, {})


def test_nicks_come_from_the_hubs_of_people(session: Session, index: Index, team: Hub) -> None:
    hub = session.query(Hub).filter_by(kind="user", name="member").one()
    hub.extras = {"chat_nick": "Swimmer", "bugzilla_email": "m@e.example", "chat": "x"}
    index.replace(hub)
    assert index.directory == {"swimmer": "member", "m@e.example": "member"}
    hub.extras = {}
    index.replace(hub)
    assert index.directory == {}


class Filtered(CachedFunction):
    def should_invalidate(self, message: Mapping[str, Any]) -> bool:
        if message["msg"].get("fail"):
            raise KeyError("oops")
        return bool(message["msg"].get("mine"))


class FilteredAndIndexed(Filtered):
    def interests(self) -> list[Interest]:
        return [Interest(("wiki",), "package", "tidepool")]


class Broken(CachedFunction):
    def interests(self) -> list[Interest]:
        raise RuntimeError("oops")


@pytest.mark.parametrize(
    ("function", "message", "expected"),
    [
        (Filtered, message_of("any.thing", mine=True), True),
        (Filtered, message_of("any.thing"), False),
        (Filtered, message_of("any.thing", fail=True), False),
        (FilteredAndIndexed, message_of("wiki.edit", packages=["tidepool"], mine=True), True),
        (FilteredAndIndexed, message_of("wiki.edit", packages=["tidepool"]), False),
        (FilteredAndIndexed, message_of("wiki.edit", packages=["other"], mine=True), False),
        (FilteredAndIndexed, message_of("git.edit", packages=["tidepool"], mine=True), False),
        (Broken, message_of("any.thing"), False),
    ],
)
def test_a_filter_decides_after_the_interests(
    session: Session, registry: Registry, team: Hub, function: type[CachedFunction], message: Message, expected: bool
) -> None:
    about = registry.get("about")
    assert about is not None
    odd = Registry()
    odd._types["about"] = replace(about, functions=(function,))
    row = Widget(plugin="about", side="left", settings={}, version=1)
    team.widgets.append(row)
    session.flush()
    index = Index(odd)
    index.replace(team)
    assert (row.id in index.touched(message)) is expected
    assert index.unindexed == (1 if function is Filtered else 0)
    index.remove(team.id)
    assert index.touched(message) == {}


def test_more_lists_of_topics_than_fit_count_as_any_topic(
    session: Session, registry: Registry, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TOPICS", 1)
    row = next(row for row in team.widgets if row.plugin == "rules")
    index = Index(registry)
    index.replace(team)
    about = {"hub_url": "http://127.0.0.1/t/otters/"}
    assert row.id in index.touched(message_of("hubs.user.role.added", **about))
    assert row.id in index.touched(
        message_of("hubs.widget.updated", **about)
    )  # an unnecessary build, but none is missing


def test_a_reloaded_index_replaces_the_old_one_atomically(
    session: Session, registry: Registry, index: Index, team: Hub
) -> None:
    directory, fresh = index.directory, Index(registry)
    team.extras = {}
    fresh.replace(team)
    hub = session.query(Hub).filter_by(kind="user", name="member").one()
    hub.extras = {"chat_nick": "Swimmer"}
    fresh.replace(hub)
    index.adopt(fresh)
    assert sorted(index.hubs()) == sorted([team.id, hub.id])
    assert index.directory is directory  # the extractor shares it
    assert directory == {"swimmer": "member"}
    assert plugins(session, index, message_of("wiki.article.edit", "owner")) == ["otters.feed", "otters.members"]


def test_removing_a_hub_keeps_another_one_with_its_address(session: Session, index: Index, team: Hub) -> None:
    other = Hub(id=team.id + 1000, kind="project", name=team.name, extras={})
    index.replace(other)
    index.remove(team.id)
    assert index.hub_of(message_of("hubs.hub.updated", hub_url="/t/otters/")) == other.id
