"""The number of messages per day: recent days are counted each time, past days come from the cache."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hubs.actions import messages, own_messages
from hubs.actions.people import roles
from hubs.actions.privacy import anonymize
from hubs.cache import SQLiteCache
from hubs.models import Hub, RoleName, StoredMessage, User, Visibility, Widget, now
from hubs.widgets.caching import BuildContext, attach_context
from hubs.widgets.registry import Registry
from hubs.widgets.shared import daily_counts as daily_counts_module
from hubs.widgets.shared.daily_counts import daily_counts
from tests.unit.conftest import KEY, as_person, user_of
from tests.unit.widgets.test_built_in import say
from tests.unit.widgets.test_feed import statements

SINCE = now() - timedelta(days=60)
#: Days before now on which the team's member did something.
AGES = (0, 0, 1, 3, 3, 40)


class Keeping(SQLiteCache):
    """A cache that records the keys that were written."""

    def set(self, key: str, value: bytes, ttl: int) -> bool:
        self.keys = [*getattr(self, "keys", []), key]
        return super().set(key, value, ttl)


@pytest.fixture
def store(tmp_path: object) -> Keeping:
    return Keeping(tmp_path / "counts.db")  # type: ignore[operator]


Count = Callable[..., dict[int, int]]


@pytest.fixture
def count(session: Session, registry: Registry, team: Hub, store: Keeping) -> Count:
    """Provide a function that returns the team's counts by age in days, as seen by a new build."""
    messages.store(session, [say(n, "member", ago=24 * days) for n, days in enumerate(AGES)])
    widget_type = registry.get("activity")
    assert widget_type is not None

    def count_by_age(**settings: str) -> dict[int, int]:
        row = Widget(plugin="activity", settings=settings, version=1, hub=team)
        session.add(row)
        session.flush()
        widget_type.bind(row)
        attach_context(row, BuildContext(store, KEY))
        today = now().date()
        result: dict[int, int] = {}
        for (day, category), number in daily_counts(row, SINCE).items():
            assert category == "wiki"
            result[(today - day).days] = number
        return result

    return count_by_age


def counted(session: Session, count: Count) -> int:
    """Return how many times messages were counted in the database for a build that gives the usual counts."""
    with statements(session) as asked:
        assert count() == {0: 2, 1: 1, 3: 2, 40: 1}
    return sum("count(" in statement for statement in asked)


def test_past_days_are_counted_once(session: Session, count: Count) -> None:
    weeks = (now().date() - SINCE.date()).days // 7
    assert counted(session, count) > weeks
    assert counted(session, count) == 1


def test_a_count_that_was_interrupted_is_continued(
    session: Session, count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting, begun = daily_counts_module._count, list[object]()

    def interrupted(*arguments: object) -> object:
        begun.append(arguments)
        return counting(*arguments) if len(begun) < 6 else 1 / 0  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(daily_counts_module, "_count", interrupted)
        with pytest.raises(ZeroDivisionError):
            count()
    pieces = len(list(daily_counts_module._pieces(SINCE, now() - daily_counts_module.DELAY, 60)))
    assert counted(session, count) == 1 + pieces - 4


def test_pieces_of_time_are_whole_and_do_not_overlap() -> None:
    since = datetime(2026, 9, 7, tzinfo=UTC)  # a Monday
    for until in (since, since + timedelta(minutes=59), datetime(2026, 9, 30, 15, 40, tzinfo=UTC)):
        pieces = list(daily_counts_module._pieces(since, until, 60))
        edges = [since, *(end for _, end, _ in pieces)]
        assert [start for start, _, _ in pieces] == edges[:-1]
        assert until - edges[-1] < timedelta(hours=1)
    assert [f"{end:%d %H}" for _, end, _ in pieces] == ["14 00", "21 00", "28 00", "30 00", "30 15"]
    assert [seconds for _, _, seconds in pieces] == [60, 60, 60, 600, 600]


def test_days_begin_at_midnight_utc_whatever_the_time_zone_of_the_database(session: Session, count: Count) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET TIME ZONE 'Asia/Kolkata'"))
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    around = (midnight + timedelta(minutes=minutes) for minutes in (-30, 30))
    messages.store(session, [replace(say(n, "member"), sent_at=sent) for n, sent in enumerate(around, start=80)])
    assert count() == {0: 2, 1: 1, 2: 1, 3: 3, 40: 1}


def test_todays_and_late_messages_count_at_once(session: Session, count: Count, store: Keeping) -> None:
    count()
    late = replace(say(51, "member", ago=24 * 40), received_at=now())
    messages.store(session, [say(50, "member", ago=0), late])
    assert count() == {0: 3, 1: 1, 3: 2, 40: 2}
    # A message that was stored long after its receipt counts after the entry expires.
    messages.store(session, [say(52, "member", ago=24 * 40)])
    assert count() == {0: 3, 1: 1, 3: 2, 40: 2}
    store.delete(*store.keys)
    assert count() == {0: 3, 1: 1, 3: 2, 40: 3}


def test_messages_that_are_deleted_for_privacy_count_no_more_at_once(session: Session, count: Count, team: Hub) -> None:
    messages.store(session, [say(80, "newcomer", ago=24 * 3), say(81, "newcomer", ago=24 * 3)])
    messages.store(session, [say(82, "newcomer", "member", ago=24 * 3)])
    session.query(StoredMessage).filter_by(msg_id="m80").update({"about_hub_id": team.id})
    assert count(username="newcomer") == {3: 3}
    own_messages.forget_hub(session, team.id)
    assert count(username="newcomer") == {3: 2}
    anonymize.anonymise(session, "newcomer", "deleted-1")
    assert count(username="newcomer") == {}
    assert count(username="member")[3] == 3


def test_a_change_of_members_or_privacy_recounts_all_days_at_once(session: Session, count: Count, team: Hub) -> None:
    messages.store(session, [say(60, "stranger", ago=24 * 3), say(61, "stranger", ago=0)])
    assert count() == {0: 2, 1: 1, 3: 2, 40: 1}
    roles.give_role(session, as_person(session, "owner"), team, user_of(session, "stranger"), RoleName.MEMBER)
    session.flush()
    assert count() == {0: 3, 1: 1, 3: 3, 40: 1}
    user_of(session, "member").activity = Visibility.OWNERS
    session.flush()
    assert count() == {0: 1, 3: 1}
    user_of(session, "member").activity = Visibility.PUBLIC
    session.flush()
    assert count() == {0: 3, 1: 1, 3: 3, 40: 1}


def test_the_past_of_a_new_member_who_hides_activity_is_not_counted(session: Session, count: Count) -> None:
    messages.store(session, [say(70, "newcomer", ago=24 * 3), say(71, "newcomer", ago=0)])
    assert count(username="newcomer") == {0: 1, 3: 1}
    session.add(User(username="newcomer", activity=Visibility.OWNERS))
    session.flush()
    assert count(username="newcomer") == {}
    user_of(session, "newcomer").activity = Visibility.PUBLIC
    session.flush()
    assert count(username="newcomer") == {0: 1, 3: 1}


@pytest.mark.parametrize("entry", [b"", b"7", b"null", b"{}", b'[["2026-01-01"]]', b'[["x","wiki",1]]', b"\xff\xfe"])
def test_a_damaged_entry_is_counted_again(count: Count, store: Keeping, entry: bytes) -> None:
    whole = count()
    for key in list(store.keys):
        store.set(key, entry, 60)
    assert count() == whole
