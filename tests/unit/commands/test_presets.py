"""Presets: each is a complete and readable file of settings, and its pages speak of its own community."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select

from hubs.actions.hubs import DEFAULT_WIDGETS, default_layout
from hubs.app import create_app
from hubs.cli import cli
from hubs.commands.init import CONFIG, PRESETS, read
from hubs.demo import fill, upstream
from hubs.errors import BadSetting
from hubs.models import Database, Hub, MessagePerson, StoredMessage, migrations
from hubs.settings import SERVICE_ACCOUNTS, Settings, load
from hubs.views.web.context import EXTENSION
from hubs.widgets.registry import Registry
from tests.unit.views.conftest import BASE, close

OTHERS = [preset for preset in PRESETS if preset != "fedora"]
TEAM, PERSON = "infrastructure", "adalind"


def settings_of(preset: str, folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> Settings:
    path = folder / CONFIG
    path.write_text(read(preset), encoding="utf-8")
    return load({"HUBS_CONFIG": str(path), "HUBS_DATA_DIR": str(folder), **more})


@pytest.fixture(scope="module", params=OTHERS)
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Provide the application with the settings and the demo of a preset."""
    folder = tmp_path_factory.mktemp(request.param)
    with upstream.server(0) as server:
        settings = settings_of(request.param, folder, BASE | upstream.environment(server.port))
        app = create_app(settings)
        context = app.extensions[EXTENSION]
        migrations.upgrade(context.database)
        assert fill.fill(context.database, context.fragments.registry, settings)
        yield app
        close(app)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_loads_and_names_only_widgets_that_fit(preset: str, tmp_path: Path) -> None:
    settings = settings_of(preset, tmp_path)
    registry = Registry(layouts=settings.layouts)
    assert registry.broken == {}
    for kind, layout in settings.layouts.items():
        assert default_layout(registry, kind) == layout
        assert layout
    for account in settings.service_accounts:
        assert f'"{account}"' in read(preset)


@pytest.mark.parametrize("preset", OTHERS)
def test_only_the_preset_fedora_speaks_of_fedora(preset: str, tmp_path: Path) -> None:
    assert "fedora" not in read(preset).lower()
    assert settings_of(preset, tmp_path).site_name != settings_of("fedora", tmp_path).site_name


def test_the_preset_fedora_is_the_default(tmp_path: Path) -> None:
    preset, default = settings_of("fedora", tmp_path), load({"HUBS_DATA_DIR": str(tmp_path)})
    layouts = {"team_widgets", "person_widgets"}
    assert preset.model_dump(exclude=layouts) == default.model_dump(exclude=layouts)
    assert preset.layouts == DEFAULT_WIDGETS
    assert preset.service_accounts == list(SERVICE_ACCOUNTS)


def test_pages_of_a_preset_do_not_speak_of_fedora(demo: Flask) -> None:
    client, context = demo.test_client(), demo.extensions[EXTENSION]
    name = context.settings.site_name
    for path in ("/", f"/t/{TEAM}/", f"/u/{PERSON}/", "/teams/"):
        page = client.get(path).get_data(as_text=True)
        assert name in page
        assert "fedora" not in page.lower(), path
    with context.database.session() as session:
        hubs = session.scalars(select(Hub).where(Hub.name.in_((TEAM, PERSON)))).all()
        rows = {row.id: row.plugin for hub in hubs for row in hub.widgets}
    assert {"tasks", "ci", "meetings", "issues", "pulls"} <= set(rows.values())
    for number, plugin in rows.items():
        response = client.get(f"/w/{number}/fragment")
        fragment = response.get_data(as_text=True)
        assert response.status_code == 200, plugin
        assert "fedora" not in fragment.lower(), plugin
        assert '"state":"live"' in fragment, plugin
        if plugin in ("tasks", "ci", "meetings", "issues", "pulls"):
            assert 'class="empty"' not in fragment, plugin


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
        ("HUBS_DEMO_MESSAGES", "gitea", "choose from fedora, github"),
    ],
)
def test_a_bad_value_is_refused_with_what_to_write(name: str, value: str, hint: str) -> None:
    with pytest.raises(BadSetting, match=hint):
        load({name: value})


def test_init_writes_the_file_once_and_prints_the_next_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["init", "new/place", "--preset", "gitlab"])
    assert result.output.endswith("Next: cd new/place && hubs up\n")
    assert (tmp_path / "new" / "place" / CONFIG).read_text(encoding="utf-8") == read("gitlab")

    again = CliRunner().invoke(cli, ["init", "new/place", "--preset", "github"])
    assert "exists and was not changed. Move it" in str(again.exception)
    assert (tmp_path / "new" / "place" / CONFIG).read_text(encoding="utf-8") == read("gitlab")

    here = CliRunner().invoke(cli, ["init", "--preset", "github"])
    assert here.output.endswith("Next: hubs up\n")
