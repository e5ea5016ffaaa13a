"""A cache that hiccups while a widget is built must not go on showing the old content."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.cache import Cache
from hubs.fragments.builder import ALL, UNCONFIRMED, Builder
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import FragmentStore
from hubs.models import Database, Widget
from tests.unit.backend.conftest import Pushed


class Hiccup:
    """A cache that confirms no change while ``is_broken``, and keeps what it has."""

    def __init__(self, cache: Cache) -> None:
        self._cache, self.is_broken = cache, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def set(self, key: str, value: bytes, ttl: int) -> bool:
        return not self.is_broken and self._cache.set(key, value, ttl)

    def add(self, key: str, value: bytes, ttl: int) -> bool | None:
        return None if self.is_broken else self._cache.add(key, value, ttl)

    def delete(self, *keys: str) -> bool:
        return not self.is_broken and self._cache.delete(*keys)


@pytest.fixture
def hiccup(fragments: FragmentStore) -> Hiccup:
    cache = Hiccup(fragments.cache)
    fragments.cache = fragments.signed._cache = cache
    return cache


@pytest.fixture
def builder(database: Database, fragments: FragmentStore, pushed: Pushed, schedule: BuildSchedule) -> Builder:
    return Builder(database, fragments, pushed, schedule, 10.0)  # type: ignore[arg-type]


def change(session: Session, sticky: Widget, text: str) -> None:
    """Change the content without a new version, as a message does."""
    sticky.settings["text"] = text
    session.commit()


def test_content_that_the_cache_did_not_confirm_is_built_again(
    session: Session,
    sticky: Widget,
    fragments: FragmentStore,
    hiccup: Hiccup,
    builder: Builder,
    schedule: BuildSchedule,
) -> None:
    change(session, sticky, "old")
    builder.build(sticky.id, [ALL])
    change(session, sticky, "new")
    hiccup.is_broken = True
    assert builder.build(sticky.id, [ALL]) is None
    hiccup.is_broken = False
    shown = fragments.read(sticky)
    assert shown is not None
    assert "old" in shown.html
    assert builder.counts["unconfirmed"] == 1
    schedule._clock = lambda: 2**40  # all that is scheduled is due
    assert schedule.take(60).requested == [sticky.id]
    builder.build(sticky.id, [ALL])
    shown = fragments.read(sticky)
    assert shown is not None
    assert "new" in shown.html
    assert builder.counts["unconfirmed"] == 1


def test_it_waits_longer_each_time_and_starts_over_once_it_worked(
    session: Session, sticky: Widget, hiccup: Hiccup, builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.commit()
    monkeypatch.setattr(builder._due, "reschedule", lambda widget, when: False)  # Redis is unavailable as well
    hiccup.is_broken = True
    waits = [builder.build(sticky.id, [ALL]) for _ in range(6)]
    assert waits == [1.0, 2.0, 4.0, 8.0, UNCONFIRMED[1], UNCONFIRMED[1]]
    hiccup.is_broken = False
    assert builder.build(sticky.id, [ALL]) is None
    hiccup.is_broken = True
    assert builder.build(sticky.id, [ALL]) == UNCONFIRMED[0]


def test_a_fragment_in_another_language_that_could_not_be_removed_counts(
    session: Session, sticky: Widget, fragments: FragmentStore, hiccup: Hiccup, builder: Builder
) -> None:
    session.commit()
    german = fragments.key(sticky, "de")
    delete = hiccup.delete
    hiccup.delete = lambda *keys: german not in keys and delete(*keys)  # type: ignore[method-assign]
    builder.build(sticky.id, [ALL])
    assert builder.counts["unconfirmed"] == 1
