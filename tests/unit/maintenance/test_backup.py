"""Backups: complete, private, checked before anything is restored, and the same pages afterwards."""

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from pyrage import x25519
from sqlalchemy import text
from sqlalchemy.orm import Session

from hubs.actions import pictures
from hubs.app import create_app
from hubs.maintenance import backup, dump, manifest
from hubs.maintenance.manifest import BackupError
from hubs.models import Database, Hub, Picture, PictureKind, User, Widget, migrations
from hubs.pictures.uploads import accept
from hubs.settings import Settings, load
from hubs.widgets.secrets import SecretBox
from tests.templates import Templates
from tests.unit.conftest import as_person, copy_of
from tests.unit.pictures.test_uploads import encoded
from tests.unit.views.conftest import BASE, close

KEY = BASE["HUBS_SECRET_KEY"]
PAGES = ("/", "/t/otters/", "/t/otters/members", "/u/owner/", "/teams/", "/people/")
#: What differs between two responses of the same instance.
VOLATILE = re.compile(r'value="[\w.-]{60,}"|data-(?:token|cursor|built)="[^"]*"|nonce="[^"]*"|datetime="[^"]*"')


def settings_of(database: Database, folder: Path, **values: str) -> Settings:
    url = database.url.render_as_string(hide_password=False)
    return load({**BASE, "HUBS_DATABASE_URL": url, "HUBS_DATA_DIR": str(folder / "data"), **values})


@pytest.fixture
def empty(templates: Templates, tmp_path: Path, kind: str) -> Iterator[Database]:
    """Give a database without any table, on a machine of its own."""
    folder = tmp_path / "other machine"
    folder.mkdir()
    with copy_of(templates, folder, filled=False) as database:
        if kind == "sqlite":
            Path(str(database.url.database)).unlink()
        else:
            with database.engine.begin() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE"))
                connection.execute(text("CREATE SCHEMA public"))
        yield database


def pages(settings: Settings) -> list[str]:
    """Return pages as a visitor sees them, built from an empty cache."""
    app: Flask = create_app(settings)
    try:
        client = app.test_client()
        responses = [client.get(path) for path in PAGES]
        assert [response.status_code for response in responses] == [200] * len(PAGES)
        return [VOLATILE.sub("", response.get_data(as_text=True)) for response in responses]
    finally:
        close(app)


@pytest.fixture
def widget(session: Session, team: Hub) -> Widget:
    """Give a widget with a secret and with text that is hard to copy."""
    team.summary = "We swim: äöü 🦦 \\x 'quoted'"
    row = Widget(hub=team, plugin="issues", settings={"token": SecretBox(KEY.encode()).encrypt("s3cret")})
    session.add(row)
    session.commit()
    return row


def test_a_restored_instance_shows_the_same_pages(
    session: Session, database: Database, empty: Database, widget: Widget, tmp_path: Path
) -> None:
    ours = settings_of(database, tmp_path)
    picture = accept(encoded())
    pictures.set_hub_picture(session, as_person(session, "owner"), widget.hub, PictureKind.EMBLEM, picture)
    session.commit()
    before = pages(ours)
    made = backup.create(ours, database, tmp_path / "backup")

    theirs = settings_of(empty, tmp_path / "other machine")
    assert backup.restore(theirs, empty, tmp_path / "backup") == made
    assert pages(theirs) == before
    with empty.session() as restored:
        row = restored.get_one(Widget, widget.id)
        assert SecretBox(theirs.key()).open(row.settings["token"]) == "s3cret"
        assert restored.get_one(Hub, row.hub_id).summary == "We swim: äöü 🦦 \\x 'quoted'"
        assert restored.query(Picture).one().content == picture.content
        # New rows get ids behind those of the restored ones.
        restored.add(User(username="newcomer"))
        restored.commit()
    migrations.check(empty)


@pytest.fixture
def saved(database: Database, widget: Widget, tmp_path: Path) -> Path:
    """Give a backup."""
    backup.create(settings_of(database, tmp_path), database, tmp_path / "backup")
    return tmp_path / "backup"


def test_only_this_user_can_read_a_backup(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in saved.iterdir()} == {0o600}
    assert sorted(path.name for path in saved.iterdir()) == ["database", "manifest.json", "secret_key", "settings.toml"]


def test_the_manifest_names_versions_and_checksums(saved: Path, kind: str) -> None:
    made = manifest.read(saved)
    assert (made.schema, made.database) == (migrations.known()[0], kind)
    assert made.hubs
    assert made.files["database"] == manifest.checksum(saved / "database")


def test_the_last_backup_is_noted_for_the_doctor(saved: Path, tmp_path: Path) -> None:
    noted = json.loads((tmp_path / "data" / "last_backup.json").read_text())
    assert noted == {"made_at": manifest.read(saved).made_at, "folder": str(saved), "encrypted": False}


@pytest.mark.parametrize("name", ["database", "secret_key", "settings.toml"])
def test_a_damaged_backup_is_refused_before_anything_is_written(
    saved: Path, empty: Database, tmp_path: Path, name: str
) -> None:
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BackupError, match=f"damaged.*{name}"):
        backup.restore(settings_of(empty, tmp_path / "other machine"), empty, saved)
    assert dump.is_empty(empty)


def test_a_missing_file_and_a_broken_manifest_are_refused(saved: Path, empty: Database, tmp_path: Path) -> None:
    theirs = settings_of(empty, tmp_path / "other machine")
    (saved / "database").rename(saved / "away")
    with pytest.raises(BackupError, match="damaged"):
        backup.restore(theirs, empty, saved)
    (saved / "manifest.json").write_text("{")
    with pytest.raises(BackupError, match=r"damaged: manifest\.json"):
        backup.restore(theirs, empty, saved)
    (saved / "manifest.json").unlink()
    with pytest.raises(BackupError, match="holds no backup"):
        backup.restore(theirs, empty, saved)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("schema", "9999", "does not know"), ("format", 2, "newer version"), ("database", "oracle", "is of oracle")],
)
def test_a_backup_of_a_newer_version_or_another_database_is_refused(
    saved: Path, empty: Database, tmp_path: Path, field: str, value: object, said: str
) -> None:
    values = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(json.dumps({**values, field: value}))
    with pytest.raises(BackupError, match=said):
        backup.restore(settings_of(empty, tmp_path / "other machine"), empty, saved)
    assert dump.is_empty(empty)


def test_nothing_is_restored_over_existing_data(saved: Path, database: Database, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="not empty"):
        backup.restore(settings_of(database, tmp_path), database, saved)


def test_an_instance_without_the_keys_of_a_backup_is_refused(saved: Path, empty: Database, tmp_path: Path) -> None:
    other = settings_of(empty, tmp_path / "other machine", HUBS_SECRET_KEY="another key that is long enough")
    with pytest.raises(BackupError, match="lacks a key"):
        backup.restore(other, empty, saved)
    assert dump.is_empty(empty)
    target = tmp_path / "restored.toml"
    backup.extract_settings(saved, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    restored = load({"HUBS_CONFIG": str(target)})
    assert restored.model_dump() == settings_of(Database(restored.database), tmp_path).model_dump()
    with pytest.raises(BackupError, match="cannot be written"):
        backup.extract_settings(saved, target)


def test_a_backup_never_replaces_another(saved: Path, database: Database, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="is there already"):
        backup.create(settings_of(database, tmp_path), database, saved)


def test_a_backup_that_fails_leaves_nothing_behind(
    database: Database, widget: Widget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise BackupError("the disk is full")

    monkeypatch.setattr(manifest, "write", fail)
    with pytest.raises(BackupError, match="disk is full"):
        backup.create(settings_of(database, tmp_path), database, tmp_path / "backups" / "today")
    assert list((tmp_path / "backups").iterdir()) == []
    assert not (tmp_path / "data" / "last_backup.json").exists()


def test_an_interrupted_backup_has_another_name(
    database: Database, widget: Widget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def watch(_: Database, target: Path) -> None:
        seen.extend(path.name for path in (tmp_path / "backups").iterdir())
        target.touch()

    monkeypatch.setattr(dump, "save", watch)
    backup.create(settings_of(database, tmp_path), database, tmp_path / "backups" / "today")
    assert len(seen) == 1
    assert seen[0].startswith(".today.incomplete-")
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["today"]


def test_an_encrypted_backup_opens_only_with_its_private_key(
    database: Database, empty: Database, widget: Widget, tmp_path: Path
) -> None:
    ours, theirs = x25519.Identity.generate(), x25519.Identity.generate()
    backup.create(settings_of(database, tmp_path), database, tmp_path / "backup", [str(ours.to_public())])
    names = sorted(path.name for path in (tmp_path / "backup").iterdir())
    assert names == ["database.age", "manifest.json", "secret_key.age", "settings.toml.age"]
    assert KEY.encode() not in (tmp_path / "backup" / "secret_key.age").read_bytes()

    settings = settings_of(empty, tmp_path / "other machine")
    (tmp_path / "wrong").write_text(f"{theirs}\n")
    (tmp_path / "right").write_text(f"# created: today\n{ours}\n")
    for identity, said in ((None, "--identity"), (tmp_path / "wrong", "cannot be decrypted"), (tmp_path, "be read")):
        with pytest.raises(BackupError, match=said):
            backup.restore(settings, empty, tmp_path / "backup", identity)
    backup.restore(settings, empty, tmp_path / "backup", tmp_path / "right")
    assert not dump.is_empty(empty)


def test_a_public_key_that_is_none_is_named(database: Database, widget: Widget, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="public key nonsense"):
        backup.create(settings_of(database, tmp_path), database, tmp_path / "backup", ["nonsense"])
    assert not (tmp_path / "backup").exists()


def test_the_generated_key_is_restored_in_front_of_a_new_one(tmp_path: Path) -> None:
    folders = [tmp_path / "ours", tmp_path / "theirs"]
    ours, theirs = (load({"HUBS_DATA_DIR": str(folder)}) for folder in folders)
    migrations.upgrade(Database(ours.database))
    backup.create(ours, Database(ours.database), tmp_path / "backup")
    new = theirs.key()
    backup.restore(theirs, Database(theirs.database), tmp_path / "backup")
    assert theirs.key() == ours.key()
    assert theirs.key().former == (new,)
    assert stat.S_IMODE((folders[1] / "secret_key").stat().st_mode) == 0o600
