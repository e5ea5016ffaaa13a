"""The checks of `hubs doctor`: what is really in force on an instance, and what to do about what is wrong.

Each check gives one sentence. What depends on a service that does not answer is skipped with a sentence as well, so
that nobody waits for one timeout after the other.
"""

import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from http.client import HTTPException
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

from redis import Redis, RedisError, ResponseError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hubs.actions import outbox
from hubs.bus import HISTORY, ORIGINS, WEBHOOK
from hubs.cache import connect
from hubs.errors import HubsError
from hubs.events import canary, coverage, sources
from hubs.fragments import schedule
from hubs.fragments.store import FragmentStore
from hubs.health import certificates, schema
from hubs.health.readiness import Readiness
from hubs.maintenance.findings import Finding, local
from hubs.models import Database, OutboxMessage, Widget, now
from hubs.models.months import state
from hubs.services import create_database, create_event_log, create_fragments
from hubs.settings import Settings

#: Seconds for which builds and changes may wait, and by which clocks may differ.
OVERDUE, UNHANDLED, APART = 120.0, timedelta(minutes=5), 2.0
#: Seconds for which the web application is waited for.
PATIENCE = 10.0
#: Minutes for which a bus may be silent: Fedora's never is.
SILENT = 15.0
#: Sources that may be silent for longer: one waits for events of a few services, the other only brings what was missed.
MAY_BE_SILENT = (WEBHOOK, HISTORY)
#: For how long a month may fail to be dropped, such as during a backup; how many messages are many in one table.
UNDROPPED, MANY = timedelta(days=2), 1_000_000
#: The widgets whose fragments are read, the newest first, and how many in one round trip.
MOST_WIDGETS, BATCH = 5000, 200
_TODO = {
    "database": "Look at the log of the database, its free disk space, and HUBS_DATABASE_URL.",
    "redis": "Look at the log of Redis, its memory limit, and HUBS_REDIS_URL.",
}
_SERVICES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
_CLOCKS = {"sqlite": "SELECT (julianday('now') - 2440587.5) * 86400"}


def examine(settings: Settings) -> list[Finding]:
    """Return the findings of all checks; services that are down do not raise."""
    database, events = create_database(settings), create_event_log(settings)
    try:
        return [*local(settings), *_services(settings, database, events.client)]
    finally:
        database.dispose()


def _services(settings: Settings, database: Database, client: Redis) -> Iterator[Finding]:
    problems = Readiness(database, lambda: client).problems()
    has = {name: not problems[name] for name in ("database", "redis")}
    for name, problem in problems.items():
        if name in ("heartbeat", "canary") and not has["redis"]:
            yield Finding(name, False, "It cannot be checked: Redis does not answer.")
        elif problem:
            yield Finding(name, False, f"{problem} {_TODO.get(name, '')}".rstrip())
        else:
            yield _attempt(name, True, "", partial(_good, name, database, client))
    yield _cache(settings)
    yield _pages(settings)
    yield _certificates(settings)
    for name, check in (
        ("event server", _event_servers),
        ("builds", _builds),
        ("topics", _topics),
        ("sources", _sources),
    ):
        yield _attempt(name, has["redis"], "Redis", partial(check, client))
    for name, read in (
        ("changes", _changes),
        ("clock", _clock),
        ("months", partial(_months, settings.retention_days)),
        ("widgets", partial(_widgets, settings)),
    ):
        yield _attempt(name, has["database"], "the database", partial(_read, database, read))


def _attempt(name: str, answers: bool, service: str, check: Callable[[], tuple[bool, str]]) -> Finding:
    if not answers:
        return Finding(name, False, f"It cannot be checked: {service} does not answer.")
    try:
        return Finding(name, *check())
    except (SQLAlchemyError, RedisError, HubsError) as error:
        return Finding(name, False, f"It cannot be checked: {str(error).splitlines()[0][:200] or type(error).__name__}")


def _read(database: Database, check: Callable[[Session], tuple[bool, str]]) -> tuple[bool, str]:
    with database.session() as session:
        return check(session)


def _good(name: str, database: Database, client: Redis) -> tuple[bool, str]:
    if name == "schema":
        revision, newest = schema.current(database), schema.expected()
        is_newer = revision > newest
        return True, f"{revision}, " + (f"newer than this version of Hubs ({newest})" if is_newer else "current")
    last = canary.last(client) if name == "canary" else None
    if last is not None:
        return True, f"came back {last[0]:.0f} s ago, after {last[1]:.2f} s"
    if name == "heartbeat":
        return True, "the daemon is alive"
    return True, f"{_version(name, database, client)}, writable"


def _version(name: str, database: Database, client: Redis) -> str:
    """Return the name and version of a service; without the version if it does not tell."""
    if name == "redis":
        try:
            return f"Redis {client.info('server')['redis_version']}"
        except ResponseError:  # its rules for users may forbid the question
            return "Redis"
    with database.session() as session:
        dialect = session.connection().dialect
    numbers = ".".join(map(str, dialect.server_version_info or ()))
    return f"{_SERVICES.get(dialect.name, dialect.name)} {numbers}"


def _cache(settings: Settings) -> Finding:
    cache = connect(settings.cache)
    try:
        ok = cache.set("doctor", b"1", 5) and cache.get("doctor") == b"1"
    finally:
        cache.close()
    todo = "It keeps nothing, so pages are slow. Start memcached, and look at HUBS_CACHE_URL."
    return Finding("cache", ok, "writable" if ok else todo)


def _pages(settings: Settings) -> Finding:
    """Ask the web application as people do: through nginx, where there is one."""
    url = f"{settings.site_url.rstrip('/')}/livez"
    # Unverified: about certificates there is a check of its own.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=PATIENCE):
            return Finding("pages", True, f"{settings.site_url} answers")
    except (OSError, HTTPException) as error:
        todo = "Look at hubs-web, at nginx, and at HUBS_SITE_URL."
        return Finding("pages", False, f"{url} does not answer as it should ({error}). {todo}")


def _certificates(settings: Settings) -> Finding:
    name, used = "certificates", certificates.read(settings)
    for each in used:
        if each.until is None:
            return Finding(name, False, f"{each.name}: {each.problem}. Look at its path and its rights.")
        if each.days < certificates.SOON:
            when = f"{each.until:%Y-%m-%d}"
            return Finding(name, False, f"That of {each.name} ends on {when}. Renew it; look at the log of certbot.")
    text = ", ".join(f"{each.name} until {each.until:%Y-%m-%d}" for each in used) or "none in use"
    return Finding(name, True, text)


def _event_servers(client: Redis) -> tuple[bool, str]:
    """Count the processes that hear Redis: an event server answers although it is cut off from it."""
    count = sum(number for _, number in client.pubsub_numsub(canary.CHANNEL))
    if not count:
        return False, "No event server hears Redis, so pages do not update. Look at the log of hubs-eventsource."
    return True, f"{count} processes hear Redis"


def _builds(client: Redis) -> tuple[bool, str]:
    late = client.zcount(schedule.KEY, "-inf", time.time() - OVERDUE)
    if late:
        return False, f"{late} widgets wait for more than {OVERDUE:.0f} s. Look at the log of hubs-hub and hubs-worker."
    return True, "no widget waits for long"


def _topics(client: Redis) -> tuple[bool, str]:
    counts = coverage.read(client, 5)
    if counts:
        names = ", ".join(f"{family} ({count})" for family, count in counts.items())
        return False, f"No reader understands {names}; they are shown with a generic sentence. Report it, or upgrade."
    return True, "all are understood"


def _sources(client: Redis) -> tuple[bool, str]:
    """Find buses that were heard within a month and are silent now."""
    minutes = {name: (now() - moment).total_seconds() / 60 for name, moment in sources.read(client).items()}
    silent = [name for name in ORIGINS if name not in MAY_BE_SILENT and minutes.get(name, 0.0) > SILENT]
    if silent:
        names = ", ".join(f"{name} for {minutes[name]:.0f} minutes" for name in silent)
        return False, f"Silent: {names}. Look at hubs-relay, the addresses of the bus, and the log of hubs-hub."
    return True, ", ".join(f"{name} {age:.0f} minutes ago" for name, age in minutes.items()) or "nobody was heard yet"


def _changes(session: Session) -> tuple[bool, str]:
    given_up = outbox.set_aside(session)
    if given_up:
        return (
            False,
            f"{given_up} changes failed {outbox.MOST_ATTEMPTS} times and are set aside. See hubs-hub's log.",
        )
    oldest = session.scalar(select(func.min(OutboxMessage.created_on)).where(OutboxMessage.handled_at.is_(None)))
    if oldest is not None and now() - oldest > UNHANDLED:
        minutes = (now() - oldest).total_seconds() / 60
        return False, f"The oldest change has waited for {minutes:.0f} minutes. Look at hubs-relay and hubs-hub."
    return True, "none waits for long"


def _clock(session: Session) -> tuple[bool, str]:
    query = _CLOCKS.get(session.get_bind().dialect.name, "SELECT extract(epoch FROM clock_timestamp())")
    apart = abs(time.time() - float(session.scalar(text(query)) or 0.0))
    if apart > APART:
        return False, f"The clocks of this machine and the database are {apart:.0f} s apart. Run chrony on both."
    return True, f"{apart:.1f} s apart from the database"


def _months(days: int, session: Session) -> tuple[bool, str]:
    """Find months that the daemon failed to create or to drop."""
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        return True, "none: SQLite keeps all messages in one table"
    months = state.read(connection, now() - timedelta(days=days) - UNDROPPED)
    if months is None:
        many = state.about(connection)
        return True, f"none, but {many:,} messages in one table. Run: hubs db partition" if many > MANY else "none"
    todo = "Look at the log of hubs-hub: its database user must own the tables, and no transaction may stay open."
    if months.ahead < 2:
        rest = f", and {months.misplaced} messages are in the partition for the rest" if months.misplaced else ""
        return False, f"There is no month from {months.end:%Y-%m-%d} on{rest}. {todo}"
    if months.overdue:
        return False, f"Older than HUBS_RETENTION_DAYS, but not dropped: {', '.join(months.overdue)}. {todo}"
    return True, f"there until {months.end:%Y-%m-%d}"


def _widgets(settings: Settings, session: Session) -> tuple[bool, str]:
    fragments = create_fragments(settings, FragmentStore)
    rows = list(session.scalars(select(Widget).order_by(Widget.id.desc()).limit(MOST_WIDGETS)))
    plugins, failing = {row.id: row.plugin for row in rows}, Counter[str]()
    for start in range(0, len(rows), BATCH):
        for number, fragment in fragments.read_many(rows[start : start + BATCH]).items():
            if fragment.state in ("failed", "stale"):
                failing[plugins[number]] += 1
    if failing:
        names = ", ".join(f"{plugin} ({count})" for plugin, count in failing.most_common(5))
        return False, f"{failing.total()} of {len(rows)} cannot be built: {names}. The log of hubs-hub says why."
    return True, f"none of {len(rows)} fails"
