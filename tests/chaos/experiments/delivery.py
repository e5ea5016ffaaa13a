"""Messages that arrive, or do not, while a part is broken. The history service knows all of them."""

import time

from tests.chaos.community import Community

#: Seconds within which the history must have been read: two intervals, and time for the rows.
PATIENCE = 90.0


def backlog(community: Community) -> list[str]:
    """Publish more messages than the daemon queues, while PostgreSQL is frozen."""
    system = community.system
    system.freeze("postgresql")
    ids: list[str] = []
    for _ in range(130):
        ids += community.say(200)
        time.sleep(0.02)
    time.sleep(5)
    system.thaw("postgresql")
    return _all_stored(community, ids, 4 * PATIENCE)


def database_away_at_start(community: Community) -> list[str]:
    """Start the daemon while PostgreSQL is down."""
    system = community.system
    system.kill("hub")
    ids = community.say(30, rate=30)
    system.kill("postgresql")
    system.parts["hub"].restart()
    time.sleep(8)
    system.start("postgresql")
    return _all_stored(community, ids)


def history_away_at_start(community: Community) -> list[str]:
    """Start the daemon after a pause while the history service is down, on a busy bus."""
    system = community.system
    community.say(5)
    time.sleep(1)
    system.kill("hub")
    first = community.say(30, rate=30)
    system.history.is_available = False
    time.sleep(60)
    last = community.say(30, rate=30)
    system.start("hub")
    community.say(60, rate=6)
    system.history.is_available = True
    return _all_stored(community, first + last)


def history_mid(community: Community) -> list[str]:
    """Lose messages because the relay is down and their sender does not keep them."""
    system = community.system
    system.kill("relay")
    community.reconnect()
    ids = community.say(100, rate=20)
    community.reconnect()  # what ZeroMQ kept for the relay is gone
    system.start("relay")
    return _all_stored(community, ids)


def paused_flood(community: Community) -> list[str]:
    """Freeze the daemon for a minute, on a bus with hundreds of messages per second."""
    system = community.system
    system.freeze("hub")
    end = time.monotonic() + 60
    ids: list[str] = []
    while time.monotonic() < end:
        ids += community.say(20)
        time.sleep(0.08)
    system.thaw("hub")
    return _all_stored(community, ids, 3 * PATIENCE)


def _all_stored(community: Community, ids: list[str], timeout: float = PATIENCE) -> list[str]:
    stored = community.system.wait_stored(ids, timeout)
    if stored < len(ids):
        return [f"{len(ids) - stored} of {len(ids)} messages are not stored"]
    return [] if stored == len(ids) else [f"{stored - len(ids)} messages are stored twice"]
