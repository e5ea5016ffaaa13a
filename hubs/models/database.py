"""The connection to the database. The engine is created on first use, hence after the server forked its workers."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

# The first alternative consumes escaped backslashes, so that the text after one is not mistaken for an escape, and
# pairs of surrogates, which are valid. What is left are NUL and lone surrogates.
_UNSTORABLE = re.compile(
    r"((?:\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})+)|\\u0000|\\ud[89a-f][0-9a-f]{2}", re.IGNORECASE
)
_UNSTORABLE_CHARACTERS = re.compile("[\0\ud800-\udfff]")
#: Seconds after which PostgreSQL cancels a statement.
STATEMENT_TIMEOUT = 15
#: Seconds for which a connection to PostgreSQL, a free one of the pool, and the lock of a SQLite file are waited for.
CONNECT_TIMEOUT, POOL_TIMEOUT, SQLITE_TIMEOUT = 2, 10, 15
#: TCP settings that make the kernel close a connection to PostgreSQL whose other end vanished: milliseconds for which
#: sent data may stay unacknowledged, and the probes sent on an idle connection.
KEEP_ALIVE = {
    "tcp_user_timeout": 5000,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}

T = TypeVar("T")


class Database:
    """Opens sessions on the database at ``url``."""

    def __init__(self, url: str, pool_size: int = 5, info: dict[str, Any] | None = None) -> None:
        self.url = make_url(url)
        #: Event listeners attach here; each session gets a copy of ``info``.
        self.maker = sessionmaker(expire_on_commit=False, info=info or {})
        self._pool_size = pool_size
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._autocommit: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The engine, created on first use."""
        with self._lock:
            if self._engine is None:
                self._engine = self._create_engine()
            return self._engine

    @property
    def autocommit(self) -> Engine:
        """An engine for single reads: one round trip each, without a transaction and without a ping before it."""
        if self.url.get_backend_name() == "sqlite" and self.url.database in (None, "", ":memory:"):
            return self.engine  # another engine would have a database of its own
        with self._lock:
            if self._autocommit is None:
                options = {"pool_pre_ping": False, "pool_reset_on_return": None, "isolation_level": "AUTOCOMMIT"}
                self._autocommit = self._create_engine(**options)
            return self._autocommit

    def read(self, act: Callable[[Connection], T]) -> T:
        """Call ``act`` with a connection for single reads, and again if the database had closed that connection.

        ``act`` must bear being repeated.
        """
        try:
            with self.autocommit.connect() as connection:
                return act(connection)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        # A connection is not checked before its use; all of the pool were discarded, and this one is new.
        with self.autocommit.connect() as connection:
            return act(connection)

    def session(self) -> Session:
        """Return a new session; the caller commits and closes it."""
        return self.maker(bind=self.engine)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session that commits at the end of the block and rolls back if it raises."""
        with self.session() as session, session.begin():
            yield session

    def dispose(self) -> None:
        """Close all pooled connections."""
        with self._lock:
            for engine in (self._engine, self._autocommit):
                if engine is not None:
                    engine.dispose()
            self._engine = self._autocommit = None

    def _create_engine(self, **options: Any) -> Engine:
        if self.url.get_backend_name() != "sqlite":
            timeout = f"-c statement_timeout={STATEMENT_TIMEOUT * 1000}"
            connect_args = {"connect_timeout": CONNECT_TIMEOUT, "options": timeout, **KEEP_ALIVE}
            pool = {
                "pool_pre_ping": True,
                "pool_size": self._pool_size,
                "max_overflow": 5,
                "pool_timeout": POOL_TIMEOUT,
            }
            return create_engine(self.url, json_serializer=to_json, connect_args=connect_args, **{**pool, **options})
        # A `file:` URI is SQLite's own syntax, for options such as mode=ro.
        if self.url.database and self.url.database != ":memory:" and not self.url.database.startswith("file:"):
            Path(self.url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = create_engine(self.url, connect_args={"timeout": SQLITE_TIMEOUT}, json_serializer=to_json, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine


def is_unavailable(error: BaseException) -> bool:
    """Return whether the error means that the database is unavailable, as opposed to a statement that it refused."""
    disconnected = isinstance(error, DBAPIError) and error.connection_invalidated
    names = ("OperationalError", "InterfaceError", "InternalError", "TimeoutError")
    return isinstance(error, SQLAlchemyError) and (disconnected or type(error).__name__ in names)


def storable(text: str) -> str:
    """Return text that every database can store: NUL and lone surrogates become U+FFFD."""
    return _UNSTORABLE_CHARACTERS.sub("\ufffd", text)


def to_json(value: object) -> str:
    """Return JSON that every database can store and query: NUL and lone surrogates become U+FFFD."""
    # PostgreSQL stores an escaped NUL in a json column, but every query that reads it as text then fails.
    text = json.dumps(value)
    if "\\u" not in text:
        return text
    return _UNSTORABLE.sub(lambda match: match[1] or "\\ufffd", text)


def _prepare_sqlite(connection: Any, record: object) -> None:
    """Allow readers beside a writer, and enforce foreign keys as PostgreSQL does."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def migration_folder() -> Path:
    """Return the folder of the migrations: inside an installed package, or beside it in a source tree."""
    package = Path(str(files("hubs")))
    packaged = package / "_alembic"
    return packaged if packaged.is_dir() else package.parent / "alembic"
