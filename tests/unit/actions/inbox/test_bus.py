"""Whom a message of the bus concerns, and what it finishes."""

import pytest
from sqlalchemy.orm import Session

from hubs.actions.inbox import bus, listing, mutes
from hubs.actions.inbox.listing import Box
from hubs.activities.activity import Activity, Thing
from hubs.models import Hub, MuteScope, Notice, StoredMessage, Visibility, now
from tests.unit.actions.inbox.conftest import Hear, reasons
from tests.unit.conftest import as_person, user_of


@pytest.mark.parametrize(
    ("verb", "reason", "needs_you"),
    [
        ("issue.assigned", "assigned", True),
        ("pull.review_requested", "review-requested", True),
        ("project.member_added", "role-changed", False),
        ("issue.commented", "replied", False),
        ("issue.labeled", "followed", False),
    ],
)
def test_the_activity_decides_about_the_reason(
    session: Session, hear: Hear, verb: str, reason: str, needs_you: bool
) -> None:
    hear("m1", verb, "member", ["owner"], target="owner")
    assert reasons(session, "owner") == [(reason, needs_you)]
    assert reasons(session, "member") == []


def test_a_mention_needs_the_person_even_without_a_common_hub(session: Session, hear: Hear) -> None:
    hear("m1", "issue.commented", "member", ["owner"], mentioned=["stranger", "member"])
    assert reasons(session, "stranger") == [("mentioned", True)]
    assert reasons(session, "owner") == [("replied", False)]
    (notice,) = listing.newest_needs(session, as_person(session, "stranger"))
    assert (notice.hub.name, notice.about) == ("stranger", "member")


def test_people_are_told_what_happened_to_their_own_updates(session: Session, hear: Hear) -> None:
    hear("m1", "update.ready_for_stable", "owner", number="FEDORA-2026-1")
    assert reasons(session, "owner") == [("yours", True)]
    hear("m2", "update.pushed_to_stable", "owner", number="FEDORA-2026-1")
    assert reasons(session, "owner") == [("yours", False)]


def test_a_later_build_of_the_package_finishes_a_failed_one(session: Session, team: Hub) -> None:
    for number, verb in enumerate(("build.failed", "build.complete"), 1):
        session.add(StoredMessage(msg_id=f"m{number}", topic="a.b.c.x", category="x", sent_at=now()))
        session.flush()
        thing = Thing("build", number=f"otter-1.{number}-1", link=f"https://koji.example/build/{number}")
        activity = Activity(verb, "owner", thing, packages=frozenset(("otter",)))
        bus.note(session, [bus.Heard(f"m{number}", "owner", frozenset(("owner",)), activity)])
        assert reasons(session, "owner") == ([("yours", True)] if verb == "build.failed" else [])


@pytest.mark.parametrize("verb", sorted(bus.FINISHED - {"build.complete"}))
def test_a_finished_subject_leaves_needs_you_by_itself(session: Session, hear: Hear, verb: str) -> None:
    hear("m1", "issue.assigned", "member", ["owner"], target="owner")
    hear("m2", "issue.assigned", "member", ["owner"], target="owner", number="#8")
    hear("m3", verb, "subscriber")
    person = as_person(session, "owner")
    assert [notice.subject for notice in listing.newest_needs(session, person)] == ["forge.example/otters#8"]
    (done,) = listing.page(session, person, Box.DONE).notices
    assert (done.subject, done.resolved_by) == ("forge.example/otters#7", "subscriber")


def test_ones_own_answer_resolves_a_mention_and_anothers_does_not(session: Session, hear: Hear) -> None:
    hear("m1", "issue.commented", "member", ["owner"], mentioned=["owner"])
    hear("m2", "issue.commented", "subscriber", ["member"])
    assert ("mentioned", True) in reasons(session, "owner")
    hear("m3", "issue.commented", "owner", ["member"])
    assert ("mentioned", True) not in reasons(session, "owner")


def test_a_review_resolves_the_request_and_a_comment_does_not(session: Session, hear: Hear) -> None:
    hear("m1", "pull.review_requested", "member", ["owner"], target="owner")
    hear("m2", "pull.commented", "owner", ["member"])
    assert reasons(session, "owner") == [("review-requested", True)]
    hear("m3", "pull.approved", "owner", ["member"])
    assert reasons(session, "owner") == []


def test_unassigning_resolves_the_assignment_alone(session: Session, hear: Hear) -> None:
    hear("m1", "issue.assigned", "member", ["owner"], target="owner")
    hear("m2", "issue.commented", "member", mentioned=["stranger"])
    hear("m3", "issue.unassigned", "member")
    assert reasons(session, "owner") == []
    assert reasons(session, "stranger") == [("mentioned", True)]


def test_one_batch_is_handled_in_its_order(session: Session, hear: Hear) -> None:
    def heard(msg_id: str, verb: str) -> bus.Heard:
        activity = Activity(verb, "member", Thing("issue", "Wet", "#7", "https://forge.example/7"), "otters", "owner")
        return bus.Heard(msg_id, "member", frozenset(("member", "owner")), activity)

    for msg_id in ("a", "b", "c"):
        session.add(StoredMessage(msg_id=msg_id, topic="a.b.c.x", category="x", sent_at=now()))
    session.flush()
    bus.note(session, [heard("a", "issue.assigned"), heard("b", "issue.closed")])
    assert ("assigned", True) not in reasons(session, "owner")
    bus.note(session, [heard("b", "issue.closed"), heard("c", "issue.assigned")])
    assert ("assigned", True) in reasons(session, "owner")


def test_events_of_one_thread_are_one_notification(session: Session, hear: Hear) -> None:
    hear("m1", "issue.commented", "member", ["owner"])
    hear("m2", "issue.commented", "member", ["owner"])
    person = as_person(session, "owner")
    (notice,) = listing.page(session, person, Box.NEWS).notices
    assert (notice.events, notice.read) == (2, False)
    notice.read = True
    session.flush()
    hear("m3", "issue.commented", "member", ["owner"])
    assert (notice.events, notice.read) == (1, False)
    assert notice.message is not None
    assert session.query(StoredMessage).filter_by(id=notice.message_id).one().msg_id == "m3"


def test_an_assigned_issue_stays_assigned_when_somebody_mentions_its_assignee(session: Session, hear: Hear) -> None:
    hear("m1", "issue.assigned", "member", ["owner"], target="owner")
    hear("m2", "issue.commented", "member", mentioned=["owner"])
    assert reasons(session, "owner") == [("assigned", True)]
    hear("m3", "issue.commented", "owner")
    assert reasons(session, "owner") == [("assigned", True)]


@pytest.mark.parametrize("scope", list(MuteScope))
def test_mutes_are_checked_when_something_is_delivered(
    session: Session, hear: Hear, team: Hub, scope: MuteScope
) -> None:
    person = as_person(session, "owner")
    value = {
        MuteScope.SUBJECT: "forge.example/otters#7",
        MuteScope.PERSON: "member",
        MuteScope.HUB: str(team.id),
        MuteScope.REASON: "replied",
    }[scope]
    hear("m1", "issue.commented", "member", ["owner"])
    moment = mutes.mute(session, person, scope, value)
    assert reasons(session, "owner") == []
    hear("m2", "issue.commented", "member", ["owner"])
    assert reasons(session, "owner") == []
    mutes.unmute(session, person, scope, value, moment)
    assert reasons(session, "owner") == [("replied", False)]
    hear("m3", "issue.commented", "member", ["owner"])
    assert session.query(Notice).filter_by(done_on=None).one().events == 2


def test_people_who_hide_their_activity_appear_in_no_inbox(session: Session, hear: Hear) -> None:
    user_of(session, "member").activity = Visibility.OWNERS
    session.flush()
    hear("m1", "issue.assigned", "member", ["owner"], target="owner")
    assert reasons(session, "owner") == []


def test_long_subjects_are_shortened_to_different_texts() -> None:
    subjects = {
        bus.subject_of(Activity("page.edited", thing=Thing("page", link=f"https://wiki.example/{'x' * 300}{number}")))
        for number in range(2)
    }
    assert len(subjects) == 2
    assert max(map(len, subjects)) <= 255
