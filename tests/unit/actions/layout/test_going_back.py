"""`hubs db downgrade` with things that older versions do not know: layouts stay, also in drafts and the history."""

import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions.layout import apply, documents, drafts, edits, pages, revisions
from hubs.models import Database, Draft, Hub, Revision, Visibility, migrations
from hubs.permissions import Person
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person


@pytest.fixture
def owner(session: Session) -> Person:
    return as_person(session, "owner")


def stored(database: Database) -> list[dict[str, Any]]:
    """Return every document of the history and of drafts."""
    with database.transaction() as session:
        rows = [row.document for row in session.query(Revision)]
        return rows + [step for draft in session.query(Draft) for step in (draft.base, *draft.steps)]


def test_pages_become_part_of_the_home_page(
    database: Database, session: Session, registry: Registry, team: Hub, owner: Person
) -> None:
    home = [row.key for row in team.column("left")]
    document, first = pages.add(documents.describe(team, registry), "Plans", Visibility.MEMBERS)
    document, second = pages.add(document, "Rooms")
    document = edits.add(document, registry, "right", "library", {}, page=first)
    document = edits.add(document, registry, "left", "library", {}, page=second)
    apply.apply(session, registry, owner, team, document)
    revisions.record(session, registry, team, "owner")
    drafts.put(session, registry, owner, team, pages.add(document, "More")[0])
    hub_id = team.id
    session.commit()
    session.close()
    migrations.downgrade(database, "0041")
    query = "SELECT key, visibility FROM widgets WHERE hub_id = :hub AND side = 'left' ORDER BY position, id"
    with database.engine.connect() as connection:
        rows = connection.execute(text(query), {"hub": hub_id}).all()
        documents_then = [row[0] for row in connection.execute(text("SELECT document FROM revisions"))]
        documents_then += [row[0] for row in connection.execute(text("SELECT steps FROM drafts"))]
    assert [key for key, _ in rows] == [*home, "library", "library-2"]
    assert [level for _, level in rows][-2:] == ["members", "public"]
    assert documents_then
    assert not [one for one in documents_then if '"pages"' in (one if isinstance(one, str) else json.dumps(one))]
    migrations.upgrade(database)
    migrations.check(database)
    with database.transaction() as after:
        hub = after.get_one(Hub, hub_id)
        assert (hub.pages, [row.key for row in hub.column("left")]) == ([], [*home, "library", "library-2"])
    for one in stored(database):
        documents.read(one)
    last = stored(database)[-1]["widgets"]["left"]
    assert [(widget["id"], widget.get("visibility")) for widget in last][-2:] == [
        ("library", "members"),
        ("library-2", "public"),
    ]


def test_documents_lose_only_what_older_versions_do_not_know(
    database: Database, session: Session, registry: Registry, team: Hub, owner: Person
) -> None:
    hub_actions.update(session, owner, team, {"presence": "hidden", "summary": "Tides"})
    document = edits.add(documents.describe(team, registry), registry, "below", "library", {})
    apply.apply(session, registry, owner, team, edits.span(document, "library", "full"))
    revisions.record(session, registry, team, "owner")
    session.commit()
    assert stored(database)[-1]["presence"] == "hidden"
    session.close()
    migrations.downgrade(database, "0036")
    migrations.upgrade(database)
    last = stored(database)[-1]
    assert ("presence" in last, last["summary"], "below" in last["widgets"]) == (False, "Tides", False)
    assert last["widgets"]["left"][-1] == {"id": "library", "widget": "library"}
