"""The services that a benchmark's stack needs, on free ports."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import services


@contextmanager
def addresses(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Run PostgreSQL, memcached and Redis; give the addresses of the empty database, the cache and Redis."""
    with (
        services.postgresql() as (_, postgresql),
        services.memcached(folder) as (_, memcached),
        services.redis_server(folder) as (_, redis),
    ):
        yield (
            f"postgresql+psycopg2://postgres@{services.HOST}:{postgresql}/postgres",
            f"memcached://{services.HOST}:{memcached}",
            f"redis://{services.HOST}:{redis}/0",
        )
