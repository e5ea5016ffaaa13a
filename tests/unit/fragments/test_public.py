"""Ready answers for everybody: kept only while they are true, whoever comes in between."""

import pytest
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import widgets
from hubs.fragments import public
from hubs.fragments.public import PublicFragmentCache, decode, encode, forget_after_commit
from hubs.fragments.store import FragmentStore
from hubs.models import Database, Hub, Visibility
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person

KNOWN = {"version": 3, "built_at": "2026-11-24T10:00:00.000Z", "state": "live", "digest": "ab12", "html": "<p>é</p>"}
ANSWER = encode(KNOWN)


@pytest.fixture
def kept(fragments: FragmentStore, database: Database) -> PublicFragmentCache:
    """Give the entries, forgotten when a session of the tests changes what they show."""
    forget_after_commit(database, fragments.public)
    return fragments.public


def keep(entries: PublicFragmentCache, hub: Hub) -> list[int]:
    """Keep an answer for every widget of a hub; return the widgets."""
    for row in hub.widgets:
        entries.keep(row.id, "en", ANSWER, entries.generation(row.id))
        assert entries.read(row.id, "en") == ANSWER
    return [row.id for row in hub.widgets]


def left(entries: PublicFragmentCache, numbers: list[int]) -> list[int]:
    return [number for number in numbers if entries.read(number, "en") is not None]


def test_an_answer_tells_what_is_known_and_then_the_html() -> None:
    assert ANSWER.body.startswith(b'<!--hubs {"version":3,')
    assert ANSWER.body.endswith("-->\n<p>é</p>".encode())
    assert decode(ANSWER.body) == ANSWER


@pytest.mark.parametrize("entry", [b"", b"<p>", b"<!--hubs {", b"<!--hubs {-->\n<p>", b"<!--hubs {}-->\n<p>"])
def test_a_damaged_entry_is_none(entry: bytes) -> None:
    assert decode(entry) is None


def test_an_entry_is_not_kept_when_something_changed_since_the_rows_were_read(kept: PublicFragmentCache) -> None:
    before = kept.generation(7)
    kept.forget([7])
    kept.keep(7, "en", ANSWER, before)
    assert kept.read(7, "en") is None


def test_who_keeps_an_entry_during_a_change_takes_it_back(
    kept: PublicFragmentCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = kept._cache
    set_ = store.set

    def overtaken(key: str, value: bytes, ttl: int) -> bool:
        if key == PublicFragmentCache.key(7, "en"):  # a change is committed and forgets the entry before it arrives
            monkeypatch.setattr(store, "set", set_)
            kept.forget([7])
        return set_(key, value, ttl)

    monkeypatch.setattr(store, "set", overtaken)
    kept.keep(7, "en", ANSWER, None)
    assert kept.read(7, "en") is None


def test_a_hub_that_turns_private_loses_its_entries_with_the_commit(
    session: Session, team: Hub, kept: PublicFragmentCache
) -> None:
    numbers = keep(kept, team)
    hub_actions.update(session, as_person(session, "owner"), team, {"visibility": Visibility.MEMBERS})
    session.flush()
    assert left(kept, numbers) == numbers  # nobody else sees the change before the commit
    session.commit()
    assert left(kept, numbers) == []


def test_a_change_that_is_rolled_back_forgets_nothing(session: Session, team: Hub, kept: PublicFragmentCache) -> None:
    numbers = keep(kept, team)
    hub_actions.update(session, as_person(session, "owner"), team, {"visibility": Visibility.MEMBERS})
    session.rollback()
    assert left(kept, numbers) == numbers


def test_a_widget_that_is_changed_or_removed_loses_its_entry(
    session: Session, registry: Registry, team: Hub, kept: PublicFragmentCache
) -> None:
    owner = as_person(session, "owner")
    keep(kept, team)
    changed, removed = team.widgets[0], team.widgets[1].id
    widgets.update(session, registry, owner, changed, {}, label="New title")
    session.commit()
    assert kept.read(changed.id, "en") is None
    keep(kept, team)
    widgets.remove(session, registry, owner, team.widgets[1])
    session.commit()
    assert kept.read(removed, "en") is None


def test_a_widget_that_is_built_anew_loses_its_entry(team: Hub, fragments: FragmentStore) -> None:
    row = team.widgets[0]
    keep(fragments.public, team)
    fragments.build(row)
    assert fragments.public.read(row.id, "en") is None


def test_an_entry_lives_for_less_than_the_five_seconds_after_which_access_must_end() -> None:
    assert public.LIFETIME < 5
