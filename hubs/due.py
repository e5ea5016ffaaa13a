"""Which widgets must be built when: one ordered set in Redis, so that it outlives every process of ours.

A widget is in it twice at most: as asked for (by a reader who saw that its time had come, or after a failure), and
as timed (its content grows old by itself). What is taken stays in the set with a later time, a lease: if whoever took
it dies, it comes up again. Every method survives a Redis that is away, and says so by its answer.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

import redis

log = logging.getLogger(__name__)

KEY = "hubs:due"
#: Widgets in one call, so that Redis is not held up for more than a few milliseconds.
BATCH = 500
_TIMED = "t"

# KEYS: the set. ARGV: now, end of the lease, most members.
_TAKE = """
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, member in ipairs(found) do
  redis.call('ZADD', KEYS[1], ARGV[2], member)
end
return found
"""

# KEYS: the set. ARGV: the member, now. What was asked for since it was taken has a time that has come.
_DONE = """
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) > tonumber(ARGV[2]) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What is due now: widgets that were asked for, and widgets whose content has grown old by itself."""

    asked: list[int]
    timed: list[int]


class Due:
    """The set of what is due; ``client`` gives a connection to Redis. Moments are seconds since 1970."""

    def __init__(self, client: Callable[[], redis.Redis], clock: Callable[[], float] = time.time) -> None:
        self._client, self._clock = client, clock

    def ask(self, widgets: Iterable[int], when: float | None = None) -> bool:
        """Ask for widgets to be built anew at ``when`` (now): the earlier moment counts. False when Redis is away."""
        at = self._clock() if when is None else when
        wanted = {str(widget): at for widget in widgets}
        return self._try(lambda client: client.zadd(KEY, wanted, lt=True)) if wanted else True

    def again(self, widget: int, when: float) -> bool:
        """Have a widget built anew at ``when`` and not before, whoever asked for it until now."""
        return self._try(lambda client: client.zadd(KEY, {str(widget): when}))

    def timed(self, widget: int, when: float) -> bool:
        """Note when a widget's content will have grown old."""
        return self._try(lambda client: client.zadd(KEY, {f"{_TIMED}{widget}": when}))

    def take(self, lease: float, most: int = BATCH) -> Taken:
        """Take what is due, for at most ``lease`` seconds; nothing when Redis is away."""
        now = self._clock()
        try:
            found = cast("list[bytes]", self._client().eval(_TAKE, 1, KEY, now, now + lease, most))
        except redis.RedisError as error:
            log.warning("what is due cannot be read, Redis does not answer: %s", error)
            return Taken([], [])
        members = [member.decode() for member in found]
        asked = [int(member) for member in members if member.isdigit()]
        return Taken(asked, [int(member[1:]) for member in members if member[1:].isdigit() and member[0] == _TIMED])

    def done(self, widget: int) -> bool:
        """Note that a widget was built; what was asked for meanwhile stays."""
        return self._try(lambda client: client.eval(_DONE, 1, KEY, str(widget), self._clock()))

    def settle(self, widget: int, when: float, *, failed: bool) -> bool:
        """Note what follows from a build: the next try at ``when``, or the moment when its content grows old, or 0."""
        if failed:
            return self.again(widget, when)
        return self.done(widget) and (not when or self.timed(widget, when))

    def drop_timed(self, widgets: Iterable[int]) -> bool:
        """Forget when widgets grow old: nobody looks at them, or they are gone."""
        members = [f"{_TIMED}{widget}" for widget in widgets]
        return self._try(lambda client: client.zrem(KEY, *members)) if members else True

    def _try(self, act: Callable[[redis.Redis], object]) -> bool:
        try:
            act(self._client())
        except redis.RedisError as error:
            log.warning("what is due cannot be noted, Redis does not answer: %s", error)
            return False
        return True
