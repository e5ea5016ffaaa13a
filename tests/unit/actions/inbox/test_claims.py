"""Offers to help: told to whoever called, reminded of after ten idle days, ended four days later."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from hubs.actions import messages
from hubs.actions.inbox import claims, export, listing
from hubs.actions.inbox.listing import Box
from hubs.actions.privacy.account_data import forget
from hubs.activities.activity import Activity, Thing
from hubs.bus import parse
from hubs.digest.tasks import task, tasks
from hubs.errors import Conflict, NotAllowed, NotFound
from hubs.models import AuditEntry, HelpClaim, Hub, Notice, StoredMessage, Visibility, now
from hubs.permissions import VISITOR
from tests.unit.conftest import as_person, user_of

CALLER, HELPER, OTHER = "owner", "member", "stranger"


def store_call(session: Session, msg_id: str = "call", line: str = "Draw an icon", *names: str) -> int:
    """Store a call for help by the caller; return the id of its message."""
    topic = "org.fedoraproject.prod.meetbot.meeting.item.help"
    body = {"details": {"line": line, "nick": "ota"}, "meeting_topic": "Otters", "url": "https://logs.example/1"}
    activity = Activity("meeting.help", CALLER, Thing("meeting", line))
    message = replace(
        parse({"topic": topic, "msg": body, "msg_id": msg_id}),
        users=frozenset((CALLER, *names)),
        activity=activity,
        sent_at=now(),
    )
    messages.store(session, [message])
    session.commit()
    return session.query(StoredMessage.id).filter_by(msg_id=msg_id).scalar()


@pytest.fixture
def call(session: Session, team: Hub) -> int:
    return store_call(session)


def kinds(session: Session, username: str, box: Box) -> list[tuple[str, str]]:
    """Return the kinds of a person's notifications in a list, and who caused each."""
    page = listing.page(session, as_person(session, username), box)
    return [(notice.kind.value, notice.about) for notice in page.notices]


def age(session: Session, **columns: timedelta) -> None:
    """Move times of all offers into the past."""
    values = {name: now() - time for name, time in columns.items()}
    session.execute(update(HelpClaim).values(values))
    session.expire_all()


def test_an_offer_is_shown_and_told_to_whoever_called(session: Session, call: int) -> None:
    claims.offer(session, as_person(session, HELPER), call)
    assert kinds(session, CALLER, Box.NEWS) == [("help-offered", HELPER)]
    assert kinds(session, HELPER, Box.NEWS) == kinds(session, HELPER, Box.NEEDS_YOU) == []
    (mine,) = tasks(session, as_person(session, HELPER))
    (others,) = tasks(session, VISITOR)
    assert mine.claim is not None
    assert mine.claim.is_mine
    assert others.claim is not None
    assert (others.claim.username, others.claim.name, others.claim.is_mine) == (HELPER, "Member", False)
    entry = session.query(AuditEntry).filter_by(action="hubs.help.offered").one()
    assert (entry.agent, entry.detail) == (HELPER, {"message": call, "username": HELPER})


def test_of_two_people_one_gets_it(session: Session, call: int) -> None:
    claims.offer(session, as_person(session, HELPER), call)
    with pytest.raises(Conflict, match="member is already working"):
        claims.offer(session, as_person(session, OTHER), call)
    user_of(session, HELPER).activity = Visibility.OWNERS
    session.flush()
    with pytest.raises(Conflict, match="Somebody is already working"):
        claims.offer(session, as_person(session, OTHER), call)
    (shown,) = tasks(session, as_person(session, OTHER))
    assert shown.claim is not None
    assert (shown.claim.username, shown.claim.name) == ("", "")


def test_an_offer_that_another_process_commits_first_wins(
    session: Session, call: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims.offer(session, as_person(session, HELPER), call)
    session.query(Notice).delete()
    session.commit()
    # As if the row had appeared after this transaction looked for it.
    monkeypatch.setattr(claims, "_locked", lambda session, message_id: None)
    with pytest.raises(Conflict, match="member is already working"):
        claims.offer(session, as_person(session, OTHER), call)
    assert kinds(session, CALLER, Box.NEWS) == []


def test_visitors_and_people_who_may_not_see_a_call_cannot_offer(session: Session, call: int) -> None:
    with pytest.raises(NotAllowed):
        claims.offer(session, VISITOR, call)
    user_of(session, CALLER).activity = Visibility.OWNERS
    session.flush()
    helper = as_person(session, HELPER)
    with pytest.raises(NotFound) as hidden:
        claims.offer(session, helper, call)
    with pytest.raises(NotFound) as missing:
        claims.offer(session, helper, 10**9)
    assert str(hidden.value) == str(missing.value)
    assert task(session, helper, call) is None
    assert task(session, as_person(session, CALLER), call) is not None


def test_only_calls_for_help_can_be_taken(session: Session, call: int) -> None:
    session.execute(update(StoredMessage).values(topic="org.fedoraproject.prod.meetbot.meeting.start"))
    with pytest.raises(NotFound):
        claims.offer(session, as_person(session, HELPER), call)


def test_a_withdrawn_offer_is_told_and_leaves_the_call_open(session: Session, call: int) -> None:
    helper = as_person(session, HELPER)
    claims.offer(session, helper, call)
    with pytest.raises(NotFound):
        claims.withdraw(session, as_person(session, OTHER), call)
    claims.withdraw(session, helper, call)
    assert kinds(session, CALLER, Box.NEWS) == [("help-freed", HELPER)]
    assert kinds(session, HELPER, Box.NEWS) == []
    claims.offer(session, as_person(session, OTHER), call)
    assert kinds(session, CALLER, Box.NEWS) == [("help-offered", OTHER)]


def test_idle_helpers_are_reminded_once_after_ten_days_and_lose_it_four_days_later(session: Session, call: int) -> None:
    claims.offer(session, as_person(session, HELPER), call)
    age(session, touched_on=claims.IDLE - timedelta(minutes=1))
    assert claims.keep_up(session) == (0, 0)
    age(session, touched_on=claims.IDLE)
    assert [claims.keep_up(session) for _turn in range(2)] == [(1, 0), (0, 0)]
    assert kinds(session, HELPER, Box.NEEDS_YOU) == [("help-reminder", "")]
    age(session, reminded_on=claims.GRACE - timedelta(minutes=1))
    assert claims.keep_up(session) == (0, 0)
    age(session, reminded_on=claims.GRACE)
    assert [claims.keep_up(session) for _turn in range(2)] == [(0, 1), (0, 0)]
    assert kinds(session, HELPER, Box.NEEDS_YOU) == []
    assert kinds(session, HELPER, Box.NEWS) == [("help-freed", "")]
    assert kinds(session, CALLER, Box.NEWS) == [("help-freed", HELPER)]
    assert session.query(HelpClaim).count() == 0


def test_a_confirmed_offer_begins_again(session: Session, call: int) -> None:
    helper = as_person(session, HELPER)
    claims.offer(session, helper, call)
    age(session, touched_on=claims.IDLE)
    claims.keep_up(session)
    claims.offer(session, helper, call)
    assert kinds(session, HELPER, Box.NEEDS_YOU) == []
    assert claims.keep_up(session) == (0, 0)
    assert session.query(Notice).filter_by(kind="help-offered").count() == 1


def test_a_person_works_on_a_bounded_number_of_calls(
    session: Session, call: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "MOST", 1)
    helper = as_person(session, HELPER)
    claims.offer(session, helper, call)
    with pytest.raises(Conflict, match="at most 1"):
        claims.offer(session, helper, store_call(session, "second", "Write a text"))
    claims.offer(session, helper, call)


def test_the_same_call_in_two_meetings_is_one_task_with_its_helper(session: Session, call: int) -> None:
    claims.offer(session, as_person(session, HELPER), call)
    store_call(session, "again")
    store_call(session, "other", "Write a text")
    shown = [(task.request.line, task.claim is not None) for task in tasks(session, as_person(session, OTHER))]
    assert shown == [("Write a text", False), ("Draw an icon", True)]
    assert [bool(task.claim) for task in tasks(session, as_person(session, HELPER))] == [True, False]


def test_offers_are_exported_and_end_with_the_account(session: Session, call: int) -> None:
    claims.offer(session, as_person(session, HELPER), call)
    assert [row["message"] for row in export.read(session, as_person(session, HELPER))["offers_to_help"]] == [call]
    forget(session, user_of(session, HELPER))
    session.commit()
    assert session.query(HelpClaim).count() == 0
    assert kinds(session, CALLER, Box.NEWS) == []
    entry = session.query(AuditEntry).filter_by(action="hubs.help.offered").one()
    assert HELPER not in (entry.agent, entry.detail["username"])


def test_a_call_of_somebody_without_account_tells_nobody(session: Session, team: Hub) -> None:
    number = store_call(session)
    session.execute(update(StoredMessage).values(activity={"verb": "meeting.help", "actor": "ota"}))
    session.commit()
    claims.offer(session, as_person(session, HELPER), number)
    assert session.query(Notice).count() == 0
