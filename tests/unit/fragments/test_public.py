"""Cached responses of public fragments: removed by every change, even one that races with a request."""

import pytest
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import widgets
from hubs.fragments import public
from hubs.fragments.public import CachedResponse, PublicFragmentCache, forget_after_commit
from hubs.fragments.store import FragmentStore
from hubs.models import Database, Hub, Visibility
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person

FRAGMENT = {"version": 3, "built_at": "2026-11-24T10:00:00.000Z", "state": "live", "digest": "ab12", "html": "<p>é</p>"}


def response(entries: PublicFragmentCache, widget_id: int = 7) -> CachedResponse:
    return entries.encode(widget_id, "en", FRAGMENT)


@pytest.fixture
def entries(fragments: FragmentStore, database: Database) -> PublicFragmentCache:
    """Return the cache, invalidated by commits of the tests' sessions."""
    forget_after_commit(database, fragments.public)
    return fragments.public


def fill(entries: PublicFragmentCache, hub: Hub) -> list[int]:
    """Store a response for every widget of a hub; return the widget ids."""
    for row in hub.widgets:
        entries.store(row.id, "en", response(entries, row.id), entries.generation(row.id))
        assert entries.read(row.id, "en") == response(entries, row.id)
    return [row.id for row in hub.widgets]


def cached(entries: PublicFragmentCache, numbers: list[int]) -> list[int]:
    return [number for number in numbers if entries.read(number, "en") is not None]


def test_a_response_has_the_metadata_and_then_the_html(entries: PublicFragmentCache) -> None:
    body = response(entries).body
    assert body.startswith(b'<!--hubs {"version":3,')
    assert body.endswith("-->\n<p>é</p>".encode())
    assert entries.decode(7, "en", body) == response(entries)


@pytest.mark.parametrize("entry", [b"", b"<p>", b"<!--hubs {", b"<!--hubs {-->\n<p>", b"<!--hubs {}-->\n<p>"])
def test_a_damaged_entry_is_none(entries: PublicFragmentCache, entry: bytes) -> None:
    assert entries.decode(7, "en", entry) is None


def test_an_entry_that_was_changed_or_copied_in_the_cache_is_ignored(entries: PublicFragmentCache) -> None:
    body = response(entries).body
    for changed in (body.replace("é".encode(), b"e"), body.replace(b'"version":3', b'"version":4'), body + b"<p>"):
        assert entries.decode(7, "en", changed) is None
    assert entries.decode(8, "en", body) is None
    assert entries.decode(7, "de", body) is None


def test_a_response_is_not_stored_if_the_widget_changed_since_its_rows_were_read(entries: PublicFragmentCache) -> None:
    before = entries.generation(7)
    entries.forget([7])
    entries.store(7, "en", response(entries), before)
    assert entries.read(7, "en") is None


def test_an_entry_that_is_stored_during_a_change_is_removed_again(
    entries: PublicFragmentCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = entries._cache
    set_ = store.set

    def overtaken(key: str, value: bytes, ttl: int) -> bool:
        if key == PublicFragmentCache.key(7, "en"):  # a change is committed and forgets the entry before it arrives
            monkeypatch.setattr(store, "set", set_)
            entries.forget([7])
        return set_(key, value, ttl)

    monkeypatch.setattr(store, "set", overtaken)
    entries.store(7, "en", response(entries), None)
    assert entries.read(7, "en") is None


def test_committing_a_narrower_visibility_removes_the_entries_of_the_hub(
    session: Session, team: Hub, entries: PublicFragmentCache
) -> None:
    numbers = fill(entries, team)
    hub_actions.update(session, as_person(session, "owner"), team, {"visibility": Visibility.MEMBERS})
    session.flush()
    assert cached(entries, numbers) == numbers  # the change is invisible to others before the commit
    session.commit()
    assert cached(entries, numbers) == []


def test_a_rolled_back_change_removes_no_entries(session: Session, team: Hub, entries: PublicFragmentCache) -> None:
    numbers = fill(entries, team)
    hub_actions.update(session, as_person(session, "owner"), team, {"visibility": Visibility.MEMBERS})
    session.rollback()
    assert cached(entries, numbers) == numbers


def test_changing_or_removing_a_widget_removes_its_entry(
    session: Session, registry: Registry, team: Hub, entries: PublicFragmentCache
) -> None:
    owner = as_person(session, "owner")
    fill(entries, team)
    changed, removed = team.widgets[0], team.widgets[1].id
    widgets.update(session, registry, owner, changed, {}, label="New title")
    session.commit()
    assert entries.read(changed.id, "en") is None
    fill(entries, team)
    widgets.remove(session, registry, owner, team.widgets[1])
    session.commit()
    assert entries.read(removed, "en") is None


def test_building_a_widget_removes_its_entry(team: Hub, fragments: FragmentStore) -> None:
    row = team.widgets[0]
    fill(fragments.public, team)
    fragments.build(row)
    assert fragments.public.read(row.id, "en") is None


def test_an_entry_expires_before_the_five_seconds_within_which_access_must_end() -> None:
    assert public.LIFETIME < 5
