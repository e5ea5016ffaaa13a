"""The checks of ``/readyz``: whether a process can do its work, with a sentence for each check that fails."""

import secrets
import threading
import time
from collections.abc import Callable

from redis import Redis, RedisError
from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from hubs.events import canary, heartbeat
from hubs.health import schema
from hubs.models import Database, Watermark, now

#: Seconds for which results are kept: monitors and load balancers may ask often.
KEPT = 1.0
#: A key that is written to find out whether Redis takes writes, and its lifetime.
_PROBE, _LIFETIME = "hubs:readyz", 60


class Readiness:
    """Checks schema, database, Redis, heartbeat and canary."""

    def __init__(self, database: Database, client: Callable[[], Redis]) -> None:
        self._database, self._client = database, client
        self._lock = threading.Lock()
        self._checked_at = float("-inf")
        self._problems: dict[str, str] = {}

    def problems(self) -> dict[str, str]:
        """Return for each check its problem, or an empty text."""
        with self._lock:
            if time.monotonic() - self._checked_at > KEPT:
                checks = {
                    "schema": self._schema,
                    "database": self._write,
                    "redis": self._write_redis,
                    "heartbeat": self._heartbeat,
                    "canary": self._canary,
                }
                self._problems = {name: _survive(check) for name, check in checks.items()}
                self._checked_at = time.monotonic()
            return self._problems

    def _schema(self) -> str:
        return schema.problem(self._database)

    def _write(self) -> str:
        """Write a row and roll back: a standby, and a database whose disk is full, refuse that."""
        with self._database.session() as session:
            session.execute(insert(Watermark).values(name=f"readyz-{secrets.token_hex(8)}", complete_until=now()))
            session.rollback()
        return ""

    def _write_redis(self) -> str:
        self._client().set(_PROBE, "x" * 512, ex=_LIFETIME)
        return ""

    def _heartbeat(self) -> str:
        age = heartbeat.age(self._client())
        if age is not None and age <= heartbeat.LATE:
            return ""
        since = "there was none lately" if age is None else f"the last one came {age:.0f} s ago"
        return f"The daemon's heartbeat is late: {since}. Look at the log of hubs-hub."

    def _canary(self) -> str:
        last = canary.last(self._client())
        if last is not None and last[0] <= canary.LATE:
            return ""
        since = "none came back lately" if last is None else f"the last one came back {last[0]:.0f} s ago"
        return f"The canary is missing: {since}. The log of hubs-hub says where it got lost."


def _survive(check: Callable[[], str]) -> str:
    try:
        return check()
    except (SQLAlchemyError, RedisError) as error:
        service = "Redis" if isinstance(error, RedisError) else "The database"
        # The first line: further ones repeat the statement, and addresses of services.
        return f"{service} does not accept this: {str(error).splitlines()[0][:200] if str(error) else 'no answer'}"
