"""Redis' copy of the revocations, by which tokens are refused, and the command that ends streams.

The database has all revocations (`hubs.actions.revocations`). The copy is complete while it is marked with the epoch of
the data: after a loss it must be restored from the database before any token is accepted.
"""

import json
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import redis

from hubs.events.connection import EPOCH
from hubs.events.tokens import StreamClaims

CONTROL = "hubs:control"
_COMPLETE = "hubs:revocations"
#: Scopes in one call, so that Redis is not held up for more than a few milliseconds.
BATCH = 500

# KEYS: one per scope. ARGV: for each its time, and the milliseconds for which it is kept. The newest time stays.
_REVOKE = """
for number, key in ipairs(KEYS) do
  local known = redis.call('GET', key)
  if not known or tonumber(known) < tonumber(ARGV[2 * number - 1]) then
    redis.call('SET', key, ARGV[2 * number - 1], 'PX', ARGV[2 * number])
  end
end
return #KEYS
"""

# KEYS: epoch. ARGV: fresh epoch.
_CURRENT = """
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch)
end
return epoch
"""

# KEYS: epoch, mark. ARGV: the epoch from before the database was read.
_MARK = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[2], ARGV[1]) end
return 1
"""


class Incomplete(redis.RedisError):
    """Redis lost revocations, and they could not be restored."""


class RevocationCopy:
    """The copy in the Redis of ``client``; revocations are kept for ``ttl`` seconds, the lifetime of a token."""

    def __init__(self, client: Callable[[], redis.Redis], ttl: int) -> None:
        self._client, self._ttl = client, ttl
        self._restoring = threading.Lock()
        #: How often `doubt` was called, and how many of these calls a restore has answered.
        self._doubts = self._settled = 0
        #: Restores the copy from the database after a loss; None where there is no database (tests, benchmarks).
        self.restore: Callable[[], None] | None = None

    def revoke(self, scopes: Sequence[str], moment: float) -> None:
        """Refuse the tokens of ``scopes`` that were issued until ``moment``, and end their streams.

        :raises redis.RedisError: when Redis did not confirm it.
        """
        self.write(dict.fromkeys(scopes, (moment, float(self._ttl))))
        for start in range(0, len(scopes), BATCH):
            command = json.dumps({"revoked": scopes[start : start + BATCH], "moment": moment})
            self._client().publish(CONTROL, command)

    def write(self, revocations: Mapping[str, tuple[float, float]]) -> None:
        """Write revocations, by scope: the moment, and the seconds for which it must be kept.

        :raises redis.RedisError: when Redis is unavailable.
        """
        scopes = list(revocations)
        for start in range(0, len(scopes), BATCH):
            batch = scopes[start : start + BATCH]
            keys = [_key(scope) for scope in batch]
            values: list[str | int] = []
            for scope in batch:
                moment, seconds = revocations[scope]
                values += [repr(moment), max(1, int(seconds * 1000))]
            self._client().eval(_REVOKE, len(keys), *keys, *values)

    def epoch(self) -> str:
        """Return the epoch of the data.

        :raises redis.RedisError: when Redis is unavailable.
        """
        return cast("bytes", self._client().eval(_CURRENT, 1, EPOCH, secrets.token_hex(4))).decode()

    def is_complete(self) -> bool:
        """Return whether the copy has every revocation that the database had when the data were last lost.

        :raises redis.RedisError: when Redis is unavailable.
        """
        epoch, mark = cast("list[bytes | None]", self._client().mget([EPOCH, _COMPLETE]))
        return epoch is not None and epoch == mark

    def mark_complete(self, epoch: str) -> None:
        """Mark the copy as complete, unless the data were lost again since ``epoch`` was read.

        :raises redis.RedisError: when Redis is unavailable.
        """
        self._client().eval(_MARK, 2, EPOCH, _COMPLETE, epoch)

    def doubt(self) -> None:
        """Restore the copy before the next token is accepted: Redis was unavailable, and revocations wait meanwhile.

        The daemon sends those that wait within about a second. Until then, tokens must not be accepted that they end.
        """
        self._doubts += 1

    @property
    def _is_in_doubt(self) -> bool:
        return self._settled != self._doubts

    def are_revoked(self, claims: Sequence[StreamClaims]) -> list[bool]:
        """Return for each of ``claims`` whether one of its scopes was revoked since it was issued, in one round trip.

        :raises redis.RedisError: when Redis is unavailable, or lost revocations that cannot be restored now.
        """
        scopes = list(dict.fromkeys(scope for claim in claims for scope in claim.scopes))
        was_in_doubt = self._is_in_doubt  # another reader may restore the copy just after these values were read
        epoch, mark, *values = self._read(scopes)
        if self.restore is not None and (was_in_doubt or self._is_in_doubt or epoch is None or epoch != mark):
            with self._restoring:  # thousands of readers reconnect after a loss: the first one restores the copy
                doubts = self._doubts
                if self._is_in_doubt or not self.is_complete():
                    self.restore()
                    self._settled = doubts
            epoch, mark, *values = self._read(scopes)
            if epoch is None or epoch != mark:
                raise Incomplete("the revocations are not restored yet")
        moments = {scope: float(value) for scope, value in zip(scopes, values, strict=True) if value is not None}
        return [any(claim.issued <= moments.get(scope, -1.0) for scope in claim.scopes) for claim in claims]

    def _read(self, scopes: Iterable[str]) -> list[bytes | None]:
        return cast("list[bytes | None]", self._client().mget([EPOCH, _COMPLETE, *map(_key, scopes)]))


def _key(scope: str) -> str:
    return f"hubs:revoked:{scope}"
