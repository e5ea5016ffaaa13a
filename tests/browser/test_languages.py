"""Every page in other languages: without a text that cannot be translated, and without overflow on a phone."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote_plus

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy import String, inspect, select
from sqlalchemy.types import JSON

from hubs import i18n
from hubs.models import Base
from tests.browser.axe import NARROW, open_everything, report
from tests.browser.community import community
from tests.browser.layout import layout_problems
from tests.browser.test_every_page import Visit, Walk, visits
from tests.unit.views.conftest import sign_in
from tests.unit.widgets.conftest import Marked

#: Elements whose text is data, code, or put there by a script; user content has ``dir="auto"`` or is in ``bdi``.
DATA = frozenset(("script", "style", "code", "pre", "kbd", "bdi", "time", "svg", "datalist", "textarea"))
#: Classes of the same: the content of widgets, which has tests of its own, and what people wrote as Markdown.
DATA_CLASSES = frozenset(("panel-content", "edit-glimpse", "markdown", "avatar", "catalogue-icon"))
VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
#: Attributes that people read or hear.
READ = ("title", "aria-label", "placeholder", "alt", "data-text", "data-confirm")
#: Names that are the same in all languages, and addresses on this site.
NAMES = re.compile(
    r"Fedora Hubs|Hubs|Atom|JSON|YAML|API|OpenAPI|iCalendar|Markdown|Pagure|GitHub|GitLab|Forgejo|Gitea|Discourse"
    r"|Weblate|CloudEvents|Standard Webhooks|UTC|[A-Z]\w+/[A-Z]\w+"
    r"|(?:(?:GET|POST|PUT|PATCH|DELETE) )?/[a-z]\S*"
)


class Texts(HTMLParser):
    """Collects what a page says outside of the marks of translated texts, and outside of data."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[str] = []
        self._data: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the attributes, and where data begins."""
        values = {name: value or "" for name, value in attrs}
        for name in READ:
            if not self._data and name in values:
                self.left.append(_unmarked(values[name]))
        if tag in VOID:
            return
        is_data = tag in DATA or values.get("dir") == "auto" or DATA_CLASSES & set(values.get("class", "").split())
        # Texts that say themselves that they are in English, such as the reference of the API.
        is_data = is_data or (tag != "html" and values.get("lang") == "en")
        if self._data or is_data:
            self._data.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note where data ends."""
        if tag in self._data:
            while self._data.pop() != tag:
                pass

    def handle_data(self, text: str) -> None:
        """Note what is not translated; marks count in data as well, since a sentence can begin or end there."""
        for piece in re.split("([⟦⟧])", text):
            if piece in ("⟦", "⟧"):
                self._depth += 1 if piece == "⟦" else -1
            elif not self._depth and not self._data:
                self.left.append(piece)


def _unmarked(text: str) -> str:
    while (shorter := re.sub("⟦[^⟦⟧]*⟧", "", text)) != text:
        text = shorter
    return text


@pytest.fixture(scope="module")
def walk(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    with community(tmp_path_factory.mktemp("community")) as (app, address):
        walk = Walk(chromium, app, address)
        yield walk
        walk.close()


@pytest.fixture(scope="module")
def stored(walk: Walk) -> str:
    """Return all texts in the database: what people and programs wrote."""
    texts = [widget_type.name for widget_type in walk.app.extensions["hubs"].registry]
    with walk.app.extensions["hubs"].database.session() as session:
        for mapper in Base.registry.mappers:
            columns = [column for column in inspect(mapper.class_).columns if isinstance(column.type, String | JSON)]
            for row in session.execute(select(*columns)) if columns else ():
                texts += [str(value) for value in row]
    return "\n".join(" ".join(text.split()) for text in (*texts, *i18n.names().values()))


def signed_in(walk: Walk, who: str) -> FlaskClient:
    client = walk.app.test_client()
    return sign_in(client, who) if who else client


@pytest.mark.slow
@pytest.mark.parametrize("visit", visits(1, acts=False))
def test_every_text_of_every_page_can_be_translated(
    walk: Walk, stored: str, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(walk, visit.who)
    monkeypatch.setattr(i18n, "_catalogue", lambda locale: Marked())
    # The cookie is of a language that nobody else reads, so that no other test finds marked fragments in the cache.
    answer = client.get(visit.path.format(**walk.numbers), headers={"Accept-Language": "zh-Hans"})
    page = Texts()
    page.feed(answer.get_data(as_text=True))
    # A line or a title may consist of several things that somebody wrote, and repeat what was searched for.
    known = f"{stored}\n{unquote_plus(visit.path)}"
    texts = {part.strip(" ·:,()") for text in page.left for part in re.split(" · |, |\n", NAMES.sub("", text))}
    texts = {" ".join(text.split()) for text in texts}
    words = {text for text in texts if re.search(r"[^\W\d_]{2}", text) and text not in known}
    assert words == set()


@pytest.mark.slow
@pytest.mark.parametrize("visit", visits(1, acts=False))
def test_every_page_keeps_its_layout_on_a_phone_in_every_language(walk: Walk, visit: Visit) -> None:
    results = {}
    for locale in i18n.locales():
        language = i18n.tag(locale)
        page = walk.open(visit, language=language)
        root = page.evaluate("[document.documentElement.lang, document.documentElement.dir]")
        assert root == [language, i18n.direction(locale)]
        open_everything(page)
        results[language] = layout_problems(page, NARROW["width"])
    assert report(results) == ""
