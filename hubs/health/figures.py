"""The figures that all processes have: version, builds, cache, upstream services, database, Redis, checks."""

import shutil
from collections.abc import Iterator

from redis import Redis, RedisError
from sqlalchemy.pool import QueuePool

from hubs import __version__
from hubs.events import canary, heartbeat
from hubs.fragments.fragment import OUTCOMES
from hubs.fragments.store import FragmentStore
from hubs.health.readiness import Readiness
from hubs.metrics.families import Sample
from hubs.models import Database
from hubs.settings import Settings


def shared(settings: Settings, database: Database, client: Redis, readiness: Readiness) -> Iterator[Sample]:
    """Yield what every process knows."""
    yield "hubs_info", (__version__,), 1.0
    pool = database.engine.pool
    if isinstance(pool, QueuePool):
        yield "hubs_database_connections", ("used",), float(pool.checkedout())
        yield "hubs_database_connections", ("idle",), float(pool.checkedin())
    try:
        disk = shutil.disk_usage(settings.data_dir if settings.data_dir.is_dir() else "/")
        yield "hubs_disk_free_ratio", (), disk.free / disk.total
    except OSError:  # the folder went away: there is no figure then
        pass
    for check, problem in readiness.problems().items():
        yield "hubs_ready", (check,), 0.0 if problem else 1.0
    try:
        last, age = canary.last(client), heartbeat.age(client)
    except RedisError:
        return
    if last is not None:
        yield "hubs_canary_age_seconds", (), last[0]
        yield "hubs_canary_seconds", (), last[1]
    if age is not None:
        yield "hubs_heartbeat_age_seconds", (), age


def of_fragments(fragments: FragmentStore) -> Iterator[Sample]:
    """Yield builds, reads of the cache, and requests to upstream services."""
    # An alert that begins with the first failure needs a figure from before it.
    counts = {(kind.name, outcome): 0 for kind in fragments.registry for outcome in OUTCOMES} | fragments.outcomes
    for (widget, result), count in counts.items():
        yield "hubs_builds", (widget, result), float(count)
    yield "hubs_cache_reads", ("hit",), float(fragments.hits)
    yield "hubs_cache_reads", ("miss",), float(fragments.misses)
    if fragments.clients is None:
        return
    upstream = fragments.clients.http.counts
    for (service, answer), count in dict(upstream.requests).items():
        yield "hubs_upstream_requests", (service, answer), float(count)
    for service, count in upstream.paused().items():
        yield "hubs_upstream_paused", (service,), float(count)
