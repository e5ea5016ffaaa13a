"""The build schedule: a Redis sorted set of widget ids by due time; survives restarts of all our processes.

A widget is in it three times at most: as asked for (by a reader who saw that its time had come, or after a failure),
as timed (its content grows old by itself), and as touched by a message, from just before that is committed until it is
built: a daemon that is killed between the two leaves it there for the others. What is taken stays in the set with a
later time, a lease: if whoever took it dies, it comes up again. No method raises while Redis is
unavailable; the return value says so.
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
#: Seconds after which a widget that a message touched is due, unless it is built by then.
TOUCHED = 10.0
#: Seconds for which nothing is noted of messages after Redis did not answer: a batch must not wait for it each time.
REST = 5.0
_TIMED, _TOUCHED = "t", "m"

# KEYS: the set. ARGV: now, end of the lease, most members.
_TAKE = """
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, member in ipairs(found) do
  redis.call('ZADD', KEYS[1], ARGV[2], member)
end
return found
"""

# KEYS: the set. ARGV: the member, its time. What was touched again since has another time.
_BUILT = """
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) == tonumber(ARGV[2]) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0
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
class DueBatch:
    """What is due now: widgets that were asked for, and widgets whose content has grown old by itself."""

    asked: list[int]
    timed: list[int]


class BuildSchedule:
    """The set of what is due; ``client`` gives a connection to Redis. Moments are seconds since 1970."""

    def __init__(self, client: Callable[[], redis.Redis], clock: Callable[[], float] = time.time) -> None:
        self._client, self._clock = client, clock
        self._rest_until = 0.0

    def ask(self, widgets: Iterable[int], when: float | None = None) -> bool:
        """Request a build at ``when`` (now); the earlier time counts. False if Redis is unavailable."""
        at = self._clock() if when is None else when
        wanted = {str(widget): at for widget in widgets}
        return self._try(lambda client: client.zadd(KEY, wanted, lt=True)) if wanted else True

    def reschedule(self, widget: int, when: float) -> bool:
        """Move the next build to ``when``, replacing earlier requests."""
        return self._try(lambda client: client.zadd(KEY, {str(widget): when}))

    def timed(self, widget: int, when: float) -> bool:
        """Note when a widget's content will have grown old."""
        return self._try(lambda client: client.zadd(KEY, {f"{_TIMED}{widget}": when}))

    def mark_pending(self, widgets: Iterable[int]) -> bool:
        """Note that a message touched widgets, before it is stored for good: they are due unless they are built soon.

        False if Redis is unavailable; then the widgets are lost if this process is killed before they are built.
        """
        now = self._clock()
        members = {f"{_TOUCHED}{widget}": now + TOUCHED for widget in widgets}
        if not members or now < self._rest_until:
            return not members
        noted = self._try(lambda client: _add_in_batches(client, members))
        self._rest_until = 0.0 if noted else self._clock() + REST
        return noted

    def touched(self, widget: int) -> float:
        """Return the current pending mark of a widget. Pass it to `complete`, which keeps marks that were set later."""
        found: list[float | None] = [None]
        self._try(lambda client: found.append(client.zscore(KEY, f"{_TOUCHED}{widget}")))
        return found[-1] or 0.0

    def take(self, lease: float, most: int = BATCH) -> DueBatch:
        """Take what is due, for at most ``lease`` seconds; nothing while Redis is unavailable."""
        now = self._clock()
        try:
            found = cast("list[bytes]", self._client().eval(_TAKE, 1, KEY, now, now + lease, most))
        except redis.RedisError as error:
            log.warning("what is due cannot be read, Redis does not answer: %s", error)
            return DueBatch([], [])
        members = [member.decode() for member in found]
        asked = dict.fromkeys(_of_kind("", members) + _of_kind(_TOUCHED, members))
        return DueBatch(list(asked), _of_kind(_TIMED, members))

    def complete(self, widget: int, touched: float = 0.0) -> bool:
        """Note that a widget was built; what was asked for meanwhile, or touched after ``touched``, stays."""
        return self._built(widget, touched) and self._try(
            lambda client: client.eval(_DONE, 1, KEY, str(widget), self._clock())
        )

    def finish(self, widget: int, when: float, *, failed: bool, touched: float = 0.0) -> bool:
        """Note what follows from a build: the next try at ``when``, or the moment when its content grows old, or 0."""
        if failed:
            return self.reschedule(widget, when) and self._built(widget, touched)
        return self.complete(widget, touched) and (not when or self.timed(widget, when))

    def drop_timed(self, widgets: Iterable[int]) -> bool:
        """Drop the timed builds of widgets without viewers."""
        members = [f"{_TIMED}{widget}" for widget in widgets]
        return self._try(lambda client: client.zrem(KEY, *members)) if members else True

    def forget(self, widget: int) -> bool:
        """Forget a widget that is gone."""
        return self._try(lambda client: client.zrem(KEY, *(f"{kind}{widget}" for kind in ("", _TIMED, _TOUCHED))))

    def _built(self, widget: int, touched: float) -> bool:
        member = f"{_TOUCHED}{widget}"
        return not touched or self._try(lambda client: client.eval(_BUILT, 1, KEY, member, repr(touched)))

    def _try(self, act: Callable[[redis.Redis], object]) -> bool:
        try:
            act(self._client())
        except redis.RedisError as error:
            log.warning("what is due cannot be noted, Redis does not answer: %s", error)
            return False
        return True


def _of_kind(kind: str, members: Iterable[str]) -> list[int]:
    numbers = (member.removeprefix(kind) for member in members if member.startswith(kind))
    return [int(number) for number in numbers if number.isdigit()]


def _add_in_batches(client: redis.Redis, members: dict[str, float]) -> None:
    pipe, names = client.pipeline(transaction=False), list(members)
    for start in range(0, len(names), BATCH):
        pipe.zadd(KEY, {name: members[name] for name in names[start : start + BATCH]})
    pipe.execute()
