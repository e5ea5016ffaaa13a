"""Creates and restores backups of a whole instance: database (with uploaded pictures), keys and settings."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from hubs import __version__
from hubs.maintenance import age, dump, manifest
from hubs.maintenance.manifest import BackupError, Manifest
from hubs.models import Database, migrations
from hubs.settings import Settings
from hubs.settings.secret_key import all_keys, generated_file, parse_keys

#: The files of a backup.
DATABASE, KEYS, SETTINGS = "database", "secret_key", "settings.toml"
#: The file in ``data_dir`` that tells of the last backup.
LAST = "last_backup.json"


def create(settings: Settings, database: Database, target: Path, recipients: Sequence[str] = ()) -> Manifest:
    """Back up the instance into the new folder ``target``, encrypted if there are ``recipients``.

    The folder appears under its name once it is complete.

    :raises BackupError: when it cannot be created; nothing is left behind then.
    """
    target = target.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{target} is there already. Name a new folder for each backup.")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Its name says that it is incomplete, and only this user may enter it.
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.incomplete-", dir=target.parent))
    try:
        summary = _fill(settings, database, partial, recipients)
        _flush(partial)
        partial.replace(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _note(settings, target, summary)
    return summary


def restore(settings: Settings, database: Database, source: Path, identity: Path | None = None) -> Manifest:
    """Restore a backup into an empty database and migrate that to the current schema; return its manifest.

    :raises BackupError: when the backup is damaged or newer, or the instance is not empty; nothing is changed then.
    """
    summary = manifest.read(source)
    if summary.database != dump.kind(database):
        raise BackupError(f"The backup is of {summary.database}, and HUBS_DATABASE_URL names {dump.kind(database)}.")
    if summary.schema not in migrations.known():
        raise BackupError(
            f"The backup has the schema {summary.schema} of Hubs {summary.hubs}, which this version ({__version__}) "
            "does not know. Install at least that version."
        )
    if not dump.is_empty(database):
        raise BackupError("The database is not empty. Restore into a new one, so that nothing is overwritten.")
    with _readable(source, summary, identity) as files:
        _restore_keys(settings, files / KEYS)
        dump.load(database, files / DATABASE)
    migrations.upgrade(database)
    return summary


def extract_settings(source: Path, target: Path, identity: Path | None = None) -> None:
    """Write the settings of a backup, with its keys, to the new file ``target``, a file for HUBS_CONFIG."""
    summary = manifest.read(source)
    with _readable(source, summary, identity) as files:
        keys = (files / KEYS).read_text(encoding="utf-8")
        text = (files / SETTINGS).read_text(encoding="utf-8")
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"secret_key = {_toml(keys)}\n{text}")
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error.strerror}.") from None


def _fill(settings: Settings, database: Database, folder: Path, recipients: Sequence[str]) -> Manifest:
    """Write all files of a backup into ``folder``, the manifest last."""
    before = migrations.current(database)
    if not before:
        raise BackupError("The database has no tables of Hubs; there is nothing to back up.")
    summary = Manifest(datetime.now(UTC).isoformat(timespec="seconds"), __version__, before, dump.kind(database))
    dump.save(database, folder / DATABASE)
    if migrations.current(database) != before:
        raise BackupError("The schema was migrated during the backup. Start the backup again.")
    (folder / KEYS).write_text(_keys_as_written(settings), encoding="utf-8")
    (folder / SETTINGS).write_text(_as_toml(settings), encoding="utf-8")
    if recipients:
        age.encrypt(folder, recipients)
        summary.encrypted = True
    manifest.write(folder, summary)
    for path in folder.iterdir():
        path.chmod(0o600)
    return summary


def _as_toml(settings: Settings) -> str:
    """Return the settings that were set, secrets included; the key has a file of its own."""
    values = settings.model_dump(mode="python", exclude={"secret_key"}, exclude_unset=True)
    lines = []
    for name, value in sorted(values.items()):
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        lines.append(f"{name} = {_toml(str(plain) if isinstance(plain, Path) else plain)}\n")
    return "".join(lines)


def _toml(value: object) -> str:
    # Texts, numbers, booleans and lists of them are written in TOML as in JSON.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@contextmanager
def _readable(source: Path, summary: Manifest, identity: Path | None) -> Iterator[Path]:
    """Yield a folder with the files of a backup, decrypted if need be."""
    if not summary.encrypted:
        yield source
        return
    if identity is None:
        raise BackupError("The backup is encrypted. Name the file with the private key: --identity FILE.")
    with tempfile.TemporaryDirectory(prefix="hubs-restore-") as folder:
        for name in summary.files:
            age.decrypt(source / name, Path(folder) / name.removesuffix(age.SUFFIX), identity)
        yield Path(folder)


def _keys_as_written(settings: Settings) -> str:
    """Return the keys as they are configured, or as they stand in the generated file."""
    settings.key()  # generated by now
    configured = settings.secret_key.get_secret_value()
    return configured or generated_file(settings.data_dir).read_text(encoding="utf-8").strip()


def _restore_keys(settings: Settings, path: Path) -> None:
    """Make sure that the instance has the keys of the backup.

    :raises BackupError: when they are configured and one is missing.
    """
    saved = all_keys(parse_keys(path.read_text(encoding="utf-8")))
    if not settings.uses_generated_key:
        known = all_keys(settings.key()) if settings.secret_key.get_secret_value() else ()
        if not set(saved) <= set(known):
            raise BackupError(
                "HUBS_SECRET_KEY lacks a key of the backup, and stored secrets could not be read. "
                "`hubs restore --settings FILE` writes the settings of the backup with its keys."
            )
        return
    file = generated_file(settings.data_dir)
    own = all_keys(settings.key()) if file.exists() else ()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_name(".secret_key.restored")
    fresh.touch(mode=0o600)
    fresh.write_text("".join(f"{key.decode()}\n" for key in dict.fromkeys([*saved, *own])), encoding="utf-8")
    fresh.replace(file)


def _flush(folder: Path) -> None:
    """Force everything to the disk, so that a crash after the renaming cannot leave empty files."""
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _note(settings: Settings, target: Path, summary: Manifest) -> None:
    """Write down when and where the last backup was made, for `hubs doctor`."""
    text = json.dumps({"made_at": summary.made_at, "folder": str(target), "encrypted": summary.encrypted})
    with suppress(OSError):  # the backup is good even where data_dir is not writable
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = settings.data_dir / f".{LAST}"
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(settings.data_dir / LAST)
