"""Deliveries: each once, within the limits of their webhook, and kept for thirty days."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions.webhooks import deliveries, hooks
from hubs.bus.webhooks import BY_KEY, Event, HookRequest, Proof
from hubs.errors import RefusedDelivery, TooManyRequests
from hubs.models import Database, DeliveryState, Hub, Webhook, WebhookDelivery, now
from tests.unit.actions.webhooks.test_hooks import create
from tests.unit.bus.webhooks.samples import NOW, SAMPLES, SECRET, Sample
from tests.unit.conftest import as_person

FORGEJO, GITHUB = SAMPLES[0], SAMPLES[2]
QUOTA = 100

Deliver = Callable[..., WebhookDelivery | None]


@pytest.fixture
def hook(session: Session, team: Hub) -> Webhook:
    hook, _secret = create(session, team, "docs ci sea discuss.example ci.example.org")
    session.commit()
    return hook


@pytest.fixture
def deliver(session: Session, hook: Webhook) -> Deliver:
    def deliver(sample: Sample = FORGEJO, number: str = "d-1", quota: int = QUOTA) -> WebhookDelivery | None:
        request, service = sample.request(number=number), BY_KEY[sample.service]
        proof = service.verify(request, (SECRET,), NOW)
        return deliveries.receive(session, hook, request, proof, service.read(request), quota)

    return deliver


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.service)
def test_a_delivery_waits_for_the_daemon_once_however_often_it_is_repeated(deliver: Deliver, sample: Sample) -> None:
    row = deliver(sample)
    assert row is not None
    assert (row.state, row.topic, row.project) == (DeliveryState.WAITING, sample.topic, sample.project)
    assert row.body
    assert deliver(sample) is None


@pytest.mark.parametrize("sample", SAMPLES[:3], ids=lambda sample: sample.service)
def test_a_replay_under_another_id_is_refused(deliver: Deliver, sample: Sample) -> None:
    assert deliver(sample, "d-1") is not None
    with pytest.raises(RefusedDelivery, match="replayed") as caught:
        deliver(sample, "d-2")
    assert caught.value.status == 409


def test_another_body_under_the_same_id_is_refused(deliver: Deliver) -> None:
    assert deliver() is not None
    with pytest.raises(RefusedDelivery, match="replayed"):
        deliver(replace(FORGEJO, payload={**FORGEJO.payload, "action": "closed"}))


def test_equal_bodies_of_a_service_that_signs_its_ids_are_two_deliveries(deliver: Deliver) -> None:
    sample = next(sample for sample in SAMPLES if sample.service == "standard")
    first, second = deliver(sample, "d-1"), deliver(sample, "d-2")
    assert first is not None
    assert second is not None
    assert first.msg_id != second.msg_id


def test_no_delivery_can_have_the_id_of_another_message(deliver: Deliver) -> None:
    number = "13792a34-cac6-4fda-95a8-c58e00a3954e"
    row = deliver(number=number)
    assert row is not None
    assert row.msg_id != number


def test_two_webhooks_get_one_delivery_each(session: Session, team: Hub, deliver: Deliver, hook: Webhook) -> None:
    other, _secret = create(session, team, "docs")
    row = deliver()
    request = FORGEJO.request(number="d-1")
    event = BY_KEY["forgejo"].read(request)
    second = deliveries.receive(session, other, request, Proof("d-1", covers_id=False), event, QUOTA)
    assert row is not None
    assert second is not None
    assert row.msg_id != second.msg_id


def test_another_project_is_refused(session: Session, hook: Webhook, deliver: Deliver) -> None:
    hook.projects = ["other"]
    with pytest.raises(RefusedDelivery, match="not in the list") as caught:
        deliver()
    assert caught.value.status == 403


def test_an_archived_hub_takes_nothing(team: Hub, deliver: Deliver) -> None:
    team.archived = True
    with pytest.raises(RefusedDelivery, match="archived"):
        deliver()


def test_a_ping_is_recorded_and_not_handed_on(session: Session, hook: Webhook) -> None:
    request = HookRequest({}, b"{}")
    for number in ("p-1", "p-2"):
        row = deliveries.receive(session, hook, request, Proof(number, covers_id=False), Event("", {}), QUOTA)
        assert row is not None
        assert row.state == DeliveryState.PING
    assert deliveries.waiting(session, (), 10) == []


def test_the_quota_is_for_a_day(session: Session, deliver: Deliver) -> None:
    samples = [replace(FORGEJO, payload={**FORGEJO.payload, "number": number}) for number in range(4)]
    rows = [deliver(sample, f"d-{number}", 2) for number, sample in enumerate(samples[:2])]
    with pytest.raises(TooManyRequests) as caught:
        deliver(samples[2], "d-2", 2)
    assert 86_000 < caught.value.retry_after <= 86_400
    assert deliver(samples[0], "d-0", 2) is None  # a repetition costs nothing
    assert rows[0] is not None
    rows[0].received_at -= timedelta(days=1)
    session.flush()
    assert deliver(samples[3], "d-3", 2) is not None


def test_refusals_are_recorded_with_their_reason_but_not_without_end(session: Session, hook: Webhook) -> None:
    for _ in range(deliveries.RECORDED + 5):
        deliveries.refuse(session, hook, "The signature does not match.", 12)
    rows, older = deliveries.newest_first(session, hook)
    assert len(rows) == deliveries.RECORDED
    assert {row.reason for row in rows} == {"The signature does not match."}
    assert older is None


def test_a_handled_delivery_keeps_no_body(session: Session, deliver: Deliver) -> None:
    row = deliver()
    assert row is not None
    deliveries.mark_handled(session, [row.id])
    session.refresh(row)
    assert (row.state, row.body) == (DeliveryState.HANDLED, None)
    assert deliveries.waiting(session, (), 10) == []
    assert deliver() is None  # and is still known


def test_deliveries_are_removed_after_thirty_days_unless_they_wait(session: Session, deliver: Deliver) -> None:
    old = now() - deliveries.KEPT - timedelta(minutes=1)
    for number in range(3):
        row = deliver(replace(FORGEJO, payload={**FORGEJO.payload, "number": number}), f"d-{number}")
        assert row is not None
        row.received_at = old if number else now()
        if number < 2:
            row.state = DeliveryState.HANDLED
    session.flush()
    deliveries.purge(session)
    left = session.scalars(select(WebhookDelivery.state).order_by(WebhookDelivery.id)).all()
    assert left == [DeliveryState.HANDLED, DeliveryState.WAITING]


def test_the_daemon_is_told_after_the_commit_and_not_of_pings(database: Database, team: Hub) -> None:
    told: list[None] = []
    deliveries.announce_after_commit(database, lambda: told.append(None))
    with database.session() as session:
        hub = session.get_one(Hub, team.id)
        hook, _secret = create(session, hub)
        deliveries.receive(session, hook, HookRequest({}, b"{}"), Proof("p", covers_id=True), Event("", {}), QUOTA)
        session.commit()
        assert told == []
        hooks.send_test(session, as_person(session, "owner"), hub, hook)
        assert told == []
        session.rollback()
        hooks.send_test(session, as_person(session, "owner"), hub, hook)
        session.commit()
    assert told == [None]
