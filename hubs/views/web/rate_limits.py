"""Rate limits, counted in Redis for all processes, or per process while Redis is unavailable."""

import logging
import time
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Any, cast

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, SlidingWindowCounterSupport, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from hubs.errors import TooManyRequests
from hubs.i18n import ngettext

log = logging.getLogger(__name__)

#: Seconds for which Redis is left alone after it did not answer.
PAUSE = 5.0


def place_of(address: str) -> str:
    """Return the rate-limit key of an IP address; IPv6 is limited per /64."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return address
    return str(found.ipv4_mapped or IPv6Network((int(found), 64), strict=False))


def seconds_until_room(most: int, span: float, before: int, before_left: float, now: int, now_left: float) -> int:
    """Return the whole seconds until there is room for one more; the library only tells when anything changes.

    Counts are of this span of time and of the one before, each with the seconds for which it matters. What is counted
    ``now`` counts in full until the span is over; then, as what was ``before``, as much as is left of its seconds.
    """
    if now >= most:
        wait = now_left - most * span / now
    else:
        wait = before_left - (most - now) * span / before if before else 0.0
    return max(1, int(wait) + 1)


class Limiter:
    """Lets each name do something at most ``per_minute`` times a minute; nothing is connected to before the first."""

    def __init__(self, redis_url: str, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        # limits knows Redis' sockets under another name.
        url = redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url
        patience: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.25}
        patience["retry"] = Retry(NoBackoff(), 0)
        self._shared = SlidingWindowCounterRateLimiter(storage_from_string(url, **patience))
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def take(self, *name: str) -> None:
        """Count one.

        :raises TooManyRequests: when that is one too many, with the seconds to wait.
        """
        wait = self._wait(*name)
        if wait:
            text = ngettext(
                "Too many requests: at most %(amount)s a minute. Try again in %(seconds)s second.",
                "Too many requests: at most %(amount)s a minute. Try again in %(seconds)s seconds.",
                wait,
            )
            raise TooManyRequests(text % {"amount": self._item.amount, "seconds": wait}, wait)

    def _wait(self, *name: str) -> int:
        if time.monotonic() >= self._away_until:
            try:
                return self._ask(self._shared, *name)
            except RedisError as error:
                self._away_until = time.monotonic() + PAUSE
                log.warning("Redis does not answer, rates are counted by each process: %s", error)
        return self._ask(self._own, *name)

    def _ask(self, limiter: SlidingWindowCounterRateLimiter, *name: str) -> int:
        if limiter.hit(self._item, *name):
            return 0
        span, storage = self._item.get_expiry(), cast("SlidingWindowCounterSupport", limiter.storage)
        counted = storage.get_sliding_window(self._item.key_for(*name), span)
        return seconds_until_room(self._item.amount, span, *counted)
