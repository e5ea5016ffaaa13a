"""Connections to Redis, which detect that its data was lost or replaced.

The epoch identifies one history of the data. A Redis process that was started later than the data was written has
loaded it from a dump, which may lack the newest part, so it gets a new epoch; so does one whose data was deleted. No
state outside Redis is needed: the data name the process that wrote them, and every new connection compares.
"""

import secrets

import redis

EPOCH, LAST = "hubs:epoch", "hubs:last"
_SERVER = "hubs:server"
#: Seconds for which a command waits for its reply, and for a connection.
TIMEOUT, CONNECT_TIMEOUT = 2.0, 0.5

# KEYS: server, epoch. ARGV: the run id of the process, a fresh epoch.
_ADOPT = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
return 1
"""


class _Pool(redis.ConnectionPool):
    """A pool that gives up all idle connections when one fails: each that is half-open would cost another timeout."""

    def release(self, connection: redis.Connection) -> None:  # type: ignore[override]
        if not connection.is_connected:
            self.disconnect(inuse_connections=False)
        super().release(connection)


def connect(url: str) -> redis.Redis:
    """Return a client for the Redis at ``url``; it connects on first use."""
    pool = _Pool.from_url(
        url, socket_timeout=TIMEOUT, socket_connect_timeout=CONNECT_TIMEOUT, redis_connect_func=_greet
    )
    return redis.Redis.from_pool(pool)


def _greet(connection: redis.Connection) -> None:
    """Set up a new connection, and change the epoch if another process wrote the data."""
    connection.on_connect()  # type: ignore[no-untyped-call]
    try:
        info = _execute(connection, "INFO", "server")
    except redis.ResponseError:  # the embedded server has no INFO, but no dump either: after a restart it has no epoch
        return
    lines = (info if isinstance(info, bytes) else str(info).encode()).splitlines()
    fields = dict(line.partition(b":")[::2] for line in lines)
    if run_id := fields.get(b"run_id"):
        _execute(connection, "EVAL", _ADOPT, 2, _SERVER, EPOCH, run_id, secrets.token_hex(4))


def _execute(connection: redis.Connection, *command: str | bytes | int) -> object:
    connection.send_command(*command)  # type: ignore[no-untyped-call]
    return connection.read_response()
