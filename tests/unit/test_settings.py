"""Settings: one entry each, checked at the start, with sentences for what is wrong."""

import importlib.util
import stat
import threading
from pathlib import Path

import pytest

from hubs.cache import SQLiteCache
from hubs.errors import BadSetting
from hubs.models import Database
from hubs.settings import RENAMED, Settings, load
from tests.stack import ROOT


def test_the_documentation_lists_every_setting_as_it_is_declared() -> None:
    spec = importlib.util.spec_from_file_location("settings_table", ROOT / "docs" / "settings_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (ROOT / "docs" / "settings.md").read_text()
    assert module.updated(page) == page, "run: make settings"
    assert all(field.description for field in Settings.model_fields.values())
    for line in (
        "| `HUBS_ENVIRONMENT` | `dev` | Third part of the topics that we publish. (`dev`, `stg`, `prod`) |",
        "| `HUBS_AUDIT_DAYS` | `730` | Days for which the audit log is kept. (at least 1) |",
        "| `HUBS_PUBLISH` | `1` | Whether changes made here are published on the bus. |",
    ):
        assert line in page.splitlines()


def test_without_settings_the_embedded_default_applies() -> None:
    settings = load({})
    assert settings.database.startswith("sqlite:///")
    assert settings.cache.startswith("sqlite:///")
    assert settings.local_login is False


def test_the_environment_beats_the_file(tmp_path: Path) -> None:
    path = tmp_path / "hubs.toml"
    path.write_text('site_name = "From the file"\nrebuild_threads = 2\n')
    settings = load({"HUBS_CONFIG": str(path), "HUBS_SITE_NAME": "From the environment"})
    assert settings.site_name == "From the environment"
    assert settings.rebuild_threads == 2


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("HUBS_REBUILD_THREAD", "4", "Did you mean rebuild_threads?"),
        ("HUBS_XYZZY", "4", "lists all names"),
        ("HUBS_REBUILD_THREADS", "many", "rebuild_threads (HUBS_REBUILD_THREADS) cannot be used"),
        ("HUBS_REBUILD_THREADS", "0", "greater than or equal to 1"),
        ("HUBS_BUILD_BUDGET", "30", "less than build_timeout"),
        ("HUBS_CACHE_URL", "redis://x", "memcached://"),
        ("HUBS_REDIS_URL", "http://x", "redis://"),
        ("HUBS_SITE_URL", "hubs.example.org", "https://hubs.example.org"),
        ("HUBS_TOPIC_PREFIX", "example", "write such as org.example"),
        ("HUBS_TOPIC_PREFIX", "uk.ac.example", "two words"),
        ("HUBS_TOPIC_PREFIX", "org.*", "two words"),
        ("HUBS_TOPIC_PREFIX", "", "nothing is not two words"),
        ("HUBS_ENVIRONMENT", "moon", "'dev', 'stg' or 'prod'"),
        ("HUBS_LIBRAVATAR_URL", "libravatar", "such as https://seccdn.libravatar.org"),
        ("HUBS_LIBRAVATAR_URL", "https://seccdn.libravatar.org", "{username}.id.example.org"),
        ("HUBS_SITE_ACCENT", "blue", "such as #2554c7"),
        ("HUBS_SITE_ACCENT", "#f0b65c", "the contrast of #f0b65c with white is 1.8, and 4.5 is needed"),
        ("HUBS_SITE_ACCENT_DARK", "#2554c7", "choose a lighter colour, such as #"),
        ("HUBS_SITE_LOGO", "/nowhere/logo.svg", "there is no file /nowhere/logo.svg"),
        ("HUBS_SITE_LOGO", "/nowhere/logo.gif", "ends in .svg or .png"),
        ("HUBS_FOOTER_LINKS", "Privacy", "such as Privacy=https://"),
        ("HUBS_FOOTER_LINKS", "Run=javascript:alert(1)", "is not a link"),
        ("HUBS_FOOTER_LINKS", "Elsewhere=//evil.example.org", "is not a link"),
        ("HUBS_FOOTER_LINKS", ",".join(f"A=/{number}" for number in range(13)), "12 are possible"),
        ("HUBS_SITE_DESCRIPTION", "x" * 201, "at most 200 characters"),
        ("HUBS_BUS_SIGN", "1", "HUBS_BUS_SIGN needs HUBS_BUS_CERTS: the folder with ca.crt"),
    ],
)
def test_a_bad_setting_stops_the_start_with_a_sentence(name: str, value: str, hint: str) -> None:
    with pytest.raises(BadSetting) as error:
        load({name: value})
    assert hint in str(error.value)


@pytest.mark.parametrize(
    ("old", "value", "new", "expected"),
    [
        ("vouched_networks", "10.0.0.0/8", "allowed_private_networks", ["10.0.0.0/8"]),
        ("lost_builds", "3", "max_abandoned_builds", 3),
        ("web_builds", "9", "web_build_threads", 9),
        ("new_hubs", "admins", "hub_creation", "admins"),
    ],
)
def test_a_former_name_still_works_with_a_warning(
    old: str, value: str, new: str, expected: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert getattr(load({f"HUBS_{new.upper()}": value}), new) == expected
    assert caplog.text == ""
    assert getattr(load({f"HUBS_{old.upper()}": value}), new) == expected
    assert f"the setting {old} is called {new} now (HUBS_{new.upper()})" in caplog.text


def test_every_former_name_has_a_current_one() -> None:
    assert set(RENAMED.values()) <= set(Settings.model_fields)
    assert not set(RENAMED) & set(Settings.model_fields)


def test_a_former_name_in_the_environment_beats_the_current_one_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "hubs.toml"
    path.write_text("web_build_threads = 2\n")
    assert load({"HUBS_CONFIG": str(path), "HUBS_WEB_BUILDS": "9"}).web_build_threads == 9


def test_both_names_of_a_setting_at_once_stop_the_start() -> None:
    with pytest.raises(BadSetting, match="Remove web_builds"):
        load({"HUBS_WEB_BUILDS": "9", "HUBS_WEB_BUILD_THREADS": "8"})


def test_signatures_with_a_folder_of_certificates_are_accepted() -> None:
    assert load({"HUBS_BUS_SIGN": "yes", "HUBS_BUS_CERTS": "/etc/hubs/bus"}) == load({})
    assert load({"HUBS_BUS_SIGN": "0"}) == load({})


def test_all_bad_settings_are_named_at_once() -> None:
    with pytest.raises(BadSetting) as error:
        load({"HUBS_XYZZY": "1", "HUBS_TOKEN_TTL": "soon"})
    assert "xyzzy" in str(error.value)
    assert "token_ttl" in str(error.value)


@pytest.mark.parametrize("content", ["site_name = ", "site_name", "\x00"])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "hubs.toml"
    path.write_text(content)
    with pytest.raises(BadSetting, match="not valid TOML"):
        load({"HUBS_CONFIG": str(path)})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="cannot be read"):
        load({"HUBS_CONFIG": str(tmp_path / "absent.toml")})


@pytest.mark.parametrize("url", ["postgres://h/d", "postgresql://h/d", "postgresql+psycopg2://h/d"])
def test_all_spellings_of_postgresql_mean_psycopg2(url: str) -> None:
    assert load({"HUBS_DATABASE_URL": url}).database == "postgresql+psycopg2://h/d"


def test_the_generated_key_is_private_and_shared_by_processes_that_start_at_once(tmp_path: Path) -> None:
    settings = load({"HUBS_DATA_DIR": str(tmp_path / "data")})
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(settings.key())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert stat.S_IMODE((tmp_path / "data" / "secret_key").stat().st_mode) == 0o600


def test_the_data_folder_is_private_to_this_user(tmp_path: Path) -> None:
    key, rows, cached = (tmp_path / name for name in ("key", "rows", "cached"))
    load({"HUBS_DATA_DIR": str(key)}).key()
    database = Database(f"sqlite:///{rows / 'hubs.db'}")
    database.engine.connect().close()
    database.dispose()
    store = SQLiteCache(cached / "cache.db")
    store.set("a", b"b", 9)
    store.close()
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (key, rows, cached)] == [0o700] * 3


def test_a_damaged_key_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("short")
    with pytest.raises(BadSetting, match="no usable key"):
        load({"HUBS_DATA_DIR": str(tmp_path)}).key()


def test_a_shared_database_needs_a_key_of_its_own() -> None:
    with pytest.raises(BadSetting, match="HUBS_SECRET_KEY"):
        load({"HUBS_DATABASE_URL": "postgresql://h/d"}).key()


def test_secrets_are_not_printed() -> None:
    assert "hush-hush" not in repr(load({"HUBS_SECRET_KEY": "hush-hush"}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"HUBS_OIDC_ISSUER": "http://id.example.org", "HUBS_OIDC_CLIENT_ID": "x"}, "starts with https://"),
        ({"HUBS_OIDC_ISSUER": "https://id.example.org"}, "HUBS_OIDC_CLIENT_ID) is missing"),
    ],
)
def test_an_unusable_provider_stops_the_start(given: dict[str, str], said: str) -> None:
    with pytest.raises(BadSetting) as caught:
        load(given)
    assert said in str(caught.value)
