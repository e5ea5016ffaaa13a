"""The index: which message touches which widget, yes and no; and it follows the tables."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.actions import widgets
from hubs.actions.people import roles
from hubs.backend.index import index as triage
from hubs.backend.index.index import Index, matches
from hubs.bus import Message, parse
from hubs.models import Hub, RoleName, Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of


def say(topic: str, *users: str, packages: Iterable[str] = (), **body: Any) -> Message:
    found = parse({"topic": f"org.fedoraproject.dev.{topic}", "msg": body, "msg_id": "m"})
    return replace(found, users=frozenset(users), packages=frozenset(packages))


@pytest.fixture
def index(session: Session, registry: Registry, team: Hub) -> Index:
    found = Index(registry)
    for hub in session.query(Hub):
        found.replace(hub)
    return found


def plugins(session: Session, index: Index, message: Message) -> list[str]:
    rows = (session.get_one(Widget, number) for number in index.touched(message))
    return sorted(f"{row.hub.name}.{row.plugin}" for row in rows)


OWNERS = ["otters.feed", "otters.members", "owner.activity", "owner.feed"]
TABLE = [
    (say("wiki.article.edit", "owner"), OWNERS),
    (say("hubsy.user.role.added", "owner", hub_url="http://x/t/otters/"), OWNERS),
    (say("wiki.article.edit", "stranger"), ["stranger.activity", "stranger.feed"]),
    (say("wiki.article.edit", "subscriber"), ["subscriber.activity", "subscriber.feed"]),
    (say("wiki.article.edit", "nobody"), []),
    (say("wiki.article.edit"), []),
    (say("wiki.article.edit", packages=["owner"]), []),
    (
        say("hubs.user.role.added", "stranger", hub_url="http://127.0.0.1/t/otters/"),
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
    (say("hubs.user.role.added", hub_url="http://127.0.0.1/t/elsewhere/"), []),
    (say("hubs.user.role.added", hub_url=17), []),
]


@pytest.mark.parametrize(("message", "expected"), TABLE, ids=[message.name for message, _ in TABLE])
def test_which_message_touches_what(session: Session, index: Index, message: Message, expected: list[str]) -> None:
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


def test_a_new_member_brings_messages_to_the_team(session: Session, index: Index, team: Hub) -> None:
    owner = as_person(session, "owner")
    roles.give_role(session, owner, team, user_of(session, "stranger"), RoleName.MEMBER)
    index.replace(team)
    assert "otters.feed" in plugins(session, index, say("wiki.article.edit", "stranger"))
    roles.drop_role(session, owner, team, user_of(session, "stranger"), RoleName.MEMBER)
    index.replace(team)
    assert "otters.feed" not in plugins(session, index, say("wiki.article.edit", "stranger"))


def test_changed_and_removed_widgets_leave_nothing_behind(
    session: Session, registry: Registry, index: Index, team: Hub
) -> None:
    owner = as_person(session, "owner")
    row = widgets.add(session, registry, owner, team, "feed", "left", {"username": "faraway"})
    index.replace(team)
    assert list(index.touched(say("a.b", "faraway"))) == [row.id]
    widgets.update(session, registry, owner, row, {"username": "nearby"})
    index.replace(team)
    assert list(index.touched(say("a.b", "faraway"))) == []
    assert list(index.touched(say("a.b", "nearby"))) == [row.id]
    widgets.remove(session, registry, owner, row)
    index.replace(team)
    assert list(index.touched(say("a.b", "nearby"))) == []


def test_an_index_without_hubs_is_empty(index: Index) -> None:
    for hub in index.hubs():
        index.remove(hub)
    index.remove(999)
    assert len(index) == 0
    tables = index._tables
    assert (tables.entries, tables.teams, tables.paths, index.directory) == ({}, {}, {}, {})


def test_people_tell_their_nicks_on_their_hubs(session: Session, index: Index, team: Hub) -> None:
    hub = session.query(Hub).filter_by(kind="user", name="member").one()
    hub.extras = {"chat_nick": "Swimmer", "bugzilla_email": "m@e.example", "chat": "x"}
    index.replace(hub)
    assert index.directory == {"swimmer": "member", "m@e.example": "member"}
    hub.extras = {}
    index.replace(hub)
    assert index.directory == {}


class Asked(CachedFunction):
    def should_invalidate(self, message: Mapping[str, Any]) -> bool:
        if message["msg"].get("fail"):
            raise KeyError("oops")
        return bool(message["msg"].get("mine"))


class Exact(Asked):
    def interests(self) -> list[Interest]:
        return [Interest(("wiki",), "package", "tidepool")]


class Broken(CachedFunction):
    def interests(self) -> list[Interest]:
        raise RuntimeError("oops")


@pytest.mark.parametrize(
    ("function", "message", "expected"),
    [
        (Asked, say("any.thing", mine=True), True),
        (Asked, say("any.thing"), False),
        (Asked, say("any.thing", fail=True), False),
        (Exact, say("wiki.edit", packages=["tidepool"], mine=True), True),
        (Exact, say("wiki.edit", packages=["tidepool"]), False),
        (Exact, say("wiki.edit", packages=["other"], mine=True), False),
        (Exact, say("git.edit", packages=["tidepool"], mine=True), False),
        (Broken, say("any.thing"), False),
    ],
)
def test_functions_have_the_last_word(
    session: Session, registry: Registry, team: Hub, function: type[CachedFunction], message: Message, expected: bool
) -> None:
    found = registry.get("about")
    assert found is not None
    odd = Registry()
    odd._types["about"] = replace(found, functions=(function,))
    row = Widget(plugin="about", side="left", settings={}, version=1)
    team.widgets.append(row)
    session.flush()
    index = Index(odd)
    index.replace(team)
    assert (row.id in index.touched(message)) is expected
    assert index.unindexed == (1 if function is Asked else 0)
    index.remove(team.id)
    assert index.touched(message) == {}


def test_more_lists_of_topics_than_fit_count_as_any_topic(
    session: Session, registry: Registry, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triage, "_TOPICS", 1)
    row = next(row for row in team.widgets if row.plugin == "rules")
    index = Index(registry)
    index.replace(team)
    about = {"hub_url": "http://127.0.0.1/t/otters/"}
    assert row.id in index.touched(say("hubs.user.role.added", **about))
    assert row.id in index.touched(say("hubs.widget.updated", **about))  # one build too many, none too few


def test_a_whole_new_index_takes_the_place_of_the_old_one_at_once(
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
    assert index.directory is directory  # the extractor holds it
    assert directory == {"swimmer": "member"}
    assert plugins(session, index, say("wiki.article.edit", "owner")) == ["otters.feed", "otters.members"]


def test_two_groups_at_one_address_do_not_take_each_other_out(session: Session, index: Index, team: Hub) -> None:
    other = Hub(id=team.id + 1000, kind="project", name=team.name, extras={})
    index.replace(other)
    index.remove(team.id)
    assert index.hub_of(say("hubs.hub.updated", hub_url="/t/otters/")) == other.id
