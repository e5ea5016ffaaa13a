"""Rate limits, counted in Redis for all processes, or per process while Redis is unavailable."""

import logging
import time
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Any, cast

from flask import request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, SlidingWindowCounterSupport, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from hubs.errors import TooManyRequests
from hubs.i18n import ngettext

log = logging.getLogger(__name__)

#: Seconds without attempts to reach Redis after it failed.
PAUSE = 5.0


def address_key(address: str) -> str:
    """Return the rate-limit key of an IP address; IPv6 is limited per /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return address
    # A subscriber usually gets a whole /64, so single addresses would not limit anybody.
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed), 64), strict=False))


def visitor_key() -> str:
    """Return the rate-limit key of a client by its address alone, for responses that must not read the session."""
    return address_key(request.remote_addr or "")


def seconds_until_room(most: int, span: float, before: int, before_left: float, now: int, now_left: float) -> int:
    """Return the whole seconds until another request is allowed; the library only knows when a window ends.

    A sliding window is estimated from two fixed ones of ``span`` seconds: the current count ``now`` in full, and the
    previous count ``before`` in proportion to the seconds that are left of it.
    """
    if now >= most:
        wait = now_left - most * span / now
    else:
        wait = before_left - (most - now) * span / before if before else 0.0
    return max(1, int(wait) + 1)


class Limiter:
    """Allows ``per_minute`` requests per minute and key. Connects to Redis on first use."""

    def __init__(self, redis_url: str, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        # The library has its own scheme for Redis over a Unix socket.
        url = redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url
        timeouts: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.25}
        timeouts["retry"] = Retry(NoBackoff(), 0)
        self._shared = SlidingWindowCounterRateLimiter(storage_from_string(url, **timeouts))
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._retry_at = 0.0

    def take(self, *key: str) -> None:
        """Count a request of ``key``.

        :raises TooManyRequests: if it exceeds the limit, with the seconds to wait.
        """
        wait = self._wait(*key)
        if wait:
            text = ngettext(
                "Too many requests: at most %(amount)s a minute. Try again in %(seconds)s second.",
                "Too many requests: at most %(amount)s a minute. Try again in %(seconds)s seconds.",
                wait,
            )
            raise TooManyRequests(text % {"amount": self._item.amount, "seconds": wait}, wait)

    def _wait(self, *key: str) -> int:
        if time.monotonic() >= self._retry_at:
            try:
                return self._hit(self._shared, *key)
            except RedisError as error:
                self._retry_at = time.monotonic() + PAUSE
                log.warning("Redis is unavailable, each process counts rates for itself: %s", error)
        return self._hit(self._local, *key)

    def _hit(self, limiter: SlidingWindowCounterRateLimiter, *key: str) -> int:
        if limiter.hit(self._item, *key):
            return 0
        span, storage = self._item.get_expiry(), cast("SlidingWindowCounterSupport", limiter.storage)
        counted = storage.get_sliding_window(self._item.key_for(*key), span)
        return seconds_until_room(self._item.amount, span, *counted)
