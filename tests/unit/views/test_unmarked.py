"""No text of ours is left in English: pages and fragments in a pseudo-language.

It puts every text into brackets, and lengthens it as long languages do.
"""

import re
from collections.abc import Iterator
from gettext import NullTranslations
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.actions import widgets
from hubs.models import Hub
from hubs.views.page_cache.personal import forget_bookmarks
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, required_settings
from tests.unit.views.conftest import sign_in

#: What is data, a name, or said by a machine.
DATA = r"""Fedora Hubs|Hubs|Otters|otters|We swim\.|Owner|owner|Member|member|Subscriber|subscriber|Stranger|stranger
|UTC|English|Deutsch|Europe/Oslo|\d+|[a-z_]+/json|docs"""


class Pseudo(NullTranslations):
    """Translations into brackets, longer by two fifths."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}{'·' * (len(message) * 2 // 5 + 1)}⟧"

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return self.gettext(singular if number == 1 else plural)


@pytest.fixture
def client(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    monkeypatch.setattr(i18n, "_catalogue", lambda locale: Pseudo())
    forget_bookmarks()  # of this language, which earlier tests rendered with its real texts
    yield client
    forget_bookmarks()


def left(html: str) -> list[str]:
    """Return untranslated text of a page, including attributes that people read or hear."""
    assert html.count("⟦") > 3
    html = re.sub(r"(?s)<(script|style|svg|select|code|kbd)\b.*?</\1>", " ", html)
    read = re.findall(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"', html)
    said = [*re.sub(r"<[^>]*>", "\n", html).splitlines(), *read]
    whole = unescape("\n".join(said))
    while re.search(r"⟦[^⟦⟧]*⟧", whole):
        whole = re.sub(r"⟦[^⟦⟧]*⟧", " ", whole)
    words = re.sub(DATA.replace("\n", ""), " ", whole)
    return sorted({line.strip() for line in words.splitlines() if re.search(r"[A-Za-z]{3}", line)})


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/login",
        "/me/",
        "/t/otters/?full=1",
        "/t/otters/members",
        "/t/otters/settings",
        "/t/otters/edit",
        "/t/otters/edit/add?side=left",
        "/t/otters/history",
        "/u/owner/?full=1",
        "/t/otters/settings/other",
        "/t/otters/settings/keys",
        "/t/otters/settings/webhooks",
        "/t/otters/announcements",
        "/me/notices",
        "/me/notices/mutes",
        "/me/bookmarks",
        "/me/tokens",
        "/stream/",
        "/search?q=otters",
        "/search?q=zq",
        "/people/",
        "/teams/",
        "/new",
        "/gallery/",
        "/no/such/page",
    ],
)
def test_all_texts_of_pages_are_translatable(
    client: FlaskClient, session: Session, registry: Registry, otters: Hub, path: str
) -> None:
    sign_in(client, "owner")
    assert left(client.get(path).get_data(as_text=True)) == []


def test_all_texts_of_widgets_are_translatable(
    client: FlaskClient, session: Session, registry: Registry, otters: Hub
) -> None:
    owner = as_person(session, "owner")
    for plugin in (
        "about",
        "activity",
        "heatmap",
        "library",
        "contact",
        "subscriptions",
        "halp",
        "push",
        "rss",
        "json",
        "karma",
    ):
        widgets.add(session, registry, owner, otters, plugin, "left", required_settings(plugin))
    session.commit()
    sign_in(client, "owner")
    page = client.get("/t/otters/?full=1").get_data(as_text=True)
    assert page.count("panel-title") > 15
    assert left(page) == []


def test_untranslatable_texts_are_detected() -> None:
    page = '⟦a⟧⟦b⟧⟦c⟧<p title="Plain words">⟦One ⟦two⟧⟧ Others</p>⟦d⟧'
    assert left(page) == ["Others", "Plain words"]
