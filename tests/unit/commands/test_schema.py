"""The command that manages the schema of the database."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hubs.models import Database, migrations
from tests.unit.commands.test_commands import run, settings

__all__ = ["settings"]
NEWEST, BEFORE = migrations.known()[:2]


@pytest.mark.usefixtures("database")
def test_the_schema_goes_down_and_up_again() -> None:
    assert f"database\t{NEWEST}" in run("db", "current").output
    assert run("db", "downgrade", BEFORE, "--yes").output == f"The schema is {BEFORE} (was {NEWEST}).\n"
    assert "run hubs db upgrade" in run("db", "current").output
    assert "Run: hubs db upgrade" in run("db", "check", fails=SystemExit).output
    assert run("db", "upgrade").output == f"The schema is {NEWEST} (was {BEFORE}).\n"
    assert run("db", "upgrade").output == f"The schema is {NEWEST}, as before.\n"


@pytest.mark.usefixtures("database")
def test_history_marks_what_the_database_has() -> None:
    run("db", "downgrade", BEFORE, "--yes")
    lines = run("db", "history").output.splitlines()
    assert lines[0].startswith(f"  {NEWEST}  ")
    assert lines[1].startswith(f"* {BEFORE}  ")
    assert lines[-1] == "* 0001  The first tables."
    assert len(lines) == len(migrations.known())


@pytest.mark.usefixtures("database")
def test_a_downgrade_asks_first_and_knows_where_it_goes() -> None:
    assert "Undo 1 migrations?" in run("db", "downgrade", BEFORE, stdin="n\n", fails=SystemExit).output
    assert "There is no migration 4711" in run("db", "downgrade", "4711", "--yes", fails=SystemExit).output
    run("db", "downgrade", BEFORE, "--yes")
    assert f"which is before {NEWEST}" in run("db", "downgrade", NEWEST, "--yes", fails=SystemExit).output


def test_a_newer_schema_is_explained(database: Database, session: Session) -> None:
    session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    session.commit()
    assert "of a newer version" in run("db", "current").output
    for command in (("upgrade",), ("downgrade", BEFORE, "--yes")):
        assert "cannot migrate it" in run("db", *command, fails=SystemExit).output
    assert migrations.current(database) == "9999"


@pytest.mark.usefixtures("settings")
def test_a_new_migration_has_the_next_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = tmp_path / "alembic" / "versions"
    versions.mkdir(parents=True)
    for name in ("env.py", "script.py.mako"):
        (versions.parent / name).write_text((migrations.migration_folder() / name).read_text())
    (versions / "0099_first.py").write_text(
        '"""The first."""\n\nrevision, down_revision = "0099", None\n\n\ndef upgrade():\n    pass\n'
    )
    monkeypatch.setattr(migrations, "migration_folder", lambda: versions.parent)

    assert "Run: hubs db upgrade" in run("db", "revise", "Too early", fails=SystemExit).output
    run("db", "upgrade")
    run("db", "revise", "What changed")
    written = (versions / "0100_what_changed.py").read_text()
    assert written.startswith('"""What changed.\n\nRevision: 0100, after 0099\n"""')
    assert 'op.create_table("hubs"' in written.replace("'", '"')


@pytest.mark.usefixtures("database")
def test_there_are_no_partitions_on_sqlite() -> None:
    assert "Only PostgreSQL has partitions" in run("db", "partition", fails=SystemExit).output
