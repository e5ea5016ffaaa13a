"""An encrypted backup, with keys and programs of others: as docs/backup.md says, and readable without Hubs."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hubs.maintenance import manifest
from tests.services import BIN


def need(*programs: str) -> None:
    """Skip the test where a program is missing."""
    if missing := [program for program in programs if not shutil.which(program)]:
        pytest.skip(f"NOT TESTED: encrypted backups with keys of {missing}, which this machine lacks")


def age_keys(folder: Path) -> tuple[Path, str]:
    """Return the file of a new private key of age, and its public key as `age-keygen` prints it."""
    need("age", "age-keygen")
    file = folder / "hubs-backup.key"
    done = subprocess.run(["age-keygen", "-o", file], capture_output=True, text=True, check=True)
    return file, done.stderr.removeprefix("Public key: ").strip()


def ssh_keys(folder: Path) -> tuple[Path, str]:
    """Return the file of a new private key of SSH, and its public key."""
    need("age", "ssh-keygen")
    file = folder / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    return file, file.with_suffix(".pub").read_text().strip()


class Machine:
    """A machine with its own settings and data, as far as the command `hubs` is concerned."""

    def __init__(self, folder: Path, **settings: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HUBS_")}
        self._env = {**kept, "HUBS_DATA_DIR": str(folder), "HUBS_PUBLISH": "0", **settings}

    def hubs(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run a command of ours."""
        command = [str(word) for word in (BIN / "hubs", *words)]
        return subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)

    def do(self, *words: object) -> str:
        """Run a command of ours, which succeeds; return its output."""
        done = self.hubs(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout


def test_an_encrypted_backup_is_restored_with_any_of_the_private_keys_alone(tmp_path: Path) -> None:
    keys = [age_keys(tmp_path), ssh_keys(tmp_path)]
    ours, backup = Machine(tmp_path / "ours", HUBS_SITE_NAME="Otters"), tmp_path / "backup"
    ours.do("db", "upgrade")
    ours.do("user", "add", "ottoline")
    ours.do("team", "create", "rafts", "--owner", "ottoline")
    ours.do("backup", *(word for _, recipient in keys for word in ("--recipient", recipient)), backup)
    names = set(manifest.read(backup).files)
    assert names == {"database.age", "secret_key.age", "settings.toml.age"}
    assert b"ottoline" not in (backup / "database.age").read_bytes()
    assert json.loads((tmp_path / "ours" / "last_backup.json").read_text())["encrypted"]

    refused = Machine(tmp_path / "theirs").hubs("restore", backup)
    assert refused.returncode != 0
    assert "The backup is encrypted." in refused.stderr
    for key, _ in keys:
        check_without_hubs(backup, key, tmp_path / f"decrypted with {key.name}")
        check_restored(backup, key, tmp_path / f"restored with {key.name}")


def check_without_hubs(backup: Path, key: Path, folder: Path) -> None:
    """Decrypt a backup with age alone: a database of SQLite, and settings."""
    folder.mkdir()
    for file in backup.glob("*.age"):
        command = ["age", "--decrypt", "-i", key, "-o", folder / file.stem, file]
        subprocess.run(command, check=True)
    assert (folder / "database").read_bytes().startswith(b"SQLite format 3")
    assert 'site_name = "Otters"' in (folder / "settings.toml").read_text()


def check_restored(backup: Path, key: Path, folder: Path) -> None:
    """Restore settings and data on another machine."""
    theirs, settings = Machine(folder), folder.with_suffix(".toml")
    theirs.do("restore", "--identity", key, "--settings", settings, backup)
    assert 'site_name = "Otters"' in settings.read_text()
    theirs.do("restore", "--identity", key, backup)
    assert "rafts" in theirs.do("team", "list")
