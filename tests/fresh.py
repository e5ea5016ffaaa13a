"""SQLite files with the current schema: the migrations run once in a process, and each file is a copy."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hubs.models import Database, migrations


def prepare(database: Database) -> None:
    """Bring a SQLite database whose file is not there yet to the current schema."""
    assert database.url.database is not None
    path = Path(database.url.database)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert not path.exists(), f"{path} is there already"
    path.write_bytes(_template())


@cache
def _template() -> bytes:
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/hubs.db")
        migrations.upgrade(database)
        database.dispose()
        return Path(folder, "hubs.db").read_bytes()
