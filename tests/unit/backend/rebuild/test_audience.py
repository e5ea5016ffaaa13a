"""A build that is overtaken by a change of its audience is not pushed to the old one, and keeps no connection."""

from typing import Any

import pytest
from sqlalchemy.orm import Session, object_session

from hubs.actions import hubs as hub_actions
from hubs.actions import lifecycle, widgets
from hubs.actions.layout import page_rows
from hubs.fragments.builder import ALL, Builder
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import FragmentStore
from hubs.models import Database, Hub, Widget
from hubs.permissions import OPERATOR
from hubs.widgets.registry import Registry
from tests.unit.backend.conftest import Pushed
from tests.unit.conftest import as_person


@pytest.mark.parametrize("what", ["hub", "page", "page of the widget", "widget", "deleted", "nothing"])
def test_a_fragment_whose_audience_narrowed_during_the_build_is_not_pushed(
    database: Database,
    fragments: FragmentStore,
    session: Session,
    registry: Registry,
    team: Hub,
    sticky: Widget,
    pushed: Pushed,
    schedule: BuildSchedule,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    owner, build = as_person(session, "owner"), fragments.make
    page = page_rows.add(session, owner, team, "start", "Start")
    hidden = page_rows.add(session, owner, team, "plans", "Plans", "owners")
    widgets.send(session, registry, owner, sticky, page)
    session.commit()

    def narrow_meanwhile(*arguments: Any, **more: Any) -> Any:
        fragment = build(*arguments, **more)
        if what == "hub":
            hub_actions.update(session, owner, team, {"visibility": "members"})
        elif what == "page":
            page_rows.update(session, owner, page, {"visibility": "owners"})
        elif what == "page of the widget":
            widgets.send(session, registry, owner, sticky, hidden)
        elif what == "widget":
            widgets.update(session, registry, owner, sticky, {}, visibility="owners")
        elif what == "deleted":
            lifecycle.discard(session, OPERATOR, team)
        session.commit()
        return fragment

    monkeypatch.setattr(fragments, "make", narrow_meanwhile)
    builder = Builder(database, fragments, pushed, schedule, 10.0)  # type: ignore[arg-type]
    builder.build(sticky.id, [ALL])
    assert pushed.channels == ([f"hub:{team.id}:public:en"] if what == "nothing" else [])
    assert bool(pushed.hints) == (what == "nothing")
    monkeypatch.setattr(fragments, "make", build)
    builder.build(sticky.id, [ALL])
    expected = {"hub": "members", "deleted": "", "nothing": "public"}.get(what, "owners")
    assert pushed.channels == ([f"hub:{team.id}:{expected}:en"] if expected else [])


def test_a_widget_that_asks_a_service_keeps_no_connection_in_any_language(
    database: Database,
    fragments: FragmentStore,
    session: Session,
    sticky: Widget,
    pushed: Pushed,
    schedule: BuildSchedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session.commit()
    session.close()
    build, kept = fragments.make, list[bool]()

    def look(row: Widget, *arguments: Any, **more: Any) -> Any:
        used = object_session(row)
        assert used is not None
        kept.append(used.in_transaction())
        return build(row, *arguments, **more)

    monkeypatch.setattr(fragments, "make", look)
    pushed.locales = {"de", "fr"}
    builder = Builder(database, fragments, pushed, schedule, 10.0)  # type: ignore[arg-type]
    monkeypatch.setattr(builder, "_is_quick", lambda plugin: False)
    builder.build(sticky.id, [ALL])
    assert kept == [False] * 3
