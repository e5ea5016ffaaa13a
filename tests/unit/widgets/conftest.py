"""Shared fixtures of widget tests: building a widget through the real path, and a language that marks every text."""

from collections.abc import Callable, Iterator
from gettext import NullTranslations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs import cache, i18n
from hubs.clients.all import Clients
from hubs.fragments.store import Fragment, FragmentStore
from hubs.models import Hub, Widget
from hubs.settings import load
from hubs.widgets.registry import Registry
from tests.unit.clients.conftest import PATIENT
from tests.unit.conftest import KEY
from tests.unit.widgets.reading import problems
from tests.upstream import Upstream, all_at, running

Build = Callable[..., Fragment]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Provide a server that replaces all upstream services."""
    with running() as server:
        yield server


@pytest.fixture
def fragments(registry: Registry, tmp_path: Path, upstream: Upstream) -> Iterator[FragmentStore]:
    """Provide a fragment store whose widgets query ``upstream``."""
    store = cache.SQLiteCache(tmp_path / "cache.db")
    vouched = {"HUBS_PRESET": "fedora", "HUBS_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"}
    settings = load(all_at(upstream.url) | vouched)
    clients = Clients(settings, store, PATIENT)
    yield FragmentStore(registry, store, KEY, 3600, clients=clients)
    clients.close()
    store.close()


@pytest.fixture
def build(session: Session, fragments: FragmentStore, team: Hub) -> Build:
    """Provide a function that adds a widget to a hub, builds it, and checks its accessibility."""

    def build_widget(plugin: str, hub: Hub | None = None, **settings: Any) -> Fragment:
        row = Widget(plugin=plugin, side="left", position=9, settings=settings, version=1)
        (hub or team).widgets.append(row)
        session.commit()
        fragment = fragments.build(row)
        assert problems(fragment.html) == []
        return fragment

    return build_widget


class Marked(NullTranslations):
    """A language that marks the texts translated with it."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a language that puts every text in brackets."""
    monkeypatch.setattr(i18n, "_catalogue", lambda locale: Marked())


@pytest.fixture
def member(session: Session, team: Hub) -> Hub:
    """Return the hub of the person called member."""
    return session.query(Hub).filter_by(kind="user", name="member").one()
