"""The zone below the columns: in drafts, files, history and merges as the columns are."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hubs.actions import widgets
from hubs.actions.layout import apply, diff, documents, drafts, edits, yaml_files
from hubs.actions.layout.merge import merge
from hubs.errors import InvalidInput
from hubs.models import Database, Hub, Width, migrations
from hubs.permissions import Person
from hubs.widgets.registry import POSITIONS, Registry
from tests.unit.conftest import as_person


@pytest.fixture
def owner(session: Session, team: Hub) -> Person:
    return as_person(session, "owner")


def keys(hub: Hub) -> list[str]:
    return [row.key for row in hub.column("below")]


def test_a_draft_puts_widgets_below_and_gives_them_a_width(
    session: Session, registry: Registry, team: Hub, owner: Person
) -> None:
    document = documents.describe(team, registry)
    document = edits.add(document, registry, "below", "library", {})
    document = edits.step(document, registry, "feed", "below")
    document = edits.span(document, "feed", "full")
    document = edits.step(document, registry, "feed", "up")
    assert edits.zone_of(document, "feed") == ("", "below")
    drafts.put(session, registry, owner, team, document)
    shown = [str(change) for change in drafts.view(session, registry, owner, team).changes]
    assert "↔ feed: moved from left to below" in shown
    assert "~ feed: width: third → full" in shown
    drafts.save(session, registry, owner, team)
    session.commit()
    assert keys(team) == ["feed", "library"]
    assert [row.width for row in team.column("below")] == ["full", "third"]


def test_a_file_has_the_zone_and_the_width(session: Session, registry: Registry, team: Hub, owner: Person) -> None:
    widgets.add(session, registry, owner, team, "library", "below", width="half")
    written = yaml_files.write(documents.describe(team, registry))
    assert "below:" in written
    assert "width: half" in written
    row = team.column("below")[0]
    widgets.remove(session, registry, owner, row)
    document = yaml_files.parse(written, "otters.yaml")
    apply.apply(session, registry, owner, team, document)
    assert [(row.plugin, row.width) for row in team.column("below")] == [("library", "half")]
    assert diff.between(documents.describe(team, registry), document) == []


def test_a_layout_from_before_the_zone_keeps_its_columns(
    session: Session, registry: Registry, team: Hub, owner: Person
) -> None:
    data = documents.describe(team, registry).model_dump(mode="json")
    del data["widgets"]["below"]
    for side in ("left", "right"):
        for widget in data["widgets"][side]:
            del widget["width"]
    before = [(row.key, row.side, row.position) for row in team.widgets]
    assert apply.apply(session, registry, owner, team, documents.read(data)) == []
    assert [(row.key, row.side, row.position) for row in team.widgets] == before


def test_changes_of_two_people_below_are_merged(registry: Registry, team: Hub) -> None:
    base = edits.step(documents.describe(team, registry), registry, "feed", "below")
    mine = edits.span(base, "feed", "full")
    theirs = edits.add(base, registry, "below", "library", {})
    merged, clashes = merge(base, mine, theirs)
    assert clashes == []
    assert [(widget.id, widget.width) for widget in merged.widgets.below] == [
        ("feed", Width.FULL),
        ("library", Width.THIRD),
    ]
    _merged, clashes = merge(base, mine, edits.span(base, "feed", "half"))
    assert [(clash.subject, clash.name) for clash in clashes] == [("feed", "width")]


def test_a_widget_for_both_columns_does_not_fit_below(registry: Registry, team: Hub) -> None:
    (plugin,) = [kind.name for kind in registry if kind.cls.position == "both"][:1]
    with pytest.raises(InvalidInput, match="zone below"):
        edits.add(documents.describe(team, registry), registry, "below", plugin, {})
    assert POSITIONS["both"] == ("left", "right")


def test_unknown_widths_are_refused(session: Session, registry: Registry, team: Hub, owner: Person) -> None:
    document = documents.describe(team, registry)
    with pytest.raises(InvalidInput, match="width"):
        edits.span(document, "feed", "double")
    with pytest.raises(InvalidInput, match="width"):
        widgets.resize(session, registry, owner, team.widgets[0], "")
    with pytest.raises(InvalidInput, match="width"):
        documents.read({"hub": "otters", "widgets": {"left": [{"id": "a", "widget": "feed", "width": "double"}]}})


def test_going_back_keeps_the_widgets_that_stood_below(
    database: Database, session: Session, registry: Registry, team: Hub, owner: Person
) -> None:
    for plugin in ("library", "stats"):
        widgets.add(session, registry, owner, team, plugin, "below")
    left = [row.key for row in team.column("left")]
    below = keys(team)
    hub_id = team.id
    session.commit()
    session.close()
    migrations.downgrade(database, "0036")
    query = text("SELECT key FROM widgets WHERE hub_id = :hub AND side = 'left' ORDER BY position, id")
    with database.engine.connect() as connection:
        assert connection.scalars(query, {"hub": hub_id}).all() == [*left, *below]
    migrations.upgrade(database)
    migrations.check(database)
    with database.transaction() as after:
        hub = after.get_one(Hub, hub_id)
        assert [row.key for row in hub.column("left")] == [*left, *below]
        hub.column("left")[-1].side = "below"
