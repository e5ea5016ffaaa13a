"""When sources were last heard: noted by daemons, read by `hubs doctor`."""

from datetime import UTC, datetime, timedelta

import fakeredis

from hubs.events import sources

THEN = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_the_latest_moment_of_several_daemons_stays() -> None:
    store = fakeredis.FakeRedis()
    assert sources.read(store) == {}
    sources.note(store, {"fedmsg": THEN, "webhook": THEN})
    sources.note(store, {"fedmsg": THEN - timedelta(minutes=1)})
    sources.note(store, {"webhook": THEN + timedelta(minutes=1)})
    sources.note(store, {})
    assert sources.read(store) == {"fedmsg": THEN, "webhook": THEN + timedelta(minutes=1)}
    assert 0 < store.ttl(sources.KEY) <= sources.LIFETIME
