"""The account system's messages about groups, in the shapes that it has sent them in."""

import runpy
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fedmsg.crypto
import pytest
from fedmsg.crypto.utils import validate_policy
from sqlalchemy.orm import Session

from hubs.actions import revocations
from hubs.backend.ingest.group_membership import (
    GroupMessages,
    authenticator,
    create_groups,
    group_messages_are_authenticated,
)
from hubs.bus import AMQP, parse
from hubs.events.log import EventLog
from hubs.models import Database, Hub, OutboxMessage, Revocation, RoleName, now
from hubs.settings import Settings
from tests.unit.conftest import user_of

SSL = Path(__file__).parents[4] / "fedmsg.d" / "ssl.py"
TRUSTED = "org.fedoraproject.prod"
NEW = {"agent": "owner", "group": "otters", "user": "stranger"}
OLD = {"agent": {"username": "owner"}, "group": {"name": "otters"}, "user": {"username": "stranger"}}


@pytest.fixture
def say(database: Database, session: Session, team: Hub) -> Any:
    team.group_name = "otters"
    revocations.revoke_after_commit(database, EventLog("redis://127.0.0.1:1/0"))
    session.commit()
    handler = GroupMessages(TRUSTED, 400)

    def say(event: str, body: dict[str, Any], prefix: str = TRUSTED, **more: Any) -> list[str]:
        name = more.pop("name", "fas.group.member.")
        message = parse({"topic": f"{prefix}.{name}{event}", "msg": body, "msg_id": "m"})
        with database.transaction() as own:
            handler.handle(own, replace(message, **more))
        session.expire_all()
        return [user.username for user in team.people(RoleName.MEMBER)]

    return say


@pytest.mark.parametrize("body", [NEW, OLD])
def test_members_of_the_group_are_members_of_the_team_until_they_leave(
    say: Any, session: Session, body: dict[str, Any]
) -> None:
    assert say("sponsor", body) == ["member", "stranger"]
    assert session.query(Revocation).count() == 0
    assert say("remove", body) == ["member"]
    assert [row.scope for row in session.query(Revocation)] == [f"user:{user_of(session, 'stranger').id}"]
    topics = [row.topic for row in session.query(OutboxMessage).order_by(OutboxMessage.id)][-2:]
    assert topics == ["hubs.user.role.added", "hubs.user.role.removed"]


@pytest.mark.parametrize("body", [{"msg": NEW}, NEW])
def test_current_removal_messages_are_understood(say: Any, body: dict[str, Any]) -> None:
    assert say("sponsor", body) == ["member", "stranger"]
    assert say("removed", body) == ["member"]


def test_the_directory_server_adds_and_removes_several_people_at_once(say: Any) -> None:
    def ipa(command: str, result: str = "SUCCESS", users: str = '["member", "stranger"]') -> list[str]:
        values = f'{{"cn": "otters", "all": false, "user": {users}}}'
        body = {"IPA_API_ACTOR": "owner@X", "IPA_API_RESULT": result, "IPA_API_PARAMS": values}
        return say(f"{command}.v1", body, name="ipa.group_")

    assert ipa("add_member", users='["stranger"]') == ["member", "stranger"]
    assert ipa("remove_member", "ValidationError") == ["member", "stranger"]
    assert ipa("remove_member") == []
    assert ipa("add_member", users="null") == []


def test_applicants_are_not_members(say: Any) -> None:
    assert say("apply", NEW) == ["member"]


@pytest.mark.parametrize("prefix", ["org.fedoraproject.dev", "io.pagure.prod", "org.evil.prod"])
def test_messages_under_another_prefix_are_ignored(say: Any, prefix: str) -> None:
    assert say("sponsor", NEW, prefix) == ["member"]


def test_unsigned_history_and_old_messages_are_ignored(say: Any) -> None:
    assert say("sponsor", NEW, authenticated=False) == ["member"]
    assert say("sponsor", NEW, sent_at=now() - timedelta(days=401)) == ["member"]
    assert say("sponsor", NEW, sent_at=now() - timedelta(days=399)) == ["member", "stranger"]
    assert say("remove", NEW, authenticated=False) == ["member", "stranger"]


def test_history_counts_with_a_signature_or_a_setting(bus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    envelope = {"topic": f"{TRUSTED}.fas.group.member.sponsor", "msg": NEW, "msg_id": "m", "timestamp": 1.0}
    plain = parse(envelope)
    forged = parse({**envelope, "signature": "eA==", "certificate": "eA==", "crypto": "x509"})
    signed = bus(SIGN="1", ACCOUNTS="fas")
    assert authenticator({}, trust=True)(plain)
    for config in ({}, bus(SIGN="0"), signed):
        assert not authenticator(config, trust=False)(plain)
        assert not authenticator(config, trust=False)(forged)
    asked: list[Any] = []
    monkeypatch.setattr(fedmsg.crypto, "validate", lambda message, **config: asked.append((message, config)) or True)
    told = parse({**envelope, "source_name": "datanommer", "source_version": "1", "headers": None})
    assert authenticator(signed, trust=False)(told)
    # What the service added to the message was not signed.
    assert asked == [({**envelope, "timestamp": 1}, signed)]
    assert not authenticator(signed, trust=False)(parse({**envelope, "topic": f"{TRUSTED}.wiki.article.edit"}))


@pytest.mark.parametrize("body", [{}, {"group": "otters"}, {"group": ["otters"], "user": 7}, {**NEW, "user": "nobody"}])
def test_messages_without_people_change_nothing(say: Any, body: dict[str, Any]) -> None:
    assert say("sponsor", body) == ["member"]


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return fedmsg's configuration for an environment."""
    for name in ("HUBS_BUS_SIGN", "HUBS_BUS_ACCOUNTS", "HUBS_TOPIC_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUBS_BUS_CERTS", "/etc/hubs/bus")
    monkeypatch.setenv("HUBS_PRESET", "fedora")
    monkeypatch.setenv("HUBS_ENVIRONMENT", "prod")
    # The library for signatures is loaded where there are some; what it does is no matter of the policy.
    monkeypatch.setattr(
        "importlib.import_module", lambda name: SimpleNamespace(_cryptography=True, serialization=SimpleNamespace())
    )
    monkeypatch.setitem(sys.modules, "OpenSSL", SimpleNamespace(crypto=SimpleNamespace(load_crl=None)))
    monkeypatch.setitem(sys.modules, "OpenSSL.crypto", SimpleNamespace(load_crl=None))

    def bus(**values: str) -> dict[str, Any]:
        for name, value in values.items():
            monkeypatch.setenv(f"HUBS_BUS_{name}", value)
        config: dict[str, Any] = runpy.run_path(str(SSL))["config"]
        return config

    return bus


@pytest.mark.parametrize(
    ("topic", "signer", "heard"),
    [
        ("buildsys.build.state.change", "koji-builder.example.org", True),
        ("fas.group.member.sponsor", "fas-accounts.example.org", True),
        ("fas.group.member.sponsor", "koji-builder.example.org", False),
        ("fas.group.member.remove", "koji-builder.example.org", False),
        ("hubs.widget.updated", "koji-builder.example.org", False),
    ],
)
def test_the_policy_limits_guarded_topics_to_their_signers(bus: Any, topic: str, signer: str, heard: bool) -> None:
    config = bus(SIGN="1", ACCOUNTS="fas-accounts.example.org")
    is_valid = validate_policy(f"{TRUSTED}.{topic}", signer, config["routing_policy"], config["routing_nitpicky"])
    assert is_valid is heard


def test_group_messages_need_an_authenticated_source(
    bus: Any,
) -> None:
    assert not group_messages_are_authenticated(bus(), TRUSTED)
    assert not group_messages_are_authenticated(bus(ACCOUNTS="fas"), TRUSTED)
    signed = bus(SIGN="1")
    assert group_messages_are_authenticated(signed, TRUSTED)
    assert not group_messages_are_authenticated(signed, "org.fedoraproject.stg")
    assert not group_messages_are_authenticated(bus(ACCOUNTS=""), TRUSTED)

    def followed(settings: Settings, config: dict[str, Any]) -> bool:
        return create_groups(settings, config) is not None

    prod = Settings(topic_prefix="org.fedoraproject", environment="prod")
    assert not followed(prod, {})
    assert followed(prod, signed)
    assert followed(prod.model_copy(update={"trust_bus": True}), {})


def test_trusting_only_the_broker_ignores_unsigned_fedmsg(database: Database, session: Session, team: Hub) -> None:
    team.group_name = "otters"
    session.commit()
    handler = GroupMessages(TRUSTED, 400, trust_fedmsg=False)
    message = parse({"topic": f"{TRUSTED}.fas.group.member.sponsor", "msg": NEW, "msg_id": "m"})
    for changed, members in (
        (message, ["member"]),
        (replace(message, origin=AMQP, authenticated=False), ["member"]),
        (replace(message, origin=AMQP, authenticated=True), ["member", "stranger"]),
    ):
        with database.transaction() as own:
            handler.handle(own, changed)
        session.expire_all()
        assert [user.username for user in team.people(RoleName.MEMBER)] == members
