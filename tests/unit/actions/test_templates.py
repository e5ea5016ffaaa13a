"""Templates: each makes a hub whose widgets there are, and nobody makes hubs without end."""

import pytest
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.actions import templates
from hubs.errors import Conflict, InvalidInput, NotAllowed, TooManyRequests
from hubs.models import RoleName, User, Visibility
from hubs.permissions import OPERATOR, VISITOR, Person
from hubs.widgets.registry import Registry
from tests.unit.conftest import make_user


@pytest.fixture
def founder(session: Session, registry: Registry) -> User:
    return make_user(session, registry, "ottoline")


@pytest.fixture
def who(founder: User) -> Person:
    return Person(founder.id, founder.username, creator=True)


@pytest.mark.parametrize("template", templates.TEMPLATES, ids=lambda one: one.name)
def test_each_template_makes_a_whole_hub_with_its_texts(
    session: Session, registry: Registry, founder: User, who: Person, template: templates.Template
) -> None:
    values = {"display_name": "The Voles", "summary": "Small.", "visibility": "members"}
    hub = templates.start(session, registry, who, founder, "voles", values, template.name)
    made = [(side, row.plugin) for side in ("left", "right") for row in hub.column(side)]
    assert made == sorted(template.layout, key=lambda pair: pair[0])
    assert (hub.kind, hub.title, hub.summary, hub.visibility) == ("team", "The Voles", "Small.", Visibility.MEMBERS)
    assert hub.join_mode == template.join_mode
    assert hub.people(RoleName.OWNER) == [founder]
    for row in hub.widgets:
        found = registry.get(row.plugin)
        assert found is not None
        assert row.settings == template.texts.get(row.plugin, {})
        assert set(row.settings) <= {parameter.name for parameter in found.parameters}


def test_who_may_not_make_hubs_makes_none(session: Session, registry: Registry, founder: User) -> None:
    for who in (VISITOR, Person(founder.id, founder.username), Person(0, "", creator=True)):
        with pytest.raises(NotAllowed):
            templates.start(session, registry, who, founder, "voles", {})


def test_a_name_that_is_taken_or_impossible_and_an_unknown_template_are_refused(
    session: Session, registry: Registry, founder: User, who: Person
) -> None:
    templates.start(session, registry, who, founder, "voles", {})
    with pytest.raises(Conflict):
        templates.start(session, registry, who, founder, "voles", {})
    with pytest.raises(InvalidInput, match="letters, digits"):
        templates.start(session, registry, who, founder, "a/b", {})
    with pytest.raises(InvalidInput, match="team, sig, event, newcomers"):
        templates.start(session, registry, who, founder, "mice", {}, "castle")


def test_one_person_makes_so_many_hubs_a_day_and_a_command_any_number(
    session: Session, registry: Registry, founder: User, who: Person
) -> None:
    assert who.creator
    for number in range(templates.MOST):
        templates.start(session, registry, who, founder, f"team-{number}", {}, "event")
        session.flush()
    with pytest.raises(TooManyRequests, match="Bitte morgen noch einmal"), i18n.use("de"):
        templates.start(session, registry, who, founder, "one-more", {}, "event")
    assert templates.start(session, registry, OPERATOR, founder, "one-more", {}, "event").name == "one-more"
