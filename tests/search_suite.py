"""What search answers, for every database alike: the same expectations on SQLite and on PostgreSQL."""

import itertools
from dataclasses import replace

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.models import Hub, Visibility, now
from hubs.permissions import VISITOR, Person, can
from hubs.search.search import Results, search
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of

ROLES = ("visitor", "stranger", "subscriber", "member", "owner")


def who_is(session: Session, role: str) -> Person:
    return VISITOR if role == "visitor" else as_person(session, role)


def make_team(session: Session, registry: Registry, name: str, **values: str) -> Hub:
    return hub_actions.create(session, registry, user_of(session, "owner"), "team", name, values)


class FindingSuite:
    """To be run on a session of each database, with the team ``otters`` of the standing people."""

    @pytest.fixture
    def ask(self, session: Session, registry: Registry, team: Hub):  # type: ignore[no-untyped-def]
        def ask(typed: str, role: str = "stranger", limit: int = 8) -> Results:
            session.flush()
            return search(session, registry, who_is(session, role), typed, limit)

        return ask

    @pytest.mark.parametrize(
        "typed", ["otters", "OTTERS", "ott", "swim", "otters we", "swim otters", "'otters' & !x*:"]
    )
    def test_a_team_is_found_by_words_and_their_beginnings(self, ask, typed: str) -> None:  # type: ignore[no-untyped-def]
        hits = ask(typed.replace("x", "")).teams
        assert [(hit.name, hit.path, hit.guessed) for hit in hits] == [("otters", "/t/otters/", False)]

    @pytest.mark.parametrize("typed", ["oters", "ottters", "ottars", "strangr", "membre"])
    def test_similar_names_are_offered_as_a_guess(self, ask, typed: str) -> None:  # type: ignore[no-untyped-def]
        hits = [hit for hit in ask(typed).hits if hit.kind != "widget"]
        assert len(hits) == 1
        assert hits[0].guessed

    def test_an_exact_name_suppresses_guesses(
        self,
        ask,
        session: Session,
        registry: Registry,  # type: ignore[no-untyped-def]
    ) -> None:
        make_team(session, registry, "otterz")
        assert [(hit.name, hit.guessed) for hit in ask("otters").teams] == [("otters", False)]
        assert {hit.name for hit in ask("otterx").teams if hit.guessed} == {"otters", "otterz"}

    def test_the_closest_is_found_among_many_that_begin_alike(
        self,
        ask,
        session: Session,
        registry: Registry,  # type: ignore[no-untyped-def]
    ) -> None:
        session.execute(insert(Hub), [{"kind": "team", "name": f"lighthouse-{number:03}"} for number in range(600)])
        make_team(session, registry, "lightships")
        assert ask("lightshipz").teams[0].name == "lightships"

    @pytest.mark.parametrize(
        "typed", ["", "   ", "'", '"', "*", "()", "\x00", "\ud800", "%", "_", "-- ;", "zzzzqqqq", "x" * 100_000]
    )
    def test_anything_can_be_typed(self, ask, typed: str) -> None:  # type: ignore[no-untyped-def]
        assert ask(typed).hits == ()

    def test_signs_separate_words_and_mean_nothing(self, ask, session: Session, registry: Registry) -> None:  # type: ignore[no-untyped-def]
        make_team(session, registry, "tide-tables", display_name="Tide/Tables: a_b.c@d")
        for typed in ("tide-tables", "tables tide", "tide NOT tables OR", 'title:"tide"'):
            names = [hit.name for hit in ask(typed).teams if not hit.guessed]
            assert names == ([] if " NOT " in typed or "title" in typed else ["tide-tables"]), typed

    def test_a_person_is_found_by_either_name(self, ask, session: Session) -> None:  # type: ignore[no-untyped-def]
        user_of(session, "member").fullname = "Ottoline Bråthen"
        for typed in ("member", "ottoline", "Bråt", "otto brå"):
            hits = ask(typed).people
            assert [(hit.name, hit.title, hit.path) for hit in hits] == [("member", "Ottoline Bråthen", "/u/member/")]
        assert ask("ottoline").teams == ()

    def test_a_widget_is_found_by_its_heading_and_its_type(self, ask, session: Session, team: Hub) -> None:  # type: ignore[no-untyped-def]
        row = team.widgets[0]
        row.label = "Harbour news"
        for typed in ("harbour", f"{row.plugin.replace('_', ' ')} harbour", "news harb"):
            hits = ask(typed).widgets
            assert [(hit.id, hit.title, hit.hub) for hit in hits] == [(row.id, "Harbour news", "otters")], typed
            assert hits[0].path == f"/t/otters/#widget-{row.id}"

    def test_search_keeps_in_step_with_every_change(self, ask, session: Session, team: Hub) -> None:  # type: ignore[no-untyped-def]
        team.name, team.summary = "badgers", "We dig."
        user_of(session, "member").fullname = "Digby"
        assert ask("otters").teams == ask("swim").teams == ()
        assert [hit.name for hit in ask("dig").hits if hit.kind != "widget"] == ["badgers", "member"]
        team.kind = "user"
        assert ask("badgers").teams == ()
        team.kind = "team"
        assert len(ask("badgers").teams) == 1
        team.widgets[0].label = "Quay"
        assert len(ask("quay").widgets) == 1
        session.delete(team)
        assert ask("badgers").teams == ask("quay").widgets == ()

    def test_exact_names_come_first_then_own_hubs_then_active_ones(
        self,
        ask,
        session: Session,
        registry: Registry,  # type: ignore[no-untyped-def]
    ) -> None:
        for name in ("otters-quiet", "otters-lively", "otters-mine"):
            make_team(session, registry, name)
        session.query(Hub).filter_by(name="otters-lively").one().last_activity = now()
        mine = session.query(Hub).filter_by(name="otters-mine").one()
        roles.take_role(session, as_person(session, "stranger"), mine, roles.RoleName.STARGAZER)
        names = [hit.name for hit in ask("otters", "stranger").teams]
        assert names == ["otters", "otters-mine", "otters-lively", "otters-quiet"]
        assert [hit.name for hit in ask("otters", "stranger", limit=2).teams] == names[:2]

    @pytest.mark.parametrize("role", ROLES)
    def test_exactly_the_visible_hubs_are_found(self, ask, session: Session, team: Hub, role: str) -> None:  # type: ignore[no-untyped-def]
        row = team.widgets[0]
        row.label = "Harbour"
        for outer, inner in itertools.product(Visibility, Visibility):
            team.visibility, row.visibility = outer, inner
            who, where = who_is(session, role), (role, outer, inner)
            assert [hit.id for hit in ask("harbour", role).widgets] == [row.id] * can(who, "view", row), where
            for typed in ("otters", "swim", "oters"):
                assert [hit.id for hit in ask(typed, role).teams] == [team.id] * can(who, "view", team), where

    @pytest.mark.parametrize("role", ["visitor", "stranger", "owner", "member"])
    def test_only_the_person_finds_themselves_while_hidden_from_lists(
        self, ask, session: Session, registry: Registry, role: str
    ) -> None:  # type: ignore[no-untyped-def]
        hidden = user_of(session, "member")
        hidden.unlisted = True
        own = session.query(Hub).filter_by(user_id=hidden.id).one()
        own.widgets[0].label = "Harbour"
        for typed in ("member", "membre", "harbour"):
            hits = [hit for hit in ask(typed, role).hits if "member" in hit.path]
            assert len(hits) == (role == "member"), typed

    def test_a_person_whose_hub_one_may_not_see_is_not_found(self, ask, session: Session) -> None:  # type: ignore[no-untyped-def]
        user = user_of(session, "member")
        session.query(Hub).filter_by(user_id=user.id).one().visibility = Visibility.OWNERS
        assert ask("member").people == ()
        assert len(ask("member", "member").people) == 1

    def test_hidden_hits_take_no_place_from_visible_ones(
        self,
        ask,
        session: Session,
        registry: Registry,  # type: ignore[no-untyped-def]
    ) -> None:
        hidden = [make_team(session, registry, f"otters-{number}") for number in range(12)]
        before = ask("otters", limit=1)
        for hub in hidden:
            hub.visibility, hub.last_activity = Visibility.OWNERS, now()
        assert replace(ask("otters", limit=1)) == before
