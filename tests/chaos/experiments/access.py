"""Access that ends while a part is broken."""

import contextlib
import threading
import time
from collections.abc import Callable

from pymemcache.client.base import Client

from hubs.fragments.public import PublicFragmentCache
from tests.chaos.community import GUEST, Community, Web
from tests.chaos.invariants import PROMISED
from tests.chaos.reader import attribute
from tests.services import HOST, wait_for
from tests.sse import Stream

GROUP = "gamma-group"


def narrow_while_memcached_stands_still(community: Community) -> list[str]:
    """Narrow a hub while memcached is frozen."""
    system = community.system
    return _narrow(community, lambda: system.freeze("memcached"), lambda: system.thaw("memcached"))


def narrow_after_memcached_stood_still(community: Community) -> list[str]:
    """Narrow a hub while the web processes still consider memcached dead, although it works again."""
    system = community.system

    def disturb() -> None:
        system.freeze("memcached")
        web = Web(system.stack.url)
        threads = [threading.Thread(target=web.get, args=("/t/alpha/",)) for _ in range(16)]
        for thread in threads:
            thread.start()
        time.sleep(2.5)
        system.thaw("memcached")
        for thread in threads:
            thread.join()

    return _narrow(community, disturb, lambda: None)


def narrow_after_reset(community: Community) -> list[str]:
    """Narrow a hub after the idle connections to memcached were reset."""
    return _narrow(community, community.system.proxies["memcached"].reset, lambda: None)


def revoked_while_redis_is_away(community: Community) -> list[str]:
    """Remove a member while Redis is down: the old token must be refused afterwards."""
    token = _guest_token(community)
    community.system.kill("redis")
    problems = _expect(community.set_member(False), "the removal was not acknowledged")
    time.sleep(3)
    community.system.start("redis")
    return problems + _refused(community, token)


def revoked_flush(community: Community) -> list[str]:
    """Remove a member, then delete everything in Redis: the old token must still be refused."""
    token = _guest_token(community)
    problems = _expect(community.set_member(False), "the removal was not acknowledged")
    problems += _refused(community, token)
    community.system.flush_redis()
    return problems + _refused(community, token)


def revoked_kill(community: Community) -> list[str]:
    """Remove a member, then kill Redis, which comes back with a dump from before the removal."""
    token, system = _guest_token(community), community.system
    client = system.redis()
    client.save()
    client.close()
    problems = _expect(community.set_member(False), "the removal was not acknowledged")
    problems += _refused(community, token)
    system.kill("redis")
    system.start("redis")
    return problems + _refused(community, token)


def removed_while_the_stream_stood_still(community: Community) -> list[str]:
    """Remove a member while the event server is frozen: what was published before must not arrive afterwards."""
    system = community.system
    with contextlib.closing(Stream(system.stack.events, _guest_token(community), timeout=PROMISED)) as stream:
        system.freeze("stream")
        for _ in range(3):
            wait_for(lambda: community.write("gamma"), "the note to be written")
            time.sleep(1.5)  # a widget is built at most once a second
        problems = _expect(community.set_member(False), "the removal was not acknowledged")
        time.sleep(PROMISED)
        system.thaw("stream")
        with contextlib.suppress(OSError, EOFError):  # nothing more comes
            for event in stream:
                if event.type == "widget":
                    problems.append("a former member was sent a widget")
    return problems


def group_removal_killed(community: Community) -> list[str]:
    """Kill the daemon as soon as it has stored that a person left a group: the membership must end all the same."""
    system = community.system
    _guest_token(community)
    with system.engine.begin() as connection:
        connection.exec_driver_sql(f"update hubs set group_name = '{GROUP}' where name = 'gamma'")
    # Slow statements widen the time between storing the message and its effects.
    system.proxies["postgresql"].delay = 0.1
    msg = {"group": {"name": GROUP}, "user": {"name": GUEST}, "agent": {"name": "owner"}}
    ids = community.say(topic="org.fedoraproject.dev.fas.group.member.remove", msg=msg)
    wait_for(lambda: system.stored(ids), "the message to be stored", 60)
    system.kill("hub")
    system.proxies["postgresql"].delay = 0.0
    system.start("hub")
    query = """select count(*) from roles join users on users.id = roles.user_id
               where hub_id = :hub and username = :name and role = 'member'"""
    end = time.monotonic() + 2 * PROMISED
    while (members := system.sql(query, hub=community.hubs["gamma"], name=GUEST)[0][0]) and time.monotonic() < end:
        time.sleep(0.2)
    with system.engine.begin() as connection:
        connection.exec_driver_sql("update hubs set group_name = '' where name = 'gamma'")
    community.facts["member"].value = False
    community.facts["member"].possible = {False}
    return ["the person is still a member"] if members else []


def _expect(condition: object, problem: str) -> list[str]:
    return [] if condition else [problem]


def _narrow(community: Community, disturb: Callable[[], None], repair: Callable[[], None]) -> list[str]:
    web, path = Web(community.system.stack.url), f"/w/{community.notes['beta']}/fragment?lang=en"
    if community.facts["public"].value is not True:
        wait_for(lambda: community.set_public(True), "the hub to be public")
    wait_for(lambda: web.get(path)[0] == 200, "the widget to be visible")
    for _ in range(12):  # in the caches of all processes
        web.get(path)
    disturb()
    is_acknowledged = community.set_public(False)
    acknowledged_at = time.monotonic()
    repair()
    visible_until = 0.0
    while (elapsed := time.monotonic() - acknowledged_at) < 3 * PROMISED:
        if web.get(path, timeout=3)[0] == 200 or _served_by_nginx(community):
            visible_until = elapsed
        time.sleep(0.2)
    problems = _expect(is_acknowledged, "the change was not acknowledged")
    if visible_until > PROMISED:
        problems.append(f"a visitor saw the widget for {visible_until:.1f} s")
    return problems


def _served_by_nginx(community: Community) -> bool:
    """Return whether memcached has the entry that nginx serves without asking the application."""
    key = PublicFragmentCache.key(community.notes["beta"], "en")
    with contextlib.closing(Client((HOST, community.system.ports["memcached"]), timeout=2, ignore_exc=True)) as client:
        return client.get(key) is not None


def _guest_token(community: Community) -> str:
    """Make the guest a member and return the token of their page."""
    if community.facts["member"].value is not True:
        wait_for(lambda: community.set_member(True), "the guest to be a member")
    stack = community.system.stack
    web = Web(stack.url).sign_in(GUEST)
    token = wait_for(lambda: attribute(web.get("/t/gamma/")[1], "token"), "the page of a member")
    # Rounded down to milliseconds, it must be newer than the revocation before.
    wait_for(lambda: _status(community, str(token)) == 200, "the token to be accepted")
    return str(token)


def _status(community: Community, token: str) -> int:
    try:
        stream = Stream(community.system.stack.events, token, timeout=5)
    except (OSError, EOFError, IndexError, ValueError):
        return 0
    stream.close()
    return stream.status


def _refused(community: Community, token: str) -> list[str]:
    """Return a problem if the token is accepted later than `PROMISED` seconds from now, or not even refused then."""
    end = time.monotonic() + PROMISED
    while _status(community, token) != 403:
        if time.monotonic() > end:
            return [f"the old token is not refused but returns {_status(community, token)}"]
        time.sleep(0.2)
    statuses = {_status(community, token) for _ in range(10)}
    return [] if 200 not in statuses else ["the old token is accepted again"]
