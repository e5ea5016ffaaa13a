"""A message has the same identity and fields, whatever its source."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hubs.bus import AMQP, FEDMSG, HISTORY, WEBHOOK, identity, parse
from hubs.errors import BadMessage

UUID = "8d116ece-1738-47d9-bd9c-172411e20b8f"
TOPIC = "org.fedoraproject.prod.forgejo.issues"
FIELDS: dict[str, Any] = {"action": "opened", "issue": {"number": 12}}
SENT = "2026-11-03T08:03:05+00:00"
HEADERS = {
    "fedora_messaging_schema": "webhook.forgejo.v1",
    "fedora_messaging_severity": 30,
    "fedora_messaging_user_rana": True,
    "fedora_messaging_user_kofi": False,
    "fedora_messaging_rpm_otter": True,
    "fedora_messaging_group_docs": True,
    "sent-at": SENT,
}
NATIVE = {"topic": TOPIC, "id": UUID, "headers": HEADERS, "body": FIELDS, "queue": None, "priority": 0}
BRIDGED = {"topic": TOPIC, "msg_id": f"2026-{UUID}", "timestamp": 1793692985, "msg": FIELDS, "username": "amqp-bridge"}
FORMS = {
    "AMQP": (NATIVE, AMQP),
    "AMQP bridged to fedmsg": (BRIDGED, FEDMSG),
    "fedmsg bridged to AMQP": ({**NATIVE, "id": "0" * 8 + UUID[8:], "body": BRIDGED}, AMQP),
    "history, first version": ({**BRIDGED, "msg_id": UUID, "headers": HEADERS, "users": ["rana"]}, HISTORY),
    "history, second version": ({"topic": TOPIC, "id": UUID, "headers": HEADERS, "body": FIELDS}, HISTORY),
}


@pytest.mark.parametrize(("envelope", "origin"), FORMS.values(), ids=FORMS)
def test_a_message_is_the_same_from_every_source(envelope: dict[str, Any], origin: str) -> None:
    message = parse(envelope, origin)
    assert (message.msg_id, message.name, message.body, message.origin) == (UUID, "forgejo.issues", FIELDS, origin)
    assert {"topic", "msg_id", "timestamp", "msg"} <= set(message.raw)
    assert message.authenticated is (origin == FEDMSG)


@pytest.mark.parametrize(
    ("envelope", "origin"),
    [(NATIVE, AMQP), (BRIDGED, FEDMSG), ({**BRIDGED, "users": []}, HISTORY), ({"headers": {}, "body": {}}, WEBHOOK)],
)
def test_without_an_origin_the_form_decides(envelope: dict[str, Any], origin: str) -> None:
    if origin == WEBHOOK:
        envelope = {**envelope, "headers": {"X-GitHub-Event": "push"}}
    assert parse(envelope).origin == origin


@pytest.mark.parametrize(
    ("msg_id", "key"),
    [
        (f"2019-{UUID}", UUID),
        (UUID.upper(), UUID),
        (f"19-{UUID}", f"19-{UUID}"),
        ("2019-some-thing", "2019-some-thing"),
        (f"{UUID}-1", f"{UUID}-1"),
        ("", ""),
    ],
)
def test_the_identity_is_the_uuid_without_a_year(msg_id: str, key: str) -> None:
    assert identity(msg_id) == key


def test_people_and_packages_are_taken_from_the_headers() -> None:
    message = parse(NATIVE, AMQP)
    assert (message.users, message.packages, message.groups) == ({"rana"}, {"otter"}, {"docs"})
    assert (message.severity, message.classified) == (30, True)


def test_without_a_message_class_no_people_are_listed() -> None:
    message = parse({**NATIVE, "headers": {"fedora_messaging_schema": "base.message"}}, AMQP)
    assert (message.users, message.severity, message.classified) == (frozenset(), 20, False)


def test_on_fedmsg_names_outside_the_signed_message_are_ignored() -> None:
    message = parse({**BRIDGED, "headers": HEADERS, "users": ["rana"], "packages": ["otter"]}, FEDMSG)
    assert (message.users, message.packages, message.groups, message.classified) == (frozenset(),) * 3 + (False,)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"msg": {"user": "rana"}}, {"user": "rana"}),
        ({"msg": {"subject": "x"}, "mlist": {}}, {"msg": {"subject": "x"}, "mlist": {}}),
        ({"body": FIELDS}, FIELDS),
        ({"body": "a text", "subject": "x"}, {"body": "a text", "subject": "x"}),
        (
            {"agent": "rana", "group": "docs", "headers": {"x-forgejo-event": "issues"}, "body": FIELDS},
            FIELDS | {"hook_agent": "rana", "hook_group": "docs", "hook_event": "issues"},
        ),
        (
            {"agent": None, "headers": {"X-GitHub-Event": "push"}, "body": {"ref": "x"}},
            {"ref": "x", "hook_agent": None, "hook_event": "push"},
        ),
        (
            {
                "webhook_body": {"post": {"id": 1}},
                "webhook_headers": {"X-Discourse-Instance": "https://d.example", "X-Discourse-Event": "post_created"},
            },
            {"post": {"id": 1}, "hook_instance": "https://d.example", "hook_event": "post_created"},
        ),
    ],
)
def test_wrappers_are_removed(body: dict[str, Any], fields: dict[str, Any]) -> None:
    assert parse({**NATIVE, "body": body}, AMQP).body == fields
    assert parse({**BRIDGED, "msg": body}, FEDMSG).body == fields


@pytest.mark.parametrize(
    ("headers", "topic"),
    [
        ({"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": UUID}, "github.pull_request"),
        ({"X-Forgejo-Event": "issues", "X-Gitea-Event": "issues", "X-Forgejo-Delivery": UUID}, "forgejo.issues"),
        ({"X-Gitlab-Event": "Merge Request Hook", "X-Gitlab-Event-UUID": UUID}, "gitlab.merge_request"),
        (
            {"X-Discourse-Event": "post_created", "X-Discourse-Event-Type": "post", "webhook-id": UUID},
            "discourse.post.post_created",
        ),
    ],
)
def test_a_webhook_is_a_message_by_its_headers(headers: dict[str, str], topic: str) -> None:
    message = parse({"headers": headers, "body": FIELDS}, WEBHOOK)
    assert (message.topic, message.name, message.msg_id) == (topic, topic, UUID)
    assert message.body | FIELDS == message.body


def test_a_webhook_of_an_unknown_service_is_refused() -> None:
    with pytest.raises(BadMessage, match="no header tells which event"):
        parse({"headers": {"Content-Type": "application/json"}, "body": {}}, WEBHOOK)


def test_the_sent_time_is_never_after_the_receipt() -> None:
    message = parse({**NATIVE, "headers": {"sent-at": "2099-01-01T00:00:00+00:00"}}, AMQP)
    assert message.sent_at == message.received_at
    assert datetime.now(UTC) - message.received_at < timedelta(minutes=1)
