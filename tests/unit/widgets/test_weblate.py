"""Translations: bars and figures, what owners are told, and which messages make them stale."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.backend.index.index import Index
from hubs.bus import parse
from hubs.demo.services.contract import answer, record
from hubs.models import Hub, Widget
from hubs.widgets.registry import Registry
from hubs.widgets.view import percent
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of
from tests.upstream import Upstream

SITE = "https://weblate.example"


def test_each_language_has_a_bar_and_its_figures_as_text(upstream: Upstream, build: Build) -> None:
    upstream.on("/api/projects/docs/languages/", answer("weblate", "languages"))
    fragment = build("weblate", address=f"{upstream.url}/projects/docs/")
    text = text_of(fragment.html)
    assert fragment.state == "live", fragment.error
    assert "92% translated 1 of 2 languages complete" in text
    assert text.index("Persian 100% 480 of 480 texts") < text.index("German 85% 412 of 480 texts · 12 need an edit")
    assert '<rect class="share-done" width="85"' in fragment.html
    assert '<rect class="share-part" width="88"' in fragment.html
    assert f'href="{upstream.url}/projects/docs/"' in fragment.html


def test_many_languages_continue_on_their_own_page(upstream: Upstream, build: Build) -> None:
    languages = [record("weblate", "languages", code=f"x{number}", name=f"X{number}") for number in range(30)]
    upstream.on("/api/projects/docs/languages/", languages)
    assert "Show 20 more" in text_of(build("weblate", address=f"{upstream.url}/projects/docs/", limit=10).html)


def test_a_project_without_languages(upstream: Upstream, build: Build) -> None:
    upstream.on("/api/projects/docs/languages/", [])
    assert "There is no language yet." in text_of(build("weblate", address=f"{upstream.url}/projects/docs/").html)


@pytest.mark.parametrize(("address", "said"), [("", "Which translations?"), (SITE, "not the address of a project")])
def test_without_the_address_of_a_project_the_widget_says_what_to_do(build: Build, address: str, said: str) -> None:
    fragment = build("weblate", address=address)
    assert (fragment.state, said in fragment.error) == ("needs-setup", True)


def test_percents_are_written_as_the_language_does() -> None:
    with i18n.use("fr"):
        assert percent(58) == "58\xa0%"
    assert percent(58) == "58%"


def said(project: str, component: str) -> Any:
    body = {"action": "Translation changed", "project": project, "component": component, "translation": "de"}
    topic = "org.fedoraproject.prod.weblate.translation_changed"
    return parse({"topic": topic, "msg": {name: value for name, value in body.items() if value}, "msg_id": "m"})


@pytest.mark.parametrize(
    ("path", "message", "stale"),
    [
        ("docs/handbook", said("docs", "handbook"), True),
        ("docs", said("docs", "handbook"), True),
        ("Docs", said("docs", ""), True),
        ("docs/handbook", said("docs", "guide"), False),
        ("docs", said("site", "handbook"), False),
    ],
)
def test_which_messages_make_progress_stale(
    session: Session, registry: Registry, team: Hub, path: str, message: Any, stale: bool
) -> None:
    row = Widget(plugin="weblate", side="left", settings={"address": f"{SITE}/projects/{path}/"})
    team.widgets.append(row)
    session.commit()
    index = Index(registry)
    index.replace(team)
    assert (row.id in index.touched(message)) == stale
