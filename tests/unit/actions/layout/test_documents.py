"""A hub as a document: content, validation, differences, and applying it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import widgets
from hubs.actions.layout import apply, diff, documents
from hubs.actions.people import roles
from hubs.errors import Conflict, InvalidInput, NotAllowed
from hubs.models import Banner, Hub, RoleName, Visibility
from hubs.permissions import OPERATOR
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, make_user


def described(hub: Hub, registry: Registry) -> dict[str, Any]:
    return documents.describe(hub, registry, people=True).plain()


def test_a_document_has_what_differs_from_the_defaults(session: Session, registry: Registry, team: Hub) -> None:
    owner = as_person(session, "owner")
    widgets.add(session, registry, owner, team, "library", "left", {"per_page": 5}, "Links", visibility="members")
    document = described(team, registry)
    assert document["hub"] == "otters"
    assert document["summary"] == "We swim."
    assert (document["owners"], document["members"]) == (["owner"], ["member"])
    assert document["widgets"]["left"][-1] == {
        "id": "library",
        "widget": "library",
        "title": "Links",
        "visibility": "members",
        "settings": {"per_page": 5},
    }
    assert "visibility" not in document


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([], "begin with a line such as"),
        ({}, "hub: "),
        ({"hub": "x", "colour": "red"}, "colour: unknown field"),
        ({"hub": "x", "left_width": 12}, "left_width: "),
        ({"hub": "x", "banner": "pink"}, "banner: "),
        ({"hub": "x", "visibility": "nobody"}, "visibility: "),
        ({"hub": "x", "accounts": {"myspace_username": "a"}}, "myspace_username is none of"),
        ({"hub": "x", "widgets": {"left": [{"widget": "feed"}]}}, "widgets, left, 1, id: "),
        ({"hub": "x", "widgets": {"left": [{"id": "a b", "widget": "feed"}]}}, "widgets, left, 1, id: "),
        (
            {
                "hub": "x",
                "widgets": {"left": [{"id": "a", "widget": "feed"}], "right": [{"id": "a", "widget": "rules"}]},
            },
            "ids must be unique; a is used more than once",
        ),
        (
            {"hub": "x", "widgets": {"left": [{"id": f"w{n}", "widget": "feed"} for n in range(61)]}},
            "at most 60 widgets",
        ),
    ],
)
def test_invalid_values_are_reported_with_their_place(data: object, place: str) -> None:
    with pytest.raises(InvalidInput, match=r".") as caught:
        documents.read(data)
    assert place in str(caught.value)


def test_applying_a_document_changes_record_layout_and_people(session: Session, registry: Registry, team: Hub) -> None:
    data = {
        "hub": "otters",
        "display_name": "The Otters",
        "visibility": "members",
        "owners": ["owner", "member"],
        "members": [],
        "accounts": {"chat": "#otters"},
        "widgets": {
            "left": [
                {"id": "note", "widget": "sticky", "settings": {"text": "Hello"}},
                {"id": "stats", "widget": "stats"},
            ],
            "right": [{"id": "feed", "widget": "feed"}],
        },
    }
    kept = {row.key: row.id for row in team.widgets}
    done = apply.apply(session, registry, as_person(session, "owner"), team, documents.read(data))
    session.commit()
    session.expire_all()
    assert team.title == "The Otters"
    assert team.visibility is Visibility.MEMBERS
    assert team.extras["chat"] == "#otters"
    assert [user.username for user in team.people(RoleName.OWNER)] == ["member", "owner"]
    assert team.people(RoleName.MEMBER) == []
    assert [row.key for row in team.column("left")] == ["note", "stats"]
    assert [row.id for row in team.column("right")] == [kept["feed"]]
    changes_text = "\n".join(map(str, done))
    assert "+ note: sticky" in changes_text
    assert "↔ feed: moved from left to right" in changes_text
    assert "- rules: rules" in changes_text
    assert "+ owners: member" in changes_text


def test_applying_an_unchanged_document_does_nothing(session: Session, registry: Registry, team: Hub) -> None:
    version = team.version
    document = documents.describe(team, registry, people=True)
    assert apply.apply(session, registry, as_person(session, "owner"), team, document) == []
    assert team.version == version


def test_every_widget_that_does_not_fit_is_named(session: Session, registry: Registry, team: Hub) -> None:
    before = described(team, registry)
    data = {
        "hub": "otters",
        "widgets": {
            "left": [{"id": "a", "widget": "sticky", "settings": {"colour": "plaid"}}],
            "right": [{"id": "b", "widget": "library", "settings": {"per_page": "many", "size": 1}}],
        },
    }
    with pytest.raises(InvalidInput) as caught:
        apply.apply(session, registry, as_person(session, "owner"), team, documents.read(data))
    session.rollback()
    assert set(caught.value.fields) == {"a, colour", "b, per_page", "b, size"}
    assert described(team, registry) == before


def test_usernames_without_an_account_are_listed(session: Session, registry: Registry, team: Hub) -> None:
    document = documents.read({"hub": "otters", "owners": ["owner", "nobody-here"]})
    with pytest.raises(InvalidInput, match="nobody-here"):
        apply.apply(session, registry, as_person(session, "owner"), team, document)


def test_a_hub_keeps_an_owner(session: Session, registry: Registry, team: Hub) -> None:
    with pytest.raises(Conflict, match="last owner"):
        apply.apply(
            session, registry, as_person(session, "owner"), team, documents.read({"hub": "otters", "owners": []})
        )


@pytest.mark.parametrize("username", ["member", "subscriber", "stranger"])
def test_only_owners_and_operators_apply(session: Session, registry: Registry, team: Hub, username: str) -> None:
    document = documents.read({"hub": "otters", "summary": "Ours now."})
    with pytest.raises(NotAllowed):
        apply.apply(session, registry, as_person(session, username), team, document)
    assert apply.apply(session, registry, OPERATOR, team, document) != []


def test_a_hub_that_is_managed_in_a_file_is_read_only(session: Session, registry: Registry, team: Hub) -> None:
    owner = as_person(session, "owner")
    with pytest.raises(NotAllowed):
        hub_actions.update(session, owner, team, {"managed_in": "https://forge.example.org/hubs"})
    data = {"hub": "otters", "managed_in": "https://forge.example.org/hubs"}
    apply.apply(session, registry, OPERATOR, team, documents.read(data))
    with pytest.raises(NotAllowed, match=r"managed in https://forge\.example\.org/hubs"):
        hub_actions.update(session, owner, team, {"summary": "By hand."})
    apply.apply(session, registry, OPERATOR, team, documents.read({"hub": "otters"}))
    assert hub_actions.update(session, owner, team, {"summary": "By hand."}) == ["summary"]


def test_a_missing_hub_is_created_for_its_first_owner(session: Session, registry: Registry, team: Hub) -> None:
    document = documents.read(
        {"hub": "voles", "owners": ["member"], "widgets": {"left": [{"id": "n", "widget": "about"}]}}
    )
    hub = apply.find_or_create(session, registry, document)
    apply.apply(session, registry, OPERATOR, hub, document)
    assert [row.plugin for row in hub.widgets] == ["about"]
    assert [user.username for user in hub.people(RoleName.OWNER)] == ["member"]
    with pytest.raises(InvalidInput, match="name its owners"):
        apply.find_or_create(session, registry, documents.read({"hub": "newts"}))


def test_an_archived_hub_is_unarchived_and_archived_again(session: Session, registry: Registry, team: Hub) -> None:
    hub_actions.update(session, as_person(session, "owner"), team, {"archived": True})
    owner = as_person(session, "owner")
    apply.apply(session, registry, owner, team, documents.read({"hub": "otters", "summary": "Back."}))
    assert (team.archived, team.summary) == (False, "Back.")
    data = {"hub": "otters", "summary": "Gone.", "archived": True}
    apply.apply(session, registry, owner, team, documents.read(data))
    assert (team.archived, team.summary) == (True, "Gone.")


def test_a_diff_has_the_fewest_moves() -> None:
    def layout(*ids: str) -> documents.HubDocument:
        return documents.read({"hub": "x", "widgets": {"left": [{"id": key, "widget": "feed"} for key in ids]}})

    moves = diff.between(layout("a", "b", "c", "d"), layout("d", "a", "b", "c"))
    assert [str(move) for move in moves] == ["↕ d: moved within left"]


_TEXT = some.text(some.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40).map(str.strip)
_SETTINGS = {
    "sticky": some.fixed_dictionaries({}, optional={"text": _TEXT, "colour": some.sampled_from(["blue", "pink"])}),
    "about": some.fixed_dictionaries({}, optional={"text": _TEXT}),
    "feed": some.fixed_dictionaries({}, optional={"limit": some.integers(1, 100), "hide": some.just("buildsys")}),
    "stats": some.just({}),
}
_WIDGET = some.sampled_from(sorted(_SETTINGS)).flatmap(
    lambda plugin: some.fixed_dictionaries(
        {
            "widget": some.just(plugin),
            "settings": _SETTINGS[plugin],
            "title": _TEXT.map(lambda text: " ".join(text.split())),
        }
    )
)


@given(
    left=some.lists(_WIDGET, max_size=6),
    right=some.lists(_WIDGET, max_size=6),
    record=some.fixed_dictionaries(
        {},
        optional={
            "summary": _TEXT,
            "description": _TEXT,
            "left_width": some.integers(1, 11),
            "avatar": some.sampled_from(["o", "OT", "🦦"]),
            "banner": some.sampled_from(list(Banner)),
            "archived": some.booleans(),
        },
    ),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_export_and_apply_is_the_identity(
    session: Session, registry: Registry, left: list[Any], right: list[Any], record: dict[str, Any]
) -> None:
    ids = iter(f"w{number}" for number in range(20))
    columns = {
        side: [{"id": next(ids), **widget} for widget in rows] for side, rows in (("left", left), ("right", right))
    }
    founder = make_user(session, registry, "ottoline")
    roles.sign_up(session, registry, "ottoline")
    document = documents.read({"hub": "voles", "owners": [founder.username], "widgets": columns, **record})
    hub = apply.find_or_create(session, registry, document)
    apply.apply(session, registry, OPERATOR, hub, document)
    exported = documents.describe(hub, registry, people=True)
    other = exported.model_copy(update={"hub": "voles2"})
    twin = apply.find_or_create(session, registry, other)
    apply.apply(session, registry, OPERATOR, twin, other)
    again = documents.describe(twin, registry, people=True).model_copy(update={"hub": "voles"})
    assert again == exported
    assert diff.between(exported, again) == []
    session.rollback()


def test_a_document_of_another_kind_does_not_take_the_address_of_a_hub(
    session: Session, registry: Registry, team: Hub
) -> None:
    for owners in ({}, {"owners": ["owner"]}):
        document = documents.read({"hub": "otters", "kind": "regional", **owners})
        with pytest.raises(Conflict, match="The name otters is taken"):
            apply.find_or_create(session, registry, document)
    assert apply.find_or_create(session, registry, documents.read({"hub": "otters"})) is team
