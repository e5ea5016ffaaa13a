"""Random histories of inboxes: people of a team do everything that changes one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy.orm import Session

from hubs.actions import messages
from hubs.actions.inbox import bus, claims, listing, marks, mutes, teamwork
from hubs.actions.inbox.listing import Box
from hubs.actions.inbox.marks import Mark
from hubs.actions.people import membership, roles
from hubs.actions.storage import retention
from hubs.activities.activity import Activity, Thing
from hubs.bus import parse
from hubs.digest.tasks import is_call
from hubs.errors import HubsError
from hubs.models import HelpClaim, Hub, MuteScope, Notice, RoleName, StoredMessage, Visibility, now
from hubs.permissions import OPERATOR
from tests.templates import Templates
from tests.unit.conftest import as_person, copy_of, user_of

PEOPLE = ("owner", "member", "subscriber", "stranger")
VERBS = ("issue.assigned", "issue.commented", "issue.closed", "pull.review_requested", "pull.approved", "issue.labeled")
person = st.sampled_from(PEOPLE)


class Inboxes(RuleBasedStateMachine):
    """People of a team do everything that changes an inbox."""

    templates: Templates
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.number, self.stack = 0, ExitStack()
        self.database = self.stack.enter_context(copy_of(self.templates, self.folder, filled=True))
        self.session = self.stack.enter_context(self.database.session())
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

    @rule(name=person)
    def call_for_help(self, name: str) -> None:
        self.number += 1
        topic = "org.fedoraproject.prod.meetbot.meeting.item.help"
        line = f"Draw icon {self.number}"
        body = {"details": {"line": line, "nick": name}, "meeting_topic": "Otters"}
        message = parse({"topic": topic, "msg": body, "msg_id": f"call{self.number}"})
        activity = Activity("meeting.help", name, Thing("meeting", line))
        with self.acting() as session:
            messages.store(session, [replace(message, users=frozenset((name,)), activity=activity, sent_at=now())])

    @rule(name=person, place=st.integers(0, 2), act=st.sampled_from((claims.offer, claims.withdraw)))
    def help(self, name: str, place: int, act: Callable[..., object]) -> None:
        calls = self.session.query(StoredMessage.id).filter(is_call()).order_by(StoredMessage.id).all()
        if calls:
            with self.acting() as session:
                act(session, as_person(session, name), calls[place % len(calls)].id)

    @rule(days=st.integers(0, 12))
    def helpers_are_idle(self, days: int) -> None:
        with self.acting() as session:
            for claim in session.query(HelpClaim):
                claim.touched_on -= timedelta(days=days)
                claim.reminded_on = claim.reminded_on and claim.reminded_on - timedelta(days=days)
            session.flush()
            claims.keep_up(session)

    @rule(place=st.integers(0, 9))
    def delete_an_old_message(self, place: int) -> None:
        with self.acting() as session:
            for row in session.query(StoredMessage).order_by(StoredMessage.id).offset(place).limit(1):
                row.received_at = now() - timedelta(days=1000)
            session.flush()
            retention.purge(session, 900)

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


def run(machine: type[Inboxes], templates: Templates, folder: Path, count: int, **more: Any) -> None:
    """Run ``count`` histories, each on a database of its own; ``more`` are attributes of the machine."""
    machine = type(machine.__name__, (machine,), {"templates": templates, "folder": folder, **more})
    limits = settings(
        max_examples=count,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=(Phase.generate,),
    )
    run_state_machine_as_test(machine, settings=limits)
