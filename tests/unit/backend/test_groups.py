"""The account system's messages about groups, in the shapes that it has sent them in."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.backend.groups import GroupMessages
from hubs.bus import parse
from hubs.models import Database, Hub, OutboxMessage, RoleName
from tests.unit.conftest import user_of

TRUSTED = "org.fedoraproject.prod"
NEW = {"agent": "owner", "group": "otters", "user": "stranger"}
OLD = {"agent": {"username": "owner"}, "group": {"name": "otters"}, "user": {"username": "stranger"}}


class Revoked(list[str]):
    def revoke(self, channel: str) -> None:
        self.append(channel)


@pytest.fixture
def revoked() -> Revoked:
    return Revoked()


@pytest.fixture
def say(database: Database, revoked: Revoked, session: Session, team: Hub) -> Any:
    team.group_name = "otters"
    session.commit()
    handler = GroupMessages(database, revoked, TRUSTED)  # type: ignore[arg-type]

    def say(event: str, body: dict[str, Any], prefix: str = TRUSTED) -> list[str]:
        handler.handle(parse({"topic": f"{prefix}.fas.group.member.{event}", "msg": body, "msg_id": "m"}))
        session.expire_all()
        return [user.username for user in team.people(RoleName.MEMBER)]

    return say


@pytest.mark.parametrize("body", [NEW, OLD])
def test_who_enters_a_group_is_a_member_and_who_leaves_it_hears_no_more(
    say: Any, session: Session, revoked: Revoked, body: dict[str, Any]
) -> None:
    assert say("sponsor", body) == ["member", "stranger"]
    assert revoked == []
    assert say("remove", body) == ["member"]
    assert revoked == [f"user:{user_of(session, 'stranger').id}"]
    topics = [row.topic for row in session.query(OutboxMessage).order_by(OutboxMessage.id)][-2:]
    assert topics == ["hubs.user.role.added", "hubs.user.role.removed"]


def test_who_only_applies_is_no_member(say: Any) -> None:
    assert say("apply", NEW) == ["member"]


@pytest.mark.parametrize("prefix", ["org.fedoraproject.dev", "io.pagure.prod", "org.evil.prod"])
def test_what_comes_from_elsewhere_is_not_believed(say: Any, prefix: str) -> None:
    assert say("sponsor", NEW, prefix) == ["member"]


@pytest.mark.parametrize("body", [{}, {"group": "otters"}, {"group": ["otters"], "user": 7}, {**NEW, "user": "nobody"}])
def test_what_names_nobody_changes_nothing(say: Any, body: dict[str, Any]) -> None:
    assert say("sponsor", body) == ["member"]
