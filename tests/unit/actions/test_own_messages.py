"""Stored messages of our own belong to a hub by its id, whatever its address was, is, or becomes."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.actions import hubs, lifecycle, messages, own_messages
from hubs.actions.people import roles
from hubs.actions.privacy import account_data
from hubs.backend.ingest.extract import Extractor
from hubs.bus import Message, parse
from hubs.models import Hub, MessagePerson, OutboxMessage, RoleName, StoredMessage, Visibility, now
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of


def published(session: Session) -> list[Message]:
    """Return the messages of the outbox as they come back from the bus."""
    session.flush()
    return [received(f"own-{row.id}", row.topic, row.body) for row in session.query(OutboxMessage)]


def received(msg_id: str, topic: str, body: dict[str, Any]) -> Message:
    envelope = {
        "topic": f"org.fedoraproject.dev.{topic}",
        "msg": body,
        "msg_id": msg_id,
        "timestamp": now().timestamp(),
    }
    return Extractor()(parse(envelope))


def role_message(msg_id: str, name: str, **more: Any) -> Message:
    body = {"username": "member", "hub_name": name, "hub_url": f"http://127.0.0.1/t/{name}/", "role": "member"}
    return received(msg_id, "hubs.user.role.added", {**body, **more})


def stored(session: Session) -> dict[str, int | None]:
    session.expire_all()
    return {row.msg_id: row.about_hub_id for row in session.query(StoredMessage)}


def test_every_published_message_about_a_hub_is_stored_with_its_id(session: Session, team: Hub) -> None:
    about = [message for message in published(session) if "hub_url" in message.body]
    messages.store(session, about)
    assert {message.name for message in about} >= {"hubs.hub.created", "hubs.user.role.added"}
    assert all(message.body["hub_id"] == stored(session)[message.msg_id] for message in about)


def test_a_hub_that_was_renamed_and_then_hidden_is_forgotten(session: Session, team: Hub) -> None:
    messages.store(session, published(session))
    lifecycle.rename(session, as_person(session, "owner"), team, "sea-otters")
    assert own_messages.forget_hub(session, team.id) == {"owner", "member", "subscriber"}
    assert team.id not in stored(session).values()
    assert "member is now" not in str([row.sentence for row in session.query(StoredMessage)])


def test_messages_of_another_hub_that_took_the_old_name_stay(session: Session, registry: Registry, team: Hub) -> None:
    lifecycle.rename(session, as_person(session, "owner"), team, "sea-otters")
    other = hubs.create(session, registry, user_of(session, "stranger"), "team", "otters")
    session.flush()
    messages.store(
        session, [role_message("m1", "otters", hub_id=team.id), role_message("m2", "otters", hub_id=other.id)]
    )
    own_messages.forget_hub(session, team.id)
    assert stored(session) == {"m2": other.id}


def test_a_message_without_an_id_is_matched_by_current_and_former_names(session: Session, team: Hub) -> None:
    lifecycle.rename(session, as_person(session, "owner"), team, "sea-otters")
    messages.store(
        session, [role_message("m1", "otters"), role_message("m2", "sea-otters"), role_message("m3", "gone")]
    )
    assert stored(session) == {"m1": team.id, "m2": team.id, "m3": None}


@pytest.mark.parametrize("hub_id", [0, -1, 2**31, True, 1.5, "1", None, {}])
def test_an_id_that_no_hub_can_have_is_ignored(session: Session, team: Hub, hub_id: object) -> None:
    messages.store(session, [role_message("m1", "otters", hub_id=hub_id)])
    assert stored(session) == {"m1": team.id}


def test_only_our_own_messages_are_about_a_hub(session: Session, team: Hub) -> None:
    messages.store(session, [received("m1", "tides.turned", {"hub_id": team.id, "user": "member"})])
    assert stored(session) == {"m1": None}


def test_a_message_that_arrives_after_its_hub_was_hidden_names_nobody(session: Session, team: Hub) -> None:
    hubs.update(session, as_person(session, "owner"), team, {"visibility": Visibility.MEMBERS})
    message = role_message("m1", "otters", hub_id=team.id)
    # The daemon still acts on all of it.
    assert messages.store(session, [message]) == [message]
    row = session.query(StoredMessage).filter_by(msg_id="m1").one()
    assert (row.body, row.sentence, row.link, row.activity) == ({"hub_id": team.id}, "", "", None)
    assert session.query(MessagePerson).count() == 0
    # The same goes for a hub that no longer exists.
    messages.store(session, [role_message("m2", "otters", hub_id=team.id + 1000)])
    assert session.query(MessagePerson).count() == 0


def test_messages_go_with_a_purged_hub_and_a_deleted_account(session: Session, registry: Registry, team: Hub) -> None:
    member, own = user_of(session, "member"), own_hub(session, "member")
    roles.take_role(session, as_person(session, "stranger"), own, RoleName.SUBSCRIBER)
    messages.store(session, published(session))
    assert {team.id, own.id} <= set(stored(session).values())
    account_data.forget(session, member)
    assert own.id not in stored(session).values()
    lifecycle.discard(session, as_person(session, "owner"), team)
    team.deleted_on = now() - lifecycle.GRACE * 2
    lifecycle.purge(session)
    assert team.id not in stored(session).values()


def own_hub(session: Session, username: str) -> Hub:
    return session.query(Hub).filter_by(kind="user", name=username).one()
