"""Version tags change with each commit about their hub or person; unreliable ones are omitted."""

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
    """Return fragments whose version tags are replaced by commits of the tests' sessions."""
    forget_after_commit(database, fragments.public)
    return fragments


def tags_of(fragments: FragmentStore, *things: tuple[str, int]) -> list[bytes]:
    keys = [key(*thing) for thing in things]
    tags = fragments.public.stamps.ensure(keys, fragments.cache.get_many(keys))
    return [tags[name] for name in keys]


def test_a_tag_stays_until_it_is_invalidated(fragments: FragmentStore) -> None:
    first = tags_of(fragments, ("hub", 1), ("user", 1))
    assert tags_of(fragments, ("hub", 1), ("user", 1)) == first
    fragments.public.stamps.invalidate([("hub", 1)])
    hub, user = tags_of(fragments, ("hub", 1), ("user", 1))
    assert (hub != first[0], user == first[1]) == (True, True)


def test_a_tag_that_another_process_stores_first_is_omitted(tmp_path: Path) -> None:
    store = SQLiteCache(tmp_path / "cache.db")
    store.set(key("hub", 1), b"theirs", 60)
    assert VersionTags(store).ensure([key("hub", 1), key("hub", 2)], {}).keys() == {key("hub", 2)}
    store.close()


def test_without_a_cache_there_are_no_tags() -> None:
    tags = VersionTags(NullCache())
    tags.invalidate([("hub", 1)])
    assert tags.ensure([key("hub", 1)], {}) == {}


def test_committing_a_role_replaces_the_tags_of_its_hub_and_person(
    session: Session, team: Hub, wired: FragmentStore
) -> None:
    stranger, owner = user_of(session, "stranger"), user_of(session, "owner")
    things = ("hub", team.id), ("user", stranger.id), ("user", owner.id)
    before = tags_of(wired, *things)
    session.add(Role(hub_id=team.id, user_id=stranger.id, role=RoleName.MEMBER))
    session.flush()
    assert tags_of(wired, *things) == before
    session.commit()
    after = tags_of(wired, *things)
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]


def test_a_rolled_back_change_replaces_no_tag(session: Session, team: Hub, wired: FragmentStore) -> None:
    before = tags_of(wired, ("hub", team.id))
    team.summary = "never"
    session.flush()
    session.rollback()
    session.commit()
    assert tags_of(wired, ("hub", team.id)) == before


def test_a_savepoint_replaces_no_tag_before_the_outer_commit(session: Session, team: Hub, wired: FragmentStore) -> None:
    before = tags_of(wired, ("hub", team.id))
    with session.begin_nested():
        team.summary = "inside"
    assert tags_of(wired, ("hub", team.id)) == before
    with pytest.raises(KeyError), session.begin_nested():
        raise KeyError
    session.commit()
    assert tags_of(wired, ("hub", team.id)) != before


def test_signing_out_everywhere_replaces_the_tag_of_the_person(
    session: Session, team: Hub, wired: FragmentStore
) -> None:
    owner = user_of(session, "owner")
    sessions.start(session, owner, 60)
    session.commit()
    before = tags_of(wired, ("user", owner.id))
    assert sessions.end_all(session, owner.id) == 1
    session.commit()
    assert tags_of(wired, ("user", owner.id)) != before


def test_a_tag_outlives_every_page_that_depends_on_it() -> None:
    assert versions.LIFETIME >= 3600
