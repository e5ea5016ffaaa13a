"""Applies the migrations, which are part of the package."""

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config

from hubs.models.database import Database


def location() -> Path:
    """Return the folder of the migrations: inside an installed package, or beside it in a source tree."""
    package = Path(str(files("hubs")))
    packaged = package / "_alembic"
    return packaged if packaged.is_dir() else package.parent / "alembic"


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply every migration up to ``revision``."""
    command.upgrade(_config(database), revision)


def downgrade(database: Database, revision: str) -> None:
    """Undo migrations down to ``revision``; ``base`` empties the database."""
    command.downgrade(_config(database), revision)


def check(database: Database) -> None:
    """Raise ``alembic.util.exc.CommandError`` if the tables of the database differ from the models."""
    command.check(_config(database))


def revise(database: Database, message: str) -> None:
    """Write a new migration from the differences between the models and the database; use PostgreSQL for it."""
    command.revision(_config(database), message, autogenerate=True)


def _config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(location()))
    config.set_main_option("path_separator", "os")
    config.attributes["database"] = database
    return config
