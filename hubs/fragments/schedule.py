"""The build schedule: a Redis sorted set of widget ids by due time; survives restarts of all our processes.

A widget has up to three entries: *requested* (by a viewer's process that saw expired content, or after a failure),
*timed* (its content depends on the time), and *touched* by a message. The last is added just before the message is
committed and removed once the widget is built, so a daemon killed in between leaves it to the others. Entries that are
taken stay in the set with a later time, a lease: if the process that took them dies, they become due again. No method
raises while Redis is unavailable; the return value says so.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

import redis

log = logging.getLogger(__name__)

KEY = "hubs:due"
#: Widgets per call, so that no call blocks Redis for more than a few milliseconds.
BATCH = 500
#: Seconds after which a touched widget is due, unless it has been built by then.
TOUCHED = 10.0
#: Seconds without further tries after Redis did not answer: message batches must not wait for its timeout each time.
REST = 5.0
_TIMED, _TOUCHED = "t", "m"

# KEYS: the set. ARGV: now, end of the lease, most members.
_TAKE = """
local members = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, member in ipairs(members) do
  redis.call('ZADD', KEYS[1], ARGV[2], member)
end
return members
"""

# KEYS: the set. ARGV: the member, its time. A widget that was touched again has another time and stays.
_BUILT = """
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) == tonumber(ARGV[2]) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0
"""

# KEYS: the set. ARGV: the member, now. A lease lies in the future; a request made since then does not, and stays.
_DONE = """
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) > tonumber(ARGV[2]) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0
"""


@dataclass(frozen=True, slots=True)
class DueBatch:
    """Widgets that are due now: requested ones, and those whose time-dependent content has expired."""

    requested: list[int]
    timed: list[int]


class BuildSchedule:
    """Schedules builds in Redis; ``client`` returns a connection. Times are Unix timestamps."""

    def __init__(self, client: Callable[[], redis.Redis], clock: Callable[[], float] = time.time) -> None:
        self._client, self._clock = client, clock
        self._rest_until = 0.0

    def request(self, widgets: Iterable[int], when: float | None = None) -> bool:
        """Request builds at ``when`` (default: now); an earlier request stands. False if Redis is unavailable."""
        at = self._clock() if when is None else when
        requests = {str(widget): at for widget in widgets}
        return self._try(lambda client: client.zadd(KEY, requests, lt=True)) if requests else True

    def reschedule(self, widget: int, when: float) -> bool:
        """Move the next build to ``when``, replacing earlier requests."""
        return self._try(lambda client: client.zadd(KEY, {str(widget): when}))

    def timed(self, widget: int, when: float) -> bool:
        """Schedule the build that replaces time-dependent content when it expires."""
        return self._try(lambda client: client.zadd(KEY, {f"{_TIMED}{widget}": when}))

    def mark_pending(self, widgets: Iterable[int]) -> bool:
        """Mark widgets as touched by a message, before it is committed: they become due unless they are built soon.

        False if Redis is unavailable; then the marks are lost if this process is killed before the widgets are built.
        """
        now = self._clock()
        members = {f"{_TOUCHED}{widget}": now + TOUCHED for widget in widgets}
        if not members or now < self._rest_until:
            return not members
        stored = self._try(lambda client: _add_in_batches(client, members))
        self._rest_until = 0.0 if stored else self._clock() + REST
        return stored

    def touched(self, widget: int) -> float:
        """Return the current pending mark of a widget. Pass it to `complete`, which keeps marks that were set later."""
        scores: list[float | None] = [None]
        self._try(lambda client: scores.append(client.zscore(KEY, f"{_TOUCHED}{widget}")))
        return scores[-1] or 0.0

    def take(self, lease: float, most: int = BATCH) -> DueBatch:
        """Lease the widgets that are due for ``lease`` seconds; none while Redis is unavailable."""
        now = self._clock()
        try:
            entries = cast("list[bytes]", self._client().eval(_TAKE, 1, KEY, now, now + lease, most))
        except redis.RedisError as error:
            log.warning("the build schedule cannot be read, Redis does not answer: %s", error)
            return DueBatch([], [])
        members = [entry.decode() for entry in entries]
        # A widget that was both requested and touched needs one build.
        requested = dict.fromkeys(_of_kind("", members) + _of_kind(_TOUCHED, members))
        return DueBatch(list(requested), _of_kind(_TIMED, members))

    def complete(self, widget: int, touched: float = 0.0) -> bool:
        """Remove the entries of a widget that was built; requests and touches made since the build began stay."""
        return self._built(widget, touched) and self._try(
            lambda client: client.eval(_DONE, 1, KEY, str(widget), self._clock())
        )

    def finish(self, widget: int, when: float, *, failed: bool, touched: float = 0.0) -> bool:
        """Update the schedule after a build: retry at ``when`` if it failed, else refresh then (0: never)."""
        if failed:
            return self.reschedule(widget, when) and self._built(widget, touched)
        return self.complete(widget, touched) and (not when or self.timed(widget, when))

    def drop_timed(self, widgets: Iterable[int]) -> bool:
        """Drop the timed builds of widgets without viewers."""
        members = [f"{_TIMED}{widget}" for widget in widgets]
        return self._try(lambda client: client.zrem(KEY, *members)) if members else True

    def forget(self, widget: int) -> bool:
        """Remove all entries of a deleted widget."""
        return self._try(lambda client: client.zrem(KEY, *(f"{kind}{widget}" for kind in ("", _TIMED, _TOUCHED))))

    def _built(self, widget: int, touched: float) -> bool:
        member = f"{_TOUCHED}{widget}"
        return not touched or self._try(lambda client: client.eval(_BUILT, 1, KEY, member, repr(touched)))

    def _try(self, run: Callable[[redis.Redis], object]) -> bool:
        try:
            run(self._client())
        except redis.RedisError as error:
            log.warning("the build schedule cannot be updated, Redis does not answer: %s", error)
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
