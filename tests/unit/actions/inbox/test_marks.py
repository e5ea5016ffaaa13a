"""Marks of notifications: independent of each other, undone together, ended by time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions.inbox import listing, marks
from hubs.actions.inbox.listing import Box, Filters
from hubs.actions.inbox.marks import Mark, Snooze
from hubs.actions.people import membership, roles
from hubs.errors import InvalidInput
from hubs.models import Hub, Invitation, Notice, NoticeReason, RoleName, Visibility, now
from hubs.permissions import OPERATOR, Person
from tests.unit.actions.inbox.conftest import Hear, reasons
from tests.unit.conftest import as_person, user_of


@pytest.fixture
def owner(session: Session, hear: Hear) -> Person:
    """Give somebody with two items that need them, and one of news."""
    hear("m1", "issue.assigned", "member", ["owner"], target="owner")
    hear("m2", "issue.assigned", "member", ["owner"], target="owner", number="#8")
    hear("m3", "issue.labeled", "member", ["owner"], number="#9")
    return as_person(session, "owner")


def ids(session: Session, person: Person, box: Box) -> list[int]:
    return [notice.id for notice in listing.page(session, person, box).notices]


def figures(session: Session, person: Person) -> tuple[int, int, int]:
    counts = listing.counts(session, person)
    return counts.needs_you, counts.news, counts.snoozed


def test_reading_changes_neither_the_list_nor_the_count(session: Session, owner: Person) -> None:
    listed = ids(session, owner, Box.NEEDS_YOU)
    assert marks.read_all(session, owner)[0] == 3
    assert ids(session, owner, Box.NEEDS_YOU) == listed
    assert figures(session, owner) == (2, 0, 0)


@pytest.mark.parametrize("act", [Mark.READ, Mark.DONE, Mark.SAVE, Mark.SNOOZE])
def test_every_mark_can_be_undone(session: Session, owner: Person, act: Mark) -> None:
    listed = ids(session, owner, Box.NEEDS_YOU)
    before = [(row.read, row.saved, row.done_on, row.snoozed_until) for row in session.query(Notice)]
    number, moment = marks.mark(session, owner, listed[:1], act, now() + timedelta(hours=1))
    session.expire_all()
    assert [(row.read, row.saved, row.done_on, row.snoozed_until) for row in session.query(Notice)] != before
    assert (number, marks.undo(session, owner, act, moment)) == (1, 1)
    session.expire_all()
    assert [(row.read, row.saved, row.done_on, row.snoozed_until) for row in session.query(Notice)] == before
    assert ids(session, owner, Box.NEEDS_YOU) == listed


def test_marks_are_independent_of_each_other(session: Session, owner: Person) -> None:
    first, second = ids(session, owner, Box.NEEDS_YOU)
    marks.mark(session, owner, [first], Mark.SAVE)
    marks.mark(session, owner, [first], Mark.DONE)
    assert ids(session, owner, Box.NEEDS_YOU) == [second]
    assert ids(session, owner, Box.DONE) == ids(session, owner, Box.SAVED) == [first]
    marks.mark(session, owner, [first], Mark.REOPEN)
    assert ids(session, owner, Box.NEEDS_YOU) == [first, second]
    assert ids(session, owner, Box.SAVED) == [first]


def test_a_snoozed_notification_returns_to_the_top_with_its_old_date(session: Session, owner: Person) -> None:
    second, first = ids(session, owner, Box.NEEDS_YOU)
    created_on = session.get_one(Notice, first).created_on
    marks.mark(session, owner, [first], Mark.SNOOZE, now() + timedelta(hours=1))
    assert figures(session, owner) == (1, 1, 1)
    assert marks.wake(session) == 0
    session.query(Notice).filter_by(id=first).update({"snoozed_until": now() - timedelta(seconds=1)})
    assert figures(session, owner) == (2, 1, 0)  # also before the daemon looks
    assert marks.wake(session) == 1
    session.expire_all()
    assert ids(session, owner, Box.NEEDS_YOU) == [first, second]
    assert session.get_one(Notice, first).created_on == created_on


def test_snoozing_again_only_moves_the_time(session: Session, owner: Person) -> None:
    first = ids(session, owner, Box.NEEDS_YOU)[0]
    for hours in (1, 2):
        until = now() + timedelta(hours=hours)
        assert marks.mark(session, owner, [first], Mark.SNOOZE, until)[0] == 1
    session.expire_all()
    assert session.get_one(Notice, first).snoozed_until == until
    with pytest.raises(InvalidInput, match="in the future"):
        marks.mark(session, owner, [first], Mark.SNOOZE, now() - timedelta(hours=1))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Snooze.HOUR, "2026-03-27T23:30:00+00:00"),
        (Snooze.TOMORROW, "2026-03-28T08:00:00+00:00"),
        (Snooze.NEXT_WEEK, "2026-03-30T07:00:00+00:00"),  # summer time has begun
    ],
)
def test_snoozes_end_in_the_morning_of_the_readers_own_zone(choice: Snooze, expected: str) -> None:
    evening = datetime(2026, 3, 27, 22, 30, tzinfo=UTC)
    assert marks.wake_time(choice, ZoneInfo("Europe/Oslo"), evening).isoformat() == expected


def test_nobody_marks_the_notifications_of_others(session: Session, owner: Person) -> None:
    listed = ids(session, owner, Box.NEEDS_YOU)
    assert marks.mark(session, as_person(session, "member"), listed, Mark.DONE)[0] == 0
    assert ids(session, owner, Box.NEEDS_YOU) == listed
    with pytest.raises(InvalidInput, match="At most"):
        marks.mark(session, owner, range(201), Mark.DONE)


def test_one_persons_marks_do_not_change_anothers_copy(session: Session, hear: Hear) -> None:
    """Among others, as in Backstage: one person reads what went to many, and everybody loses the mark."""
    hear("m1", "issue.labeled", "member", ["owner", "subscriber"])
    owner, subscriber = as_person(session, "owner"), as_person(session, "subscriber")
    marks.mark(session, owner, ids(session, owner, Box.NEWS), Mark.DONE)
    marks.read_all(session, owner)
    assert ids(session, owner, Box.NEWS) == []
    assert figures(session, subscriber) == (0, 1, 0)


@pytest.mark.parametrize("change", ["hidden", "archived", "deleted"])
def test_items_about_a_hub_that_the_person_cannot_see_any_more_vanish(
    session: Session, hear: Hear, team: Hub, change: str
) -> None:
    hear("m1", "issue.labeled", "member", ["subscriber"])
    subscriber = as_person(session, "subscriber")
    assert figures(session, subscriber) == (0, 1, 0)
    if change == "hidden":
        hub_actions.update(session, OPERATOR, team, {"visibility": Visibility.MEMBERS})
    elif change == "archived":
        team.archived = True
    else:
        team.deleted_on = now()
    session.flush()
    assert figures(session, subscriber) == (0, 0, 0)
    assert all(ids(session, subscriber, box) == [] for box in Box)
    assert listing.by_hub(session, subscriber) == []


def test_lists_are_paged_by_a_cursor_and_filtered(session: Session, hear: Hear, team: Hub) -> None:
    for number in range(60):
        hear(f"m{number}", "issue.labeled", "member", ["owner"], number=f"#{number}")
    person = as_person(session, "owner")
    page = listing.page(session, person, Box.NEWS)
    rest = listing.page(session, person, Box.NEWS, before=page.next)
    assert (len(page.notices), len(rest.notices), rest.next) == (50, 10, "")
    subjects = [notice.subject for notice in page.notices + rest.notices]
    assert subjects == [f"forge.example/otters#{number}" for number in reversed(range(60))]
    filters = [Filters(team.id), Filters(reason=NoticeReason.FOLLOWED), Filters(person="member")]
    assert [listing.count(session, person, Box.NEWS, each) for each in filters] == [60, 60, 60]
    others = [Filters(team.id + 99), Filters(reason=NoticeReason.NEWS), Filters(person="owner")]
    assert [listing.count(session, person, Box.NEWS, each) for each in others] == [0, 0, 0]
    assert listing.page(session, person, Box.NEWS, before="yesterday").notices == page.notices


def test_old_notifications_are_removed_unless_they_are_saved(session: Session, owner: Person) -> None:
    first, second = ids(session, owner, Box.NEEDS_YOU)
    marks.mark(session, owner, [first], Mark.SAVE)
    session.query(Notice).update({"moved_on": now() - timedelta(days=31)})
    marks.purge(session, 32)
    assert ids(session, owner, Box.NEEDS_YOU) == [second, first] or ids(session, owner, Box.NEEDS_YOU) == [
        first,
        second,
    ]
    marks.purge(session, 30)
    assert ids(session, owner, Box.NEEDS_YOU) == [first]


def test_an_expired_invitation_leaves_the_inbox(session: Session, team: Hub) -> None:
    membership.invite(session, as_person(session, "owner"), team, user_of(session, "stranger"), RoleName.MEMBER)
    marks.purge(session, 30)
    assert reasons(session, "stranger") == [("invited", True)]
    session.query(Invitation).update({"expires_on": now()})
    marks.purge(session, 30)
    assert reasons(session, "stranger") == []


def test_a_role_granted_in_another_way_settles_the_request(session: Session, team: Hub) -> None:
    owner, stranger = as_person(session, "owner"), as_person(session, "stranger")
    membership.join(session, stranger, team)
    assert reasons(session, "owner") == [("requested", True)]
    membership.invite(session, owner, team, user_of(session, "stranger"), RoleName.MEMBER)
    membership.respond(session, stranger, team.id, accept=True)
    assert reasons(session, "owner") == []
    assert reasons(session, "stranger") == []
    assert roles.mine(session, as_person(session, "stranger"))
