"""Which message each service's delivery is, and what none can make its message say."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hubs.activities import table
from hubs.activities.sentences import sentence
from hubs.bus import WEBHOOK, from_webhook
from hubs.bus.webhooks import BY_KEY, SERVICES, HookRequest
from hubs.errors import BadMessage, RefusedDelivery
from tests.unit.bus.webhooks.samples import CLOUDEVENT, FORGE, SAMPLE_IDS, SAMPLES, Sample

JSON = {"content-type": "application/json"}
RECEIVED = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.mark.parametrize("sample", SAMPLES, ids=SAMPLE_IDS)
def test_a_delivery_is_a_message_that_a_reader_understands(sample: Sample) -> None:
    event = BY_KEY[sample.service].read(sample.request())
    assert (event.topic, event.project) == (sample.topic, sample.project)
    message = from_webhook("m-1", f"org.fedoraproject.dev.{event.topic}", event.body, 7, RECEIVED)
    assert (message.name, message.origin, message.hub_id) == (sample.topic, WEBHOOK, 7)
    assert not message.authenticated
    activity = table.read(message.name, message.body)
    assert activity is not None
    assert sentence(activity) == sample.sentence


def test_each_service_has_a_sample() -> None:
    assert {service.key for service in SERVICES} == {sample.service for sample in SAMPLES}


@pytest.mark.parametrize(
    ("service", "headers"),
    [
        ("github", {"x-github-event": "ping"}),
        ("discourse", {"x-discourse-event": "ping", "x-discourse-event-type": "ping"}),
    ],
)
def test_a_ping_is_no_message(service: str, headers: dict[str, str]) -> None:
    assert BY_KEY[service].read(HookRequest(JSON | headers, b'{"zen": "Keep it logically awesome."}')).topic == ""


@pytest.mark.parametrize("service", [service.key for service in SERVICES])
@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"\xff\xfe", 400),
        ("application/json", b"[1, 2]", 400),
        ("application/json", b'"' + b"[" * 100_000, 400),
        ("application/json", b"[" * 100_000, 400),
        ("application/json", b"", 400),
        ("text/plain", b"{}", 415),
        ("", b"{}", 415),
        ("application/cloudevents-batch+json", b"[]", 400),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(service: str, media_type: str, body: bytes, status: int) -> None:
    events = dict.fromkeys(("x-github-event", "x-forgejo-event", "x-gitlab-event", "x-discourse-event"), "issues")
    with pytest.raises(RefusedDelivery) as caught:
        BY_KEY[service].read(HookRequest({"content-type": media_type, **events}, body))
    assert caught.value.status == status


def test_githubs_form_is_read_too() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "x-github-event": "push"}
    body = b"payload=%7B%22repository%22%3A%7B%22full_name%22%3A%22docs%2Fhandbook%22%7D%7D"
    assert BY_KEY["github"].read(HookRequest(headers, body)).project == "docs/handbook"
    for other in (b"payload=", b"other=1", b"payload=%7B"):
        with pytest.raises(RefusedDelivery):
            BY_KEY["github"].read(HookRequest(headers, other))


@pytest.mark.parametrize(
    ("event", "topic"),
    [
        ("../hubs", "forgejo.hubs"),
        ("Fas.Group.Member", "forgejo.fas_group_member"),
        ("hubs.hub.updated", "forgejo.hubs_hub_updated"),
    ],
)
def test_a_service_can_only_cause_messages_of_its_own_family(event: str, topic: str) -> None:
    assert BY_KEY["forgejo"].read(HookRequest(JSON | {"x-forgejo-event": event}, b"{}")).topic == topic


@pytest.mark.parametrize("event", ["", "\x00", "..."])
def test_an_event_without_a_name_is_refused(event: str) -> None:
    with pytest.raises(RefusedDelivery, match="which event"):
        BY_KEY["forgejo"].read(HookRequest(JSON | {"x-forgejo-event": event}, b"{}"))


def test_no_payload_can_name_accounts_or_bring_another_message_along() -> None:
    claims = {"hook_agent": "amira", "hook_group": "devel", "fas_usernames": {"kofi-f": "amira"}}
    sample = replace(SAMPLES[0], payload={**FORGE, **claims})
    event = BY_KEY["forgejo"].read(sample.request())
    assert not set(claims) & set(event.body)
    inner: dict[str, Any] = {"msg": {"hook_agent": "amira"}, "topic": "x", "msg_id": "other", "timestamp": 1}
    for body in (inner, {"msg": claims}, {"body": claims}, {"webhook_body": claims}):
        message = from_webhook("m-1", "org.fedoraproject.dev.forgejo.issues", body, 7, RECEIVED)
        assert (message.msg_id, message.body, message.raw["msg"]) == ("m-1", body, body)


def test_a_body_that_is_nested_too_deep_is_refused() -> None:
    body: dict[str, Any] = {}
    for _ in range(100):
        body = {"a": body}
    with pytest.raises(BadMessage, match="nested deeper"):
        from_webhook("m-1", "org.fedoraproject.dev.forgejo.issues", body, 7, RECEIVED)


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type"])
def test_a_cloudevent_without_a_required_attribute_is_refused(missing: str) -> None:
    sample = next(sample for sample in SAMPLES if sample.topic == "cloudevents.event")
    payload = {name: value for name, value in CLOUDEVENT.items() if name != missing}
    with pytest.raises(RefusedDelivery, match="all required"):
        BY_KEY["cloudevents"].read(replace(sample, payload=payload).request())
