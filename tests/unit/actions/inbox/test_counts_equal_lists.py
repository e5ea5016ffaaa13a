"""Whatever happens: a count equals its list, for everybody, at every moment."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy.orm import Session

from hubs.actions.inbox import bus, counts, listing, marks, mutes, teamwork
from hubs.actions.inbox.listing import Box
from hubs.actions.inbox.marks import Mark
from hubs.actions.people import membership, roles
from hubs.activities.activity import Activity, Thing
from hubs.errors import HubsError
from hubs.models import Hub, MuteScope, Notice, RoleName, StoredMessage, Visibility, now
from hubs.permissions import OPERATOR
from tests.templates import Templates
from tests.unit.conftest import as_person, copy_of, user_of

PEOPLE = ("owner", "member", "subscriber", "stranger")
VERBS = ("issue.assigned", "issue.commented", "issue.closed", "pull.review_requested", "pull.approved", "issue.labeled")
person = st.sampled_from(PEOPLE)


class Published:
    """Keeps the figures that were published last for each person."""

    def __init__(self) -> None:
        self.figures: dict[str, dict[str, Any]] = {}

    def publish(self, channel: str, kind: str, data: dict[str, Any]) -> str:
        """Keep an event."""
        assert kind == "notice"
        self.figures[channel] = data
        return "1"


class Inboxes(RuleBasedStateMachine):
    """People of a team do everything that changes an inbox."""

    templates: Templates
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.published, self.number, self.stack = Published(), 0, ExitStack()
        database = self.stack.enter_context(copy_of(self.templates, self.folder, filled=True))
        counts.publish_after_commit(database, self.published)  # type: ignore[arg-type]
        self.session = self.stack.enter_context(database.session())
        self.hub = self.session.query(Hub).filter_by(kind="team", name="otters").one()
        self.session.commit()

    def teardown(self) -> None:
        self.stack.close()

    @contextmanager
    def acting(self) -> Iterator[Session]:
        """Commit what the block does; a refusal changes nothing."""
        try:
            yield self.session
            self.session.commit()
        except HubsError:
            self.session.rollback()

    @rule(actor=person, named=person, verb=st.sampled_from(VERBS), thing=st.integers(1, 3), mentions=st.booleans())
    def hear(self, actor: str, named: str, verb: str, thing: int, mentions: bool) -> None:
        self.number += 1
        msg_id = f"m{self.number}"
        with self.acting() as session:
            session.add(StoredMessage(msg_id=msg_id, topic="a.b.c.x", category="x", sent_at=now()))
            session.flush()
            about = Thing("issue", "Wet", f"#{thing}", f"https://forge.example/{thing}")
            mentioned = frozenset((named,)) if mentions else frozenset[str]()
            activity = Activity(verb, actor, about, "otters", named)
            bus.note(session, [bus.Heard(msg_id, actor, frozenset((actor, named)), activity, mentioned)])

    @rule(name=person)
    def join(self, name: str) -> None:
        with self.acting() as session:
            membership.join(session, as_person(session, name), self.hub)

    @rule(name=person, approve=st.booleans())
    def answer(self, name: str, approve: bool) -> None:
        with self.acting() as session:
            membership.answer(session, as_person(session, "owner"), self.hub, name, approve=approve)

    @rule(name=person, accept=st.booleans())
    def invite_and_respond(self, name: str, accept: bool) -> None:
        with self.acting() as session:
            user = user_of(session, name)
            membership.invite(session, as_person(session, "owner"), self.hub, user, RoleName.MEMBER)
        with self.acting() as session:
            membership.respond(session, as_person(session, name), self.hub.id, accept=accept)

    @rule(name=person, act=st.sampled_from(list(Mark)), place=st.integers(0, 5), undo=st.booleans())
    def mark(self, name: str, act: Mark, place: int, undo: bool) -> None:
        with self.acting() as session:
            who = as_person(session, name)
            rows = [row.id for box in Box for row in listing.page(session, who, box).notices]
            chosen = rows[place : place + 2]
            _number, moment = marks.mark(session, who, chosen, act, now() + timedelta(hours=1))
            if undo:
                marks.undo(session, who, act, moment)

    @rule(name=person)
    def read_all(self, name: str) -> None:
        with self.acting() as session:
            marks.read_all(session, as_person(session, name))

    @rule(name=person, scope=st.sampled_from(list(MuteScope)), unmute=st.booleans())
    def mute(self, name: str, scope: MuteScope, unmute: bool) -> None:
        values = {MuteScope.HUB: str(self.hub.id), MuteScope.PERSON: "member", MuteScope.REASON: "replied"}
        value = values.get(scope, "forge.example/otters#1")
        with self.acting() as session:
            moment = mutes.mute(session, as_person(session, name), scope, value)
            if unmute:
                mutes.unmute(session, as_person(session, name), scope, value, moment)

    @rule(name=person, release=st.booleans())
    def take(self, name: str, release: bool) -> None:
        with self.acting() as session:
            who = as_person(session, name)
            for row in listing.newest_needs(session, who, 1):
                (teamwork.release if release else teamwork.take)(session, who, row.id)

    @rule(name=person, own=st.booleans())
    def change_ownership(self, name: str, own: bool) -> None:
        with self.acting() as session:
            act = roles.give_role if own else roles.drop_role
            act(session, OPERATOR, self.hub, user_of(session, name), RoleName.OWNER)

    @rule(visibility=st.sampled_from(list(Visibility)), archived=st.booleans())
    def hide(self, visibility: Visibility, archived: bool) -> None:
        with self.acting():
            self.hub.visibility, self.hub.archived = visibility, archived

    @rule(days=st.sampled_from((0, 30)))
    def time_passes(self, days: int) -> None:
        """End snoozes and what was taken, and delete what is old."""
        with self.acting() as session:
            ended = now() - timedelta(seconds=1)
            session.query(Notice).filter(Notice.snoozed_until.is_not(None)).update({"snoozed_until": ended})
            session.query(Notice).filter(Notice.taken_until.is_not(None)).update({"taken_until": ended})
            marks.wake(session)
            teamwork.lapse(session)
            marks.purge(session, days)

    @invariant()
    def counts_equal_lists_and_what_was_published(self) -> None:
        for name in PEOPLE:
            who = as_person(self.session, name)
            needs = listing.page(self.session, who, Box.NEEDS_YOU).notices
            news = listing.page(self.session, who, Box.NEWS).notices
            figures = listing.counts(self.session, who)
            assert figures.needs_you == len(needs), name
            assert figures.news == sum(not row.read for row in news), name
            assert figures.snoozed == len(listing.page(self.session, who, Box.SNOOZED).notices), name
            assert figures.unread_hubs == {row.hub_id for row in (*needs, *news) if not row.read}, name
            by_hub = {hub.id: number for hub, number in listing.by_hub(self.session, who)}
            assert sum(by_hub.values()) == len(needs) + len(news), name
            assert len({row.subject for row in needs}) == len(needs), name
            shown = self.published.figures.get(f"user:{who.id}", {"kind": "inbox", "count": 0, "news": 0, "hubs": []})
            assert counts.as_event(figures) == shown, name
        self.session.rollback()


def run(templates: Templates, folder: Path, count: int) -> None:
    """Run ``count`` histories, each on a database of its own."""
    machine = type("Inboxes", (Inboxes,), {"templates": templates, "folder": folder})
    limits = settings(
        max_examples=count,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=(Phase.generate, Phase.shrink),
    )
    run_state_machine_as_test(machine, settings=limits)


def test_every_count_equals_its_list_at_every_moment(templates: Templates, tmp_path: Path) -> None:
    run(templates, tmp_path, 6)


@pytest.mark.slow
def test_a_thousand_histories(templates: Templates, tmp_path: Path) -> None:
    run(templates, tmp_path, 1000)
