"""Stamps change with what they stand for, and those that nobody can vouch for are left out."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from hubs.actions.people import sessions
from hubs.cache import NullCache, SQLiteCache
from hubs.fragments import versions
from hubs.fragments.public import forget_after_commit
from hubs.fragments.store import FragmentStore
from hubs.fragments.versions import VersionTags, key
from hubs.models import Database, Hub, Role, RoleName
from tests.unit.conftest import user_of


@pytest.fixture
def wired(database: Database, fragments: FragmentStore) -> FragmentStore:
    """Give the fragments whose cache holds the stamps that the tests' sessions change."""
    forget_after_commit(database, fragments.public)
    return fragments


def stamped(fragments: FragmentStore, *things: tuple[str, int]) -> list[bytes]:
    keys = [key(*thing) for thing in things]
    found = fragments.public.stamps.ensure(keys, fragments.cache.get_many(keys))
    return [found[one] for one in keys]


def test_a_stamp_stays_until_it_is_changed(fragments: FragmentStore) -> None:
    first = stamped(fragments, ("hub", 1), ("user", 1))
    assert stamped(fragments, ("hub", 1), ("user", 1)) == first
    fragments.public.stamps.invalidate([("hub", 1)])
    hub, user = stamped(fragments, ("hub", 1), ("user", 1))
    assert (hub != first[0], user == first[1]) == (True, True)


def test_a_stamp_that_somebody_else_makes_meanwhile_is_left_out(tmp_path: Path) -> None:
    store = SQLiteCache(tmp_path / "cache.db")
    store.set(key("hub", 1), b"theirs", 60)
    assert VersionTags(store).ensure([key("hub", 1), key("hub", 2)], {}).keys() == {key("hub", 2)}
    store.close()


def test_without_a_cache_there_are_no_stamps() -> None:
    found = VersionTags(NullCache())
    found.invalidate([("hub", 1)])
    assert found.ensure([key("hub", 1)], {}) == {}


def test_a_role_changes_the_stamps_of_its_hub_and_its_person_with_the_commit(
    session: Session, team: Hub, wired: FragmentStore
) -> None:
    stranger, owner = user_of(session, "stranger"), user_of(session, "owner")
    things = ("hub", team.id), ("user", stranger.id), ("user", owner.id)
    before = stamped(wired, *things)
    session.add(Role(hub_id=team.id, user_id=stranger.id, role=RoleName.MEMBER))
    session.flush()
    assert stamped(wired, *things) == before
    session.commit()
    after = stamped(wired, *things)
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, False, True]


def test_a_change_that_is_rolled_back_changes_no_stamp(session: Session, team: Hub, wired: FragmentStore) -> None:
    before = stamped(wired, ("hub", team.id))
    team.summary = "never"
    session.flush()
    session.rollback()
    session.commit()
    assert stamped(wired, ("hub", team.id)) == before


def test_a_savepoint_changes_no_stamp_before_all_is_committed(
    session: Session, team: Hub, wired: FragmentStore
) -> None:
    before = stamped(wired, ("hub", team.id))
    with session.begin_nested():
        team.summary = "inside"
    assert stamped(wired, ("hub", team.id)) == before
    with pytest.raises(KeyError), session.begin_nested():
        raise KeyError
    session.commit()
    assert stamped(wired, ("hub", team.id)) != before


def test_signing_out_everywhere_changes_the_person_s_stamp(session: Session, team: Hub, wired: FragmentStore) -> None:
    owner = user_of(session, "owner")
    sessions.start(session, owner, 60)
    session.commit()
    before = stamped(wired, ("user", owner.id))
    assert sessions.end_all(session, owner.id) == 1
    session.commit()
    assert stamped(wired, ("user", owner.id)) != before


def test_a_stamp_outlives_every_page_that_depends_on_it() -> None:
    assert versions.LIFETIME >= 3600
