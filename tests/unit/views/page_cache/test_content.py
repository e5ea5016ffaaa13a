"""A page shows the newest fragments, and reads them only when there is a newer one."""

from collections.abc import Iterable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hubs import i18n
from hubs.cache import NullCache
from hubs.fragments.store import FragmentStore
from hubs.models import Hub
from tests.unit.views.page_cache.test_middleware import PAGE, page, patience, prepare, queries  # noqa: F401 - fixtures


@pytest.fixture
def store(app: Flask) -> FragmentStore:
    """Give the fragments of the application."""
    fragments: FragmentStore = app.extensions["hubs"].fragments
    return fragments


@pytest.fixture
def read(store: FragmentStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the list of the cache keys that are read from now on."""
    keys, get_many = list[str](), store.cache.get_many

    def noted(names: Iterable[str]) -> dict[str, bytes]:
        some = list(names)
        keys.extend(some)
        return get_many(some)

    monkeypatch.setattr(store.cache, "get_many", noted)
    return keys


def fragments_among(keys: list[str]) -> int:
    return sum(key.startswith("f:") for key in keys)


def reads_of_two(client: FlaskClient, read: list[str]) -> list[int]:
    """Return how many fragments are read for each of two requests."""
    counts = []
    for _ in range(2):
        read.clear()
        page(client)
        counts.append(fragments_among(read))
    return counts


def test_fragments_are_read_only_after_one_has_changed(
    client: FlaskClient,
    otters: Hub,
    store: FragmentStore,
    read: list[str],
    queries: list[str],  # noqa: F811
) -> None:
    prepare(client, queries)
    assert reads_of_two(client, read) == [0, 0]
    store.build(otters.widgets[0])
    assert reads_of_two(client, read) == [6, 0]
    assert queries == []


def test_a_page_shows_at_once_that_a_fragment_was_removed(
    client: FlaskClient,
    otters: Hub,
    store: FragmentStore,
    queries: list[str],  # noqa: F811
) -> None:
    assert "data-load" not in prepare(client, queries)
    assert store.forget(otters.widgets[0], i18n.locales())
    assert page(client).count("data-load") == 1


def test_a_fragment_that_is_stored_while_the_others_are_read_is_shown_next(
    client: FlaskClient,
    otters: Hub,
    store: FragmentStore,
    queries: list[str],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare(client, queries)
    old, latest, get_many = store.build(otters.widgets[0]), [], store.cache.get_many

    def overtaken(names: Iterable[str]) -> dict[str, bytes]:
        entries = get_many(names)
        if fragments_among(list(entries)) and not latest:
            latest.append(store.build(otters.widgets[0]))
        return entries

    monkeypatch.setattr(store.cache, "get_many", overtaken)
    assert old.built_at in page(client)
    assert latest[0].built_at in page(client)
    assert queries == []


def test_a_lost_tag_of_the_content_has_the_fragments_read(
    client: FlaskClient,
    otters: Hub,
    store: FragmentStore,
    read: list[str],
    queries: list[str],  # noqa: F811
) -> None:
    prepare(client, queries)
    store.cache.delete(f"stamp:content:{otters.id}")
    assert reads_of_two(client, read) == [6, 0]


@pytest.mark.parametrize("act", ["keep", "forget"])
def test_a_fragment_is_not_confirmed_while_pages_may_miss_it(
    otters: Hub, store: FragmentStore, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = otters.widgets[0]
    fragment = store.build(row)
    acts: dict[str, Any] = {"keep": lambda: store.keep(row, fragment), "forget": lambda: store.forget(row, ["en"])}
    assert acts[act]()

    class Stuck(NullCache):
        """Changes nothing: the server of the tag does not answer."""

        def delete(self, *keys: str) -> bool:
            return False

    monkeypatch.setattr(store.public.stamps, "_cache", Stuck())
    assert not acts[act]()
