"""The gallery: off by default, and where it is on, every widget in every state, as strict as every page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.app import create_app
from hubs.models import Database, Hub, Visibility
from hubs.settings import load
from hubs.testing.reading import page_problems, text_of
from hubs.testing.samples import sample
from hubs.testing.sandbox import STATES
from hubs.views import gallery
from hubs.widgets.registry import BUILT_IN
from tests.unit.views.conftest import BASE

NAMES = [origin.split(":")[0].rsplit(".", 1)[1] for origin in BUILT_IN]


@pytest.fixture
def shown(database: Database, tmp_path: Path) -> Iterator[FlaskClient]:
    env = {**BASE, "HUBS_GALLERY": "1", "HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path)}
    app = create_app(load(env))
    yield app.test_client()
    app.extensions["hubs"].database.dispose()
    app.extensions["hubs"].fragments.cache.close()


@pytest.mark.parametrize("path", ["/gallery/", "/gallery/sticky"])
def test_the_gallery_is_disabled_by_default(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_gallery_lists_every_widget(shown: FlaskClient) -> None:
    page = shown.get("/gallery/").get_data(as_text=True)
    assert page_problems(page) == []
    for name in NAMES:
        assert f'href="/gallery/{name}"' in page


@pytest.mark.parametrize("name", NAMES)
def test_every_widget_is_shown_in_every_state(shown: FlaskClient, name: str) -> None:
    answer = shown.get(f"/gallery/{name}")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert page_problems(page) == []
    for state in STATES:
        assert f'id="state-{state}"' in page
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert ">refreshing<" in page or "hides itself" in page
    assert "data-load=" not in page, "a picture of a widget asks for nothing"
    assert re.search(r'href="/w/\d+/settings', page) is None, "a picture of a widget has no settings to open"


def test_an_unknown_widget_is_not_found(shown: FlaskClient) -> None:
    assert shown.get("/gallery/nothing").status_code == 404


def test_an_example_comes_from_public_widgets_only(app: Flask, session: Session, otters: Hub) -> None:
    members = next(row for row in otters.widgets if row.plugin == "members")
    app.test_client().get(f"/w/{members.id}/fragment")
    for visibility, there in ((Visibility.PUBLIC, True), (Visibility.SIGNED_IN, False), (Visibility.OWNERS, False)):
        otters.visibility = visibility
        session.commit()
        with app.test_request_context():
            assert (gallery._example("members") is not None) is there, visibility


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_widget_is_live_in_the_gallery_of_an_empty_instance(shown: FlaskClient, name: str) -> None:
    page = shown.get(f"/gallery/{name}").get_data(as_text=True)
    parts = dict(part.split('"', 1) for part in page.split('id="state-')[1:])
    states = [part.split('"', 1)[0] for part in page.split('data-state="')[1:]]
    assert states[:6] == ["loading", "live", "live", "stale", "failed", "needs-setup"]
    assert states[6:] == ["live"] or "hides itself" in parts["empty"]
    assert 'class="empty"' not in parts["live"]
    assert _body(parts["live"]) != _body(parts["empty"]), "what is live is not what there is where there is nothing"


def test_the_gallery_is_in_the_language_of_its_reader(shown: FlaskClient) -> None:
    page = shown.get("/gallery/outages", headers={"Accept-Language": "de"}).get_data(as_text=True)
    assert "geplant" in page
    assert "is going on" not in page


def test_widgets_without_settings_are_shown_as_their_owners_see_them(shown: FlaskClient) -> None:
    part = (
        shown.get("/gallery/outages").get_data(as_text=True).split('id="state-needs-setup"')[1].split("</section>")[0]
    )
    assert "data-mine" in part
    assert "Set up" in part


def test_built_in_widgets_have_a_sample_and_third_party_ones_have_none() -> None:
    assert [name for name in NAMES if sample(name) is None] == []
    assert sample("elsewhere") is None


def _body(html: str) -> str:
    """Return the text of a widget's body."""
    return text_of(html.partition('class="widget-body"')[2].partition(">")[2].partition("</section>")[0])
