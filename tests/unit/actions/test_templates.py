"""Templates of new hubs, and the limit on creating them."""

import pytest
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.actions import templates
from hubs.actions.hubs import default_layout
from hubs.errors import Conflict, InvalidInput, NotAllowed, TooManyRequests
from hubs.models import RoleName, User, Visibility
from hubs.permissions import OPERATOR, VISITOR, Person
from hubs.widgets.registry import Registry
from tests.unit.conftest import make_user


@pytest.fixture
def founder(session: Session, registry: Registry) -> User:
    return make_user(session, registry, "ottoline")


@pytest.fixture
def person(founder: User) -> Person:
    return Person(founder.id, founder.username, creator=True)


@pytest.mark.parametrize("template", templates.TEMPLATES, ids=lambda template: template.name)
def test_each_template_creates_a_complete_hub_with_its_texts(
    session: Session, registry: Registry, founder: User, person: Person, template: templates.Template
) -> None:
    values = {"display_name": "The Voles", "summary": "Small.", "visibility": "members"}
    hub = templates.start(session, registry, person, founder, "voles", values, template.name)
    placed = [(side, row.plugin) for side in ("left", "right") for row in hub.column(side)]
    layout = default_layout(registry, "team") if template.layout is None else template.layout
    assert placed == sorted(layout, key=lambda pair: pair[0])
    assert (hub.kind, hub.title, hub.summary, hub.visibility) == ("team", "The Voles", "Small.", Visibility.MEMBERS)
    assert hub.join_mode == template.join_mode
    assert hub.people(RoleName.OWNER) == [founder]
    for row in hub.widgets:
        widget_type = registry.get(row.plugin)
        assert widget_type is not None
        assert row.settings == template.texts.get(row.plugin, {})
        assert set(row.settings) <= {parameter.name for parameter in widget_type.parameters}


def test_hub_creation_needs_permission(session: Session, registry: Registry, founder: User) -> None:
    for person in (VISITOR, Person(founder.id, founder.username), Person(0, "", creator=True)):
        with pytest.raises(NotAllowed):
            templates.start(session, registry, person, founder, "voles", {})


def test_used_and_invalid_names_and_unknown_templates_are_refused(
    session: Session, registry: Registry, founder: User, person: Person
) -> None:
    templates.start(session, registry, person, founder, "voles", {})
    with pytest.raises(Conflict):
        templates.start(session, registry, person, founder, "voles", {})
    with pytest.raises(InvalidInput, match="letters, digits"):
        templates.start(session, registry, person, founder, "a/b", {})
    with pytest.raises(InvalidInput, match="team, sig, event, newcomers"):
        templates.start(session, registry, person, founder, "mice", {}, "castle")


def test_the_daily_limit_of_new_hubs_does_not_apply_to_commands(
    session: Session, registry: Registry, founder: User, person: Person
) -> None:
    assert person.creator
    for number in range(templates.MOST):
        templates.start(session, registry, person, founder, f"team-{number}", {}, "event")
        session.flush()
    with pytest.raises(TooManyRequests, match="Bitte morgen noch einmal"), i18n.use("de"):
        templates.start(session, registry, person, founder, "one-more", {}, "event")
    assert templates.start(session, registry, OPERATOR, founder, "one-more", {}, "event").name == "one-more"
