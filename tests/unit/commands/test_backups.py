"""The commands that back an instance up, restore it, and rotate its key."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from hubs.maintenance.manifest import BackupError
from hubs.models import Hub, Widget
from hubs.widgets.secrets import SecretBox
from tests.unit.commands.test_commands import run, settings
from tests.unit.conftest import KEY

__all__ = ["settings"]


@pytest.mark.usefixtures("team")
def test_a_backup_is_restored_on_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBS_DATA_DIR", str(tmp_path / "data"))
    folder = tmp_path / "backup"
    assert f"into {folder}" in run("backup", str(folder)).output
    monkeypatch.setenv("HUBS_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    assert "Restored the backup of 20" in run("restore", str(folder)).output
    assert "We swim." in run("export", "otters").output
    run("restore", str(folder), fails=BackupError)


@pytest.mark.usefixtures("team")
def test_the_settings_of_a_backup_are_written_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBS_DATA_DIR", str(tmp_path / "data"))
    run("backup", str(tmp_path / "backup"))
    assert "HUBS_CONFIG=" in run("restore", str(tmp_path / "backup"), "--settings", str(tmp_path / "hubs.toml")).output
    assert f'secret_key = "{KEY.decode()}"' in (tmp_path / "hubs.toml").read_text()


def test_rotating_says_when_the_old_key_can_go(session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    session.add(Widget(hub=team, plugin="issues", settings={"token": SecretBox(KEY).encrypt("s3cret")}))
    session.commit()
    monkeypatch.setenv("HUBS_SECRET_KEY", f"a new key that is long enough,{KEY.decode()}")
    shown = run("secrets", "rotate").output
    assert "Encrypted 1 secrets again; 0 already" in shown
    assert "Remove them 14 days after" in shown
    monkeypatch.setenv("HUBS_SECRET_KEY", "a new key that is long enough")
    assert run("secrets", "rotate").output == "Encrypted 0 secrets again; 1 already used the first key.\n"
    monkeypatch.setenv("HUBS_SECRET_KEY", "a key that opens nothing")
    refused = run("secrets", "rotate", fails=SystemExit).output
    assert "opens 1 secrets" in refused
    assert "widgets (" in refused
