"""What the tests of widgets share: building one through the real path, and a language in which every text is marked."""

from collections.abc import Callable
from gettext import NullTranslations
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.models import Hub, Widget
from hubs.widgets.fragments import Fragment, Fragments
from tests.unit.widgets.reading import problems

Build = Callable[..., Fragment]


@pytest.fixture
def build(session: Session, fragments: Fragments, team: Hub) -> Build:
    """Give a function that adds a widget to a hub, builds it, and checks that everybody can read it."""

    def made(plugin: str, hub: Hub | None = None, **settings: Any) -> Fragment:
        row = Widget(plugin=plugin, side="left", position=9, settings=settings, version=1)
        (hub or team).widgets.append(row)
        session.commit()
        fragment = fragments.build(row)
        assert problems(fragment.html) == []
        return fragment

    return made


class _Marked(NullTranslations):
    """A language that shows which texts went through it."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a language in force that puts every text in brackets."""
    monkeypatch.setattr(i18n, "_catalogue", lambda locale: _Marked())


@pytest.fixture
def member(session: Session, team: Hub) -> Hub:
    """Give the hub of the person called member."""
    return session.query(Hub).filter_by(kind="user", name="member").one()
