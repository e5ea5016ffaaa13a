"""Requests to a team: one item for all its owners."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from hubs.actions.inbox import listing, teamwork
from hubs.actions.inbox.listing import Box
from hubs.actions.people import membership
from hubs.errors import Conflict, NotFound
from hubs.models import Hub, Notice, now
from hubs.permissions import Person
from tests.unit.conftest import as_person

FIRST, SECOND = "owner", "subscriber"


@pytest.fixture
def request_ids(session: Session, owners: Hub) -> dict[str, int]:
    """Give the ids of both owners' notifications of one request."""
    membership.join(session, as_person(session, "stranger"), owners, "May I?")
    return {name: listing.newest_needs(session, as_person(session, name))[0].id for name in (FIRST, SECOND)}


def in_box(session: Session, person: Person, box: Box) -> list[str]:
    return [notice.taken_by for notice in listing.page(session, person, box).notices]


def test_one_owner_takes_a_request_and_the_others_see_the_name(session: Session, request_ids: dict[str, int]) -> None:
    first, second = as_person(session, FIRST), as_person(session, SECOND)
    teamwork.take(session, first, request_ids[FIRST])
    assert in_box(session, first, Box.NEEDS_YOU) == [FIRST]
    assert in_box(session, second, Box.NEEDS_YOU) == []
    assert in_box(session, second, Box.NEWS) == [FIRST]
    with pytest.raises(Conflict, match="owner is already working"):
        teamwork.take(session, second, request_ids[SECOND])
    with pytest.raises(Conflict, match="not working"):
        teamwork.release(session, second, request_ids[SECOND])
    teamwork.release(session, first, request_ids[FIRST])
    assert in_box(session, second, Box.NEEDS_YOU) == [""]


def test_a_request_taken_by_an_owner_lapses_after_seven_days(session: Session, request_ids: dict[str, int]) -> None:
    first, second = as_person(session, FIRST), as_person(session, SECOND)
    teamwork.take(session, first, request_ids[FIRST])
    assert teamwork.lapse(session) == 0
    session.query(Notice).update({"taken_until": Notice.taken_until})
    row = session.get_one(Notice, request_ids[SECOND])
    assert row.taken_until is not None
    assert timedelta(days=6) < row.taken_until - now() <= timedelta(days=7)
    session.query(Notice).update({"taken_until": now() - timedelta(seconds=1)})
    assert teamwork.lapse(session) == 2
    session.expire_all()
    assert in_box(session, first, Box.NEEDS_YOU) == in_box(session, second, Box.NEEDS_YOU) == [""]


@pytest.mark.parametrize("taken", [False, True])
def test_a_request_that_one_owner_answers_leaves_every_inbox(
    session: Session, owners: Hub, request_ids: dict[str, int], taken: bool
) -> None:
    first, second = as_person(session, FIRST), as_person(session, SECOND)
    if taken:
        teamwork.take(session, second, request_ids[SECOND])
    membership.answer(session, first, owners, "stranger", approve=False)
    for person in (first, second):
        assert in_box(session, person, Box.NEEDS_YOU) == in_box(session, person, Box.NEWS) == []
        (done,) = listing.page(session, person, Box.DONE).notices
        assert done.resolved_by == FIRST
    with pytest.raises(NotFound):
        teamwork.take(session, second, request_ids[SECOND])
    # The same person asks again: one row per owner, which is nobody's again.
    membership.join(session, as_person(session, "stranger"), owners, "Please?")
    assert in_box(session, first, Box.NEEDS_YOU) == in_box(session, second, Box.NEEDS_YOU) == [""]
    assert session.query(Notice).filter_by(about="stranger").count() == 2


def test_only_requests_to_own_teams_can_be_taken(session: Session, request_ids: dict[str, int]) -> None:
    for name in ("member", "stranger", SECOND):
        with pytest.raises(NotFound):
            teamwork.take(session, as_person(session, name), request_ids[FIRST])
