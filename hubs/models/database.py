"""The connection to the database: an engine made on first use, hence after the server forked its workers."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

# An escaped backslash is taken first, so that the text after it is not mistaken for an escape; then NUL, a pair of
# surrogates, which is kept, and a surrogate alone.
_UNSTORABLE = re.compile(
    r"((?:\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})+)|\\u0000|\\ud[89a-f][0-9a-f]{2}", re.IGNORECASE
)
#: Seconds after which PostgreSQL gives up on a statement of ours.
STATEMENT_TIMEOUT = 15
#: What makes the kernel give up a connection to PostgreSQL whose other end vanished without a word: milliseconds for
#: which sent data may stay unacknowledged, and probes on a connection that is silent.
KEEP_ALIVE = {
    "tcp_user_timeout": 5000,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}


class Database:
    """Hands out sessions on the database at ``url``."""

    def __init__(self, url: str, pool_size: int = 5, info: dict[str, Any] | None = None) -> None:
        self.url = make_url(url)
        #: Where listeners on sessions attach; sessions carry a copy of ``info``.
        self.maker = sessionmaker(expire_on_commit=False, info=info or {})
        self._pool_size = pool_size
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The engine, made when first asked for."""
        with self._lock:
            if self._engine is None:
                self._engine = self._make()
            return self._engine

    def session(self) -> Session:
        """Return a new session; the caller commits and closes it."""
        return self.maker(bind=self.engine)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session, commit at the end of the block, roll back if it raises."""
        with self.session() as session, session.begin():
            yield session

    def dispose(self) -> None:
        """Close all pooled connections."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    def _make(self) -> Engine:
        if self.url.get_backend_name() != "sqlite":
            options = f"-c statement_timeout={STATEMENT_TIMEOUT * 1000}"
            return create_engine(
                self.url,
                pool_pre_ping=True,
                pool_size=self._pool_size,
                max_overflow=5,
                json_serializer=to_json,
                connect_args={"connect_timeout": 5, "options": options, **KEEP_ALIVE},
            )
        if self.url.database and self.url.database != ":memory:":
            Path(self.url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = create_engine(self.url, connect_args={"timeout": 15}, json_serializer=to_json)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine


def is_unavailable(error: BaseException) -> bool:
    """Return whether the database cannot answer just now, as opposed to refusing what it got."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    names = ("OperationalError", "InterfaceError", "InternalError", "TimeoutError")
    return isinstance(error, SQLAlchemyError) and (lost or type(error).__name__ in names)


def to_json(value: object) -> str:
    """Return JSON that every database can store and query: NUL and lone surrogates become U+FFFD."""
    text = json.dumps(value)
    if "\\u" not in text:
        return text
    return _UNSTORABLE.sub(lambda match: match[1] or "\\ufffd", text)


def _prepare_sqlite(connection: Any, record: object) -> None:
    """Let readers and a writer work side by side, and keep foreign keys as PostgreSQL does."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
