"""Targeted experiments: each returns a list of problems, which is empty if the promise holds."""

from collections.abc import Callable

from tests.chaos.community import Community
from tests.chaos.experiments import access, delivery, freshness

Experiment = Callable[[Community], list[str]]

#: The experiments by name.
ALL: dict[str, Experiment] = {
    function.__name__: function
    for function in (
        access.narrow_while_memcached_stands_still,
        access.narrow_after_memcached_stood_still,
        access.narrow_after_reset,
        access.revoked_while_redis_is_away,
        access.revoked_flush,
        access.revoked_kill,
        access.removed_while_the_stream_stood_still,
        access.group_removal_killed,
        delivery.backlog,
        delivery.database_away_at_start,
        delivery.history_away_at_start,
        delivery.history_mid,
        delivery.paused_flood,
        freshness.redis_half_open,
        freshness.layout_while_web_is_down,
        freshness.hub_dead,
        freshness.redis_outage,
        freshness.herd,
    )
}
