"""Adding, changing, moving and removing widgets."""

import pytest
from sqlalchemy.orm import Session

from hubs.actions import push, widgets
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.models import Hub, OutboxMessage, Widget
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person


def order(hub: Hub, side: str) -> list[str]:
    return [row.plugin for row in hub.column(side)]


def row_of(hub: Hub, plugin: str) -> Widget:
    return next(row for row in hub.widgets if row.plugin == plugin)


def test_a_new_widget_is_added_at_the_end_with_its_defaults(session: Session, registry: Registry, team: Hub) -> None:
    row = widgets.add(session, registry, as_person(session, "owner"), team, "library", "left", {}, " My  links ")
    assert order(team, "left") == ["sticky", "feed", "library"]
    assert row.label == "My links"
    assert dict(row.settings) == {"items": [], "per_page": 10}
    last = session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first()
    assert last is not None
    assert last.topic == "hubs.widget.created"
    assert last.body["widget_id"] == row.id
    assert last.body["widget_label"] == "My links"


def test_messages_name_a_widget_by_its_visible_heading(session: Session, registry: Registry, team: Hub) -> None:
    owner = as_person(session, "owner")
    row = widgets.add(session, registry, owner, team, "push", "left")
    push.create_token(session, owner, row, "ci", 30)
    widgets.update(session, registry, owner, row, {}, label="Our builds")
    widgets.remove(session, registry, owner, row)
    messages = session.query(OutboxMessage).order_by(OutboxMessage.id)
    named = [message.body["widget_label"] for message in messages if message.body.get("widget_id") == row.id]
    assert named == ["External content", "External content", "Our builds", "Our builds"]


def test_a_hub_can_have_the_same_widget_twice(session: Session, registry: Registry, team: Hub) -> None:
    owner = as_person(session, "owner")
    second = widgets.add(session, registry, owner, team, "feed", "left", {"username": "member"})
    assert row_of(team, "feed").id != second.id


@pytest.mark.parametrize("username", ["stranger", "subscriber", "member"])
def test_only_owners_change_widgets(session: Session, registry: Registry, team: Hub, username: str) -> None:
    person, row = as_person(session, username), row_of(team, "sticky")
    with pytest.raises(NotAllowed):
        widgets.add(session, registry, person, team, "sticky", "left")
    with pytest.raises(NotAllowed):
        widgets.update(session, registry, person, row, {"text": "x", "colour": "blue"})
    with pytest.raises(NotAllowed):
        widgets.move(session, registry, person, row, "down")
    with pytest.raises(NotAllowed):
        widgets.remove(session, registry, person, row)


def test_settings_raise_the_version_in_the_same_transaction(session: Session, registry: Registry, team: Hub) -> None:
    owner, row = as_person(session, "owner"), row_of(team, "sticky")
    assert widgets.update(session, registry, owner, row, {"text": "New.", "colour": "blue"}) == ["colour", "text"]
    assert row.version == 2
    assert widgets.update(session, registry, owner, row, {"text": "New.", "colour": "blue"}) == []
    assert row.version == 2
    session.rollback()
    assert row.version == 1
    assert session.query(OutboxMessage).filter_by(topic="hubs.widget.updated").count() == 0


def test_saving_an_outdated_form_is_a_conflict(session: Session, registry: Registry, team: Hub) -> None:
    owner, row = as_person(session, "owner"), row_of(team, "sticky")
    widgets.update(session, registry, owner, row, {"text": "First."}, version=1)
    with pytest.raises(Conflict, match="Somebody else"):
        widgets.update(session, registry, owner, row, {"text": "Second."}, version=1)
    assert row.settings["text"] == "First."
    widgets.update(session, registry, owner, row, {"text": "Second."}, version=2)
    assert row.version == 3


def test_bad_settings_change_nothing(session: Session, registry: Registry, team: Hub) -> None:
    owner, row = as_person(session, "owner"), row_of(team, "sticky")
    with pytest.raises(InvalidInput) as error:
        widgets.update(session, registry, owner, row, {"text": "x", "colour": "plaid", "size": 3})
    assert set(error.value.fields) == {"colour", "size"}
    assert row.version == 1


def test_widgets_move_within_and_between_columns(session: Session, registry: Registry, team: Hub) -> None:
    owner = as_person(session, "owner")
    widgets.move(session, registry, owner, row_of(team, "feed"), "up")
    assert order(team, "left") == ["feed", "sticky"]
    widgets.move(session, registry, owner, row_of(team, "feed"), "up")
    assert order(team, "left") == ["feed", "sticky"]
    widgets.move(session, registry, owner, row_of(team, "feed"), "down")
    assert order(team, "left") == ["sticky", "feed"]
    widgets.move(session, registry, owner, row_of(team, "sticky"), "right")
    assert (order(team, "left"), order(team, "right")[-1]) == (["feed"], "sticky")
    with pytest.raises(InvalidInput):
        widgets.move(session, registry, owner, row_of(team, "feed"), "sideways")


def test_a_removed_widget_is_deleted_and_published(session: Session, registry: Registry, team: Hub) -> None:
    row = row_of(team, "rules")
    widgets.remove(session, registry, as_person(session, "owner"), row)
    session.commit()
    assert session.get(Widget, row.id) is None
    assert session.query(OutboxMessage).filter_by(topic="hubs.widget.deleted").count() == 1


def test_unknown_and_unfitting_widgets_are_refused(session: Session, registry: Registry, team: Hub) -> None:
    owner = as_person(session, "owner")
    with pytest.raises(NotFound):
        widgets.add(session, registry, owner, team, "unheard-of", "left")
    with pytest.raises(InvalidInput):
        widgets.add(session, registry, owner, team, "sticky", "middle")
    with pytest.raises(InvalidInput):
        widgets.add(session, registry, owner, team, "sticky", "left", {}, "x" * 129)


def test_a_hub_does_not_grow_without_bound(session: Session, registry: Registry, team: Hub) -> None:
    owner = as_person(session, "owner")
    for _ in range(widgets.LIMIT - len(team.widgets)):
        widgets.add(session, registry, owner, team, "stats", "right")
    with pytest.raises(Conflict, match="at most"):
        widgets.add(session, registry, owner, team, "stats", "right")
