"""Presets: each is a complete and readable file of settings, and its pages speak of its own community.

Without one, the empty name, pages speak of no community but for the instance's name.
"""

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from hubs import urls
from hubs.actions.hubs import DEFAULT_WIDGETS, default_layout
from hubs.app import create_app
from hubs.bus.webhooks.services import SERVICES
from hubs.cli import cli
from hubs.demo import fill, upstream
from hubs.errors import BadSetting
from hubs.models import Database, Hub, MessagePerson, StoredMessage, migrations
from hubs.settings import SERVICE_ACCOUNTS, Settings, load, presets
from hubs.settings.presets import FILE, PRESETS
from hubs.views.web.context import EXTENSION
from hubs.widgets.registry import Registry
from tests.unit.views.conftest import BASE, close, sign_in
from tests.upstream import NOBODY

#: Two of them in `make test`: each demo takes seconds to fill.
OTHERS = [
    pytest.param(preset, id=preset or "none", marks=[] if preset in ("", "forgejo") else pytest.mark.slow)
    for preset in ("", *PRESETS)
    if preset != "fedora"
]
#: The only place of Fedora's name without a preset.
NAME = "Fedora Hubs"
TEAM, PERSON = "infrastructure", "adalind"


def settings_of(preset: str, folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> Settings:
    path = folder / FILE
    path.write_text(presets.text(preset), encoding="utf-8")
    return load({"HUBS_CONFIG": str(path), "HUBS_DATA_DIR": str(folder), **more})


@pytest.fixture(scope="module", params=OTHERS)
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Provide the application with the settings and the demo of a preset."""
    folder = tmp_path_factory.mktemp(request.param or "none")
    base = {name: value for name, value in BASE.items() if name not in {*NOBODY, "HUBS_PRESET"}}
    with upstream.server(0) as server:
        absent = settings_of(request.param, folder).absent_services
        settings = settings_of(request.param, folder, base | upstream.environment(server.port, absent))
        app = create_app(settings)
        context = app.extensions[EXTENSION]
        migrations.upgrade(context.database)
        assert fill.fill(context.database, context.fragments.registry, settings)
        yield app
        close(app)


def speaks_of_fedora(text: str) -> bool:
    return "fedora" in text.replace(NAME, "").lower()


def built(client: FlaskClient, number: int) -> str:
    """Return the fragment of a widget; on a busy machine, its build may take longer than one request waits."""
    for _ in range(30):
        response = client.get(f"/w/{number}/fragment")
        if response.status_code == 200:
            break
        time.sleep(0.2)
    assert response.status_code == 200
    return response.get_data(as_text=True)


@pytest.mark.parametrize("preset", ["", *PRESETS])
def test_a_preset_loads_and_names_only_widgets_that_fit(preset: str, tmp_path: Path) -> None:
    settings = settings_of(preset, tmp_path)
    registry = Registry(layouts=settings.layouts, absent=settings.absent_services)
    assert registry.broken == {}
    for kind, layout in settings.layouts.items():
        assert default_layout(registry, kind) == layout
        assert layout
        assert all(registry.offers(widget) for _zone, widget in layout)
    for account in settings.service_accounts:
        assert f'"{account}"' in presets.text(preset)


@pytest.mark.parametrize("preset", OTHERS)
def test_only_the_preset_fedora_speaks_of_fedora(preset: str, tmp_path: Path) -> None:
    assert not speaks_of_fedora(presets.text(preset))
    assert (settings_of(preset, tmp_path).site_name == NAME) == (not preset)


def test_the_file_without_a_preset_writes_down_the_defaults(tmp_path: Path) -> None:
    written, default = settings_of("", tmp_path), load({"HUBS_DATA_DIR": str(tmp_path)})
    layouts = {"team_widgets", "person_widgets"}
    assert written.model_dump(exclude=layouts) == default.model_dump(exclude=layouts)
    assert default.layouts == {"team": (), "user": ()}
    assert written.layouts == DEFAULT_WIDGETS
    assert written.service_accounts == list(SERVICE_ACCOUNTS)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_name_of_a_preset_stands_for_its_file(preset: str, tmp_path: Path) -> None:
    named = load({"HUBS_PRESET": preset, "HUBS_DATA_DIR": str(tmp_path)})
    assert named.model_dump(exclude={"preset"}) == settings_of(preset, tmp_path).model_dump(exclude={"preset"})
    assert "preset" not in presets.values(preset)


def test_file_and_environment_beat_the_preset_that_either_names(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text('preset = "fedora"\nbodhi_url = ""\n', encoding="utf-8")
    settings = load({"HUBS_CONFIG": str(path), "HUBS_KOJI_URL": "https://koji.example.org"})
    assert (settings.topic_prefix, settings.bodhi_url) == ("org.fedoraproject", "")
    assert settings.koji_url == "https://koji.example.org"
    assert load({"HUBS_CONFIG": str(path), "HUBS_PRESET": "opensuse"}).topic_prefix == "org.opensuse"
    with pytest.raises(BadSetting, match="'fedora', 'gitlab'"):
        load({"HUBS_PRESET": "debian"})


def test_the_preset_fedora_is_that_of_the_first_hubs_and_uses_every_service(tmp_path: Path) -> None:
    settings = settings_of("fedora", tmp_path)
    assert settings.absent_services == frozenset()
    registry = Registry(layouts=settings.layouts, absent=settings.absent_services)
    assert all(registry.offers(kind.name) for kind in registry)
    # The default hubs, topics and addresses of the first Fedora Hubs.
    left, right = (("left", "feed"), ("left", "activity")), ("stats", "subscriptions", "badges", "updates")
    assert default_layout(registry, "user") == (*left, *(("right", widget) for widget in right))
    left, right = (("left", "sticky"), ("left", "feed")), ("stats", "rules", "meetings", "members")
    assert default_layout(registry, "team") == (*left, *(("right", widget) for widget in right))
    assert settings.topic_prefix == "org.fedoraproject"
    assert settings.badges_url == "https://badges.fedoraproject.org"
    assert settings.fedocal_url == "https://calendar.fedoraproject.org"


def test_pages_of_a_preset_do_not_speak_of_fedora(demo: Flask) -> None:
    client, context = demo.test_client(), demo.extensions[EXTENSION]
    name = context.settings.site_name
    for path in ("/", f"/t/{TEAM}/", f"/u/{PERSON}/", "/teams/", "/people/"):
        page = client.get(path).get_data(as_text=True)
        assert name in page
        assert not speaks_of_fedora(page), path
    with context.database.session() as session:
        hubs = session.scalars(select(Hub).where(Hub.name.in_((TEAM, PERSON)))).all()
        rows = {row.id: row.plugin for hub in hubs for row in hub.widgets}
    assert {"tasks", "ci", "meetings"} <= set(rows.values())
    assert name == NAME or {"issues", "pulls"} <= set(rows.values())
    for number, plugin in rows.items():
        fragment = built(client, number)
        assert not speaks_of_fedora(fragment), plugin
        assert '"state":"live"' in fragment, plugin
        if plugin in ("tasks", "ci", "meetings", "issues", "pulls"):
            assert 'class="empty"' not in fragment, plugin


def test_forms_and_the_catalogue_do_not_speak_of_fedora_either(demo: Flask) -> None:
    client = sign_in(demo.test_client(), PERSON)
    offered: set[str] = set()
    for side in ("left", "right", "below"):
        page = client.get(urls.catalogue("team", TEAM, side)).get_data(as_text=True)
        offered |= set(re.findall(r"/edit/add/(\w+)\?", page))
        assert not speaks_of_fedora(page)
    wanting = {"badges", "updates", "packager", "builds", "package_reviews"}
    assert {"feed", "issues", "outages", "meetings"} <= offered
    assert not offered & wanting
    team = "team", TEAM
    pages = (urls.front(), urls.hub_edit(*team), urls.hub_settings(*team), urls.hub_webhooks(*team), urls.new_hub())
    for path in (*pages, "/api/v1/widget-types"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert not speaks_of_fedora(answer.get_data(as_text=True)), path


def test_the_people_of_a_preset_are_known_by_the_accounts_that_their_hubs_link(demo: Flask) -> None:
    database: Database = demo.extensions[EXTENSION].database
    with database.session() as session:
        people = set(session.scalars(select(MessagePerson.username).distinct()))
        topics = session.scalars(select(StoredMessage.topic).distinct()).all()
        total = session.scalar(select(func.count(StoredMessage.id)))
    assert people == {person["username"] for person in fill.data()["people"] if not person.get("quiet")}
    assert total is not None
    assert total > 1000
    prefix = demo.extensions[EXTENSION].settings.topic_prefix
    assert all(topic.startswith(f"{prefix}.dev.") for topic in topics)


def test_an_unknown_widget_or_one_that_does_not_fit_is_reported() -> None:
    settings = load({"HUBS_TEAM_WIDGETS": "left:feed,left:fed,below:rules", "HUBS_PERSON_WIDGETS": "left:feed"})
    registry = Registry(layouts=settings.layouts)
    assert registry.broken.keys() == {"left:fed", "below:rules"}
    assert list(default_layout(registry, "team")) == [("left", "feed")]
    result = CliRunner().invoke(cli, ["settings"], env={"HUBS_TEAM_WIDGETS": "left:fed"})
    assert "But the widget left:fed cannot be used: there is no such widget" in result.output


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("HUBS_TEAM_WIDGETS", "middle:feed", "zones: left, right, below"),
        ("HUBS_PERSON_WIDGETS", "feed", "write such as left:feed"),
        ("HUBS_DEMO_MESSAGES", "gitea", "choose from forgejo, github"),
    ],
)
def test_a_bad_value_is_refused_with_what_to_write(name: str, value: str, hint: str) -> None:
    with pytest.raises(BadSetting, match=hint):
        load({name: value})


def test_init_writes_the_file_once_and_prints_the_next_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["init", "new/place", "--preset", "gitlab"])
    assert result.output.endswith("Next: cd new/place && hubs up\n")
    assert (tmp_path / "new" / "place" / FILE).read_text(encoding="utf-8") == presets.text("gitlab")

    again = CliRunner().invoke(cli, ["init", "new/place", "--preset", "github"])
    assert "exists and was not changed. Move it" in str(again.exception)
    assert (tmp_path / "new" / "place" / FILE).read_text(encoding="utf-8") == presets.text("gitlab")

    here = CliRunner().invoke(cli, ["init", "--preset", "github"])
    assert here.output.endswith("Next: hubs up\n")


def test_init_without_a_preset_writes_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, ["init"]).output.endswith("Next: hubs up\n")
    assert Path(FILE).read_text(encoding="utf-8") == presets.text()


def test_the_list_of_settings_speaks_of_fedora_only_where_it_is_the_name_of_something() -> None:
    listed = CliRunner().invoke(cli, ["settings"]).output
    for name in ("fedora-messaging", "FEDORA_MESSAGING_CONF", "gitlab, pagure, wiki, fedora."):
        assert name in listed
        listed = listed.replace(name, "")
    assert not speaks_of_fedora(listed)


def test_examples_of_projects_for_webhooks_do_not_speak_of_fedora() -> None:
    assert [service.key for service in SERVICES if speaks_of_fedora(service.projects)] == []
