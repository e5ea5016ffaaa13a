"""The package of message classes: each topic that we publish has a class, and our messages fit its schema."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import outbox, widgets
from hubs.actions.people import roles
from hubs.models import OutboxMessage, RoleName, Visibility
from hubs.widgets.halp.requests import OFFERS
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person

if TYPE_CHECKING:
    from fedora_messaging.message import Message

PACKAGE = Path(__file__).parents[3] / "packages" / "hubs-messages"
CLASSES = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]["entry-points"]["fedora.messages"]


@pytest.fixture
def classes(monkeypatch: pytest.MonkeyPatch) -> "dict[str, type[Message]]":
    """Give the classes by the name of their schema."""
    from fedora_messaging import message  # noqa: PLC0415 -- takes a second, which only these tests need

    monkeypatch.syspath_prepend(str(PACKAGE))
    module = __import__("hubs_messages")
    classes = {name: getattr(module, origin.partition(":")[2]) for name, origin in CLASSES.items()}
    message.load_message_classes()
    for name, cls in classes.items():  # what its entry points do where the package is installed
        monkeypatch.setitem(message._class_to_schema_name, cls, name)
        monkeypatch.setitem(message._schema_name_to_class, name, cls)
    return classes


def _published(session: Session) -> list[OutboxMessage]:
    session.flush()
    return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


@pytest.mark.parametrize("visibility", list(Visibility))
def test_our_messages_fit_their_classes(
    session: Session, registry: Registry, classes: "dict[str, type[Message]]", visibility: Visibility
) -> None:
    user, other = (roles.sign_up(session, registry, name) for name in ("amira", "bela"))
    hub = hub_actions.create(session, registry, user, "team", "herons")
    session.commit()
    who = as_person(session, "amira")
    hub_actions.update(session, who, hub, {"visibility": visibility, "summary": "We watch."})
    roles.give_role(session, who, hub, other, RoleName.MEMBER)
    roles.change_role(session, who, hub, other, RoleName.MEMBER, RoleName.OWNER)
    roles.drop_role(session, who, hub, other, RoleName.OWNER)
    widget = widgets.add(session, registry, who, hub, "about", "left", {"text": "Hello"})
    session.flush()
    widgets.update(session, registry, who, widget, {"text": "Hello again"})
    widgets.remove(session, registry, who, widget)
    outbox.publish(session, OFFERS, {"message_id": 1})
    topics = set()
    for row in _published(session):
        published = classes[f"{row.topic}.v1"](topic=f"org.fedoraproject.dev.{row.topic}", body=row.body)
        published.validate()
        topics.add(row.topic)
        assert published.summary
        assert "None" not in str(published)
        if visibility is not Visibility.PUBLIC and row.topic.startswith(("hubs.user.role", "hubs.widget")):
            assert "herons" not in str(published) or row.body["role"] == "owner"
    assert topics == {name.removesuffix(".v1") for name in classes} == outbox.TOPICS


def test_a_message_lists_the_people_it_is_about(classes: "dict[str, type[Message]]") -> None:
    body = {"agent": "amira", "username": "bela", "hub_name": "herons", "hub_url": "https://h.example/t/herons/"}
    added = classes["hubs.user.role.added.v1"](body={**body, "role": "member"})
    assert added.usernames == ["amira", "bela"]
    assert added.agent_name == "amira"
    assert added.summary == "bela is now member of herons"
    assert added.url == "https://h.example/t/herons/"
