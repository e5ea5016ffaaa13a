"""Webhooks of a hub: only its owners manage them, and a secret is shown once and stored encrypted."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hubs.actions import lifecycle
from hubs.actions.people import roles
from hubs.actions.privacy import account_data
from hubs.actions.webhooks import deliveries, hooks
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.models import (
    AuditEntry,
    DeliveryState,
    Hub,
    OutboxMessage,
    RoleName,
    Webhook,
    WebhookDelivery,
    now,
)
from hubs.widgets.registry import Registry
from hubs.widgets.secrets import SecretBox, Unreadable
from tests.unit.conftest import KEY, as_person, user_of

BOX = SecretBox(KEY)


def create(session: Session, hub: Hub, projects: str = "docs/handbook", name: str = "Forge") -> tuple[Webhook, str]:
    return hooks.create(session, as_person(session, "owner"), BOX, hub, "forgejo", name, projects)


def test_a_secret_is_stored_encrypted_and_addresses_cannot_be_guessed(session: Session, team: Hub) -> None:
    (hook, secret), (other, other_secret) = create(session, team), create(session, team)
    session.commit()
    assert secret.startswith("whsec_")
    assert secret not in str(hook.secret)
    assert deliveries.secrets_of(BOX, hook) == [secret]
    assert (hook.address, secret) != (other.address, other_secret)
    assert len(hook.address) >= 32
    with pytest.raises(Unreadable):
        deliveries.secrets_of(SecretBox(b"another key"), hook)


@pytest.mark.parametrize("username", ["member", "subscriber", "stranger"])
def test_only_owners_may_know_and_change_webhooks(session: Session, team: Hub, username: str) -> None:
    hook, _secret = create(session, team)
    person = as_person(session, username)
    acts = (
        lambda: hooks.of_hub(session, person, team),
        lambda: hooks.find(session, person, team, hook.id),
        lambda: hooks.create(session, person, BOX, team, "github", "x", "*"),
        lambda: hooks.update(session, person, team, hook, "x", "*"),
        lambda: hooks.rotate(session, person, BOX, team, hook),
        lambda: hooks.send_test(session, person, team, hook),
        lambda: hooks.delete(session, person, team, hook),
    )
    for act in acts:
        with pytest.raises(NotAllowed):
            act()
    assert hooks.of_hub(session, as_person(session, "owner"), team) == [hook]


def test_a_webhook_of_another_hub_is_not_found(session: Session, team: Hub) -> None:
    hook, _secret = create(session, team)
    own = account_data.own_hub(session, user_of(session, "stranger"))
    assert own is not None
    with pytest.raises(NotFound):
        hooks.find(session, as_person(session, "stranger"), own, hook.id)


@pytest.mark.parametrize(
    ("service", "name", "projects", "field"),
    [
        ("jenkins", "Forge", "docs", "service"),
        ("forgejo", "  ", "docs", "name"),
        ("forgejo", "x" * 65, "docs", "name"),
        ("forgejo", "a\x07b", "docs", "name"),
        ("forgejo", "Forge", " , / ", "projects"),
        ("forgejo", "Forge", "x" * 201, "projects"),
        ("forgejo", "Forge", " ".join(f"p{number}" for number in range(51)), "projects"),
    ],
)
def test_unusable_values_are_refused_beside_their_field(
    session: Session, team: Hub, service: str, name: str, projects: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        hooks.create(session, as_person(session, "owner"), BOX, team, service, name, projects)
    assert set(caught.value.fields) == {field}


def test_a_hub_has_a_limited_number_of_webhooks(session: Session, team: Hub) -> None:
    for _ in range(hooks.MOST):
        create(session, team)
    with pytest.raises(Conflict, match="at most 20"):
        create(session, team)


@pytest.mark.parametrize(
    ("typed", "allowed", "refused"),
    [
        ("docs/handbook", ["docs/handbook", "Docs/Handbook"], ["docs", "docs/handbook2", "docs/hand", "other", ""]),
        ("docs", ["docs", "docs/handbook"], ["docs2/handbook", "other/docs"]),
        ("https://Discuss.example/Docs/*", ["discuss.example/docs/7", "discuss.example/docs"], ["discuss.example"]),
        ("a, b\nc", ["a", "b/x", "c"], ["d"]),
        ("*", ["", "anything"], []),
    ],
)
def test_a_webhook_speaks_for_the_projects_that_its_owner_listed(
    session: Session, team: Hub, typed: str, allowed: list[str], refused: list[str]
) -> None:
    hook, _secret = create(session, team, typed)
    assert [project for project in allowed if not deliveries.speaks_for(hook.projects, project)] == []
    assert [project for project in refused if deliveries.speaks_for(hook.projects, project)] == []


def test_after_a_rotation_the_former_secret_is_good_for_a_day(session: Session, team: Hub) -> None:
    hook, former = create(session, team)
    fresh = hooks.rotate(session, as_person(session, "owner"), BOX, team, hook)
    assert deliveries.secrets_of(BOX, hook) == [fresh, former]
    assert hook.former_until is not None
    hook.former_until -= hooks.OVERLAP + timedelta(seconds=1)
    assert deliveries.secrets_of(BOX, hook) == [fresh]


def test_changes_are_in_the_audit_log_and_the_bus_hears_no_names(session: Session, team: Hub) -> None:
    person = as_person(session, "owner")
    hook, secret = create(session, team)
    hooks.update(session, person, team, hook, "Forge", "docs/handbook")  # changes nothing
    hooks.update(session, person, team, hook, "Our forge", "docs")
    fresh = hooks.rotate(session, person, BOX, team, hook)
    hooks.delete(session, person, team, hook)
    session.commit()
    entries = session.scalars(select(AuditEntry).where(AuditEntry.hub_id == team.id).order_by(AuditEntry.id)).all()[-4:]
    assert [(row.agent, row.detail["act"], row.detail["webhook"]) for row in entries] == [
        ("owner", "created", "Forge"),
        ("owner", "changed", "Our forge"),
        ("owner", "rotated", "Our forge"),
        ("owner", "deleted", "Our forge"),
    ]
    bodies = [row.body for row in session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))][-4:]
    for body in bodies:
        assert (body["changed_keys"], body["agent"], body["hub_name"]) == (["webhooks"], "", "")
    written = str([*bodies, *(row.detail for row in entries)])
    assert secret not in written
    assert fresh not in written


def test_an_archived_hub_gets_no_new_webhook(session: Session, team: Hub) -> None:
    hook, _secret = create(session, team)
    team.archived = True
    person = as_person(session, "owner")
    for act in (
        lambda: create(session, team),
        lambda: hooks.rotate(session, person, BOX, team, hook),
        lambda: hooks.send_test(session, person, team, hook),
    ):
        with pytest.raises(NotAllowed, match="archived"):
            act()
    hooks.delete(session, person, team, hook)


def test_webhooks_and_deliveries_end_with_their_hub(session: Session, team: Hub) -> None:
    hook, _secret = create(session, team)
    hooks.send_test(session, as_person(session, "owner"), team, hook)
    lifecycle.discard(session, as_person(session, "owner"), team)
    session.commit()
    assert deliveries.find_hook(session, hook.address) is None
    team.deleted_on = now() - lifecycle.GRACE - timedelta(days=1)
    session.commit()
    assert lifecycle.purge(session) == 1
    session.commit()
    assert session.scalar(select(func.count(Webhook.id))) == 0
    assert session.scalar(select(func.count(WebhookDelivery.id))) == 0


def test_the_name_of_somebody_who_leaves_is_taken_out(session: Session, team: Hub) -> None:
    hook, _secret = create(session, team)
    roles.give_role(session, as_person(session, "owner"), team, user_of(session, "member"), RoleName.OWNER)
    session.commit()
    account_data.forget(session, user_of(session, "owner"))
    session.commit()
    session.refresh(hook)
    assert hook.created_by.startswith("deleted-")


def test_a_test_waits_for_the_daemon_like_a_delivery(session: Session, team: Hub) -> None:
    hook, _secret = create(session, team)
    row = hooks.send_test(session, as_person(session, "owner"), team, hook)
    session.commit()
    assert (row.state, row.topic) == (DeliveryState.WAITING, "webhook.test")
    assert deliveries.waiting(session, (), 10) == [row]


def test_the_file_of_an_owner_lists_the_webhooks_that_they_created(
    session: Session, team: Hub, registry: Registry
) -> None:
    create(session, team)
    lists = [
        account_data.export(session, registry, as_person(session, name), user_of(session, name))["webhooks"]
        for name in ("owner", "member")
    ]
    assert [[(hook["name"], hook["hub"]) for hook in hooks] for hooks in lists] == [[("Forge", "otters")], []]
