"""Creating and changing hubs."""

import unicodedata

import pytest
from sqlalchemy.orm import Session

from hubs.actions import hubs
from hubs.errors import Conflict, InvalidInput, NotAllowed
from hubs.models import Hub, OutboxMessage
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of


def test_a_new_team_has_its_default_widgets(session: Session, team: Hub) -> None:
    assert [row.plugin for row in team.column("left")] == ["sticky", "feed"]
    assert [row.plugin for row in team.column("right")] == ["stats", "rules", "meetings", "members"]
    assert team.summary == "We swim."


def test_a_name_must_be_unused_and_fit_an_address(session: Session, registry: Registry, team: Hub) -> None:
    owner = user_of(session, "owner")
    with pytest.raises(Conflict, match="otters"):
        hubs.create(session, registry, owner, "team", "otters")
    for name in ("", "a/b", "../x", "with space", "x" * 65, "é"):
        with pytest.raises(InvalidInput):
            hubs.create(session, registry, owner, "team", name)


def test_all_kinds_but_people_share_one_namespace(session: Session, registry: Registry, team: Hub) -> None:
    owner = user_of(session, "owner")
    for kind in ("regional", "project", "event"):
        with pytest.raises(Conflict, match="The name otters is taken"):
            hubs.create(session, registry, owner, kind, "otters")
    assert hubs.at_address(session, "regional", "otters") is team
    hubs.create(session, registry, owner, "team", "stranger")  # a person's hub of that name is elsewhere
    theirs = hubs.at_address(session, "user", "stranger")
    assert theirs is not None
    assert theirs.kind == "user"


@pytest.mark.parametrize("username", ["stranger", "subscriber", "member"])
def test_only_owners_change_a_hub(session: Session, team: Hub, username: str) -> None:
    with pytest.raises(NotAllowed):
        hubs.update(session, as_person(session, username), team, {"summary": "Mine now."})
    assert team.summary == "We swim."


def test_a_change_is_published_with_its_keys(session: Session, team: Hub) -> None:
    owner = as_person(session, "owner")
    changes = {"summary": "We dive.", "chat": "https://chat.example.org/", "left_width": "6"}
    assert hubs.update(session, owner, team, changes) == ["chat", "left_width", "summary"]
    assert team.extras["chat"] == "https://chat.example.org/"
    row = session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first()
    assert row is not None
    assert row.topic == "hubs.hub.updated"
    assert row.body == {
        "agent": "owner",
        "hub_id": team.id,
        "hub_name": "otters",
        "hub_type": "team",
        "hub_url": "http://127.0.0.1/t/otters/",
        "changed_keys": ["chat", "left_width", "summary"],
    }


@pytest.mark.parametrize("sign", ["", "o", "OT", "é", "e\u0301", "🦦", "👩🏽\u200d💻", "🏳️\u200d🌈", "🇩🇪", "水"])
def test_an_avatar_has_letters_or_an_emoji_and_colours(session: Session, team: Hub, sign: str) -> None:
    owner = as_person(session, "owner")
    changed = ["avatar", "banner"] if sign else ["banner"]
    assert hubs.update(session, owner, team, {"banner": "teal", "avatar": f" {sign} "}) == changed
    session.commit()
    session.refresh(team)
    assert (team.banner, team.avatar) == ("teal", unicodedata.normalize("NFC", sign))
    assert hubs.update(session, owner, team, {"banner": "", "avatar": ""}) == changed


def test_an_update_without_changes_is_not_published(session: Session, team: Hub) -> None:
    count, version = session.query(OutboxMessage).count(), team.version
    assert hubs.update(session, as_person(session, "owner"), team, {"summary": "We swim."}) == []
    assert (session.query(OutboxMessage).count(), team.version) == (count, version)


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("summary", "x" * 129, "at most 128"),
        ("left_width", "12", "from 1 to 11"),
        ("left_width", "wide", "from 1 to 11"),
        ("visibility", "secret", "public"),
        ("banner", "pink", "one of: blue, green, teal"),
        ("avatar", "otters", "two letters"),
        ("avatar", "a\u202e", "two letters"),
        ("avatar", "a\u0301" * 9, "two letters"),
        ("display_name", "a\0b", "control characters"),
        ("kind", "user", "no such setting"),
        ("user_id", "1", "no such setting"),
    ],
)
def test_bad_values_change_nothing(session: Session, team: Hub, name: str, value: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as error:
        hubs.update(session, as_person(session, "owner"), team, {"description": "new", name: value})
    assert hint in error.value.fields[name]
    assert team.description == ""


def test_an_archived_hub_is_read_only_until_it_is_unarchived(session: Session, team: Hub) -> None:
    owner = as_person(session, "owner")
    hubs.update(session, owner, team, {"archived": True})
    with pytest.raises(NotAllowed, match="archived"):
        hubs.update(session, owner, team, {"summary": "No."})
    hubs.update(session, owner, team, {"archived": False})
    assert hubs.update(session, owner, team, {"summary": "Yes."}) == ["summary"]
