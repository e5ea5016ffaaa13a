"""Messages from anybody who can publish on the bus: no neighbour is lost, nothing is forged, no process suffers."""

import copy
import itertools
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from hubs.models import StoredMessage, Visibility
from tests.attack.cast import Team, create_team
from tests.services import wait_for
from tests.sse import Stream
from tests.stack import Bus, Stack

OURS = "org.fedoraproject.dev"
#: Topics that pretend to be ours: another prefix or environment, an unknown name, a format string.
FORGED = [
    *(
        f"{prefix}.{name}"
        for prefix in ("org.fedoraproject.stg", "org.evil.dev", "own.own.own", "org.fedoraproject.prod")
        for name in ("hubs.user.role.removed", "hubs.user.role.added", "hubs.hub.updated", "hubs.widget.updated")
    ),
    *(f"{OURS}.hubs.{tail}" for tail in ("{", "{a:>300000000}", "{a!r}", "{a.__class__}", "", "x", "user.role", "%s")),
]
#: Values that have broken parsers, databases or clocks before.
NASTY: list[Any] = [
    *(None, True, -1, 10**40, 1e308, float("nan"), [], [None], {}, {"": {"": []}}, [[[[[]]]]]),
    *("", "\0", "a\0b", "\ud800", "{", "{a:>300000000}", "%s%n", "x" * 20_000),
    *("<script>alert(1)</script>", "javascript:alert(1)", "'; DROP TABLE hubs; --"),
]


def forged(team: Team) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield topics and bodies of messages that pretend to be about a hub of ours."""
    for topic in FORGED:
        for extra in ({}, {"a": "\0"}):
            yield (
                topic,
                {
                    "hub_id": team.hub_id,
                    "hub_url": f"https://evil.example{team.path}",
                    "user": team.username("member"),
                    "agent": team.username("owner"),
                    "role": "member",
                    "widget_id": team.widgets["sticky"],
                    **extra,
                },
            )


def mutated(seed: int, count: int) -> Iterator[tuple[str, Any]]:
    """Yield messages in the shapes of other services with values replaced by nasty ones."""
    chance = random.Random(seed)
    body = {
        "agent": "ottoline",
        "issue": {"id": 1, "title": "A", "user": {"name": "ottoline"}, "comments": [{"comment": "+1"}]},
        "project": {"fullname": "tides", "full_url": "https://example.org/tides"},
        "update": {"alias": "F-1", "user": {"name": "ottoline"}, "builds": [{"nvr": "lantern-1-1"}]},
        "user": {"username": "ottoline"},
        "group": "docs",
        "bug": {"product": "Fedora", "component": "lantern", "assigned_to": "ottoline"},
    }
    topics = ["pagure.issue.new", "bodhi.update.comment", "fas.group.member.removed", "badges.badge.award"]
    topics += ["bugzilla.bug.update", "github.issues", "fedocal.meeting.new", "maubot.cookie.give.v1", "x.y"]
    for _ in range(count):
        message = copy.deepcopy(body)
        for _ in range(chance.randint(1, 3)):
            _replace(chance, message)
        yield f"{chance.choice((OURS, 'org.fedoraproject.prod', 'x'))}.{chance.choice(topics)}", message


def _replace(chance: random.Random, value: Any) -> None:
    """Replace one value somewhere inside by a nasty one."""
    while True:
        key = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
        inner = value[key]
        if not (isinstance(inner, dict | list) and inner) or chance.random() < 0.4:
            value[key] = copy.deepcopy(chance.choice(NASTY))  # what is inside may be replaced later
            return
        value = inner


def resident(pid: int) -> int:
    """Return the resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) // 1024


def stored(stack: Stack, ids: list[str]) -> int:
    """Return how many of these messages are in the database."""
    database = stack.database()
    with database.session() as session:
        count = session.scalar(select(func.count()).where(StoredMessage.msg_id.in_(ids))) or 0
    database.dispose()
    return count


def attack(stack: Stack, bus: Bus, hostile: Iterator[tuple[str, Any]]) -> int:
    """Send hostile messages between good ones; fail if a good one is lost or the daemon suffers."""
    daemon = stack.services["hub"]
    before, memory, good = daemon.process.pid, resident(daemon.process.pid), []
    count = 0
    for number, (topic, body) in enumerate(hostile):
        bus.send(topic, body, timestamp=random.choice([time.time(), 4e9, -1, 1e308]))
        count += 1
        if number % 3 == 0:
            good.append(bus.send(f"{OURS}.tests.neighbour", {"agent": "nobody", "number": number}))
        if number % 200 == 199:
            time.sleep(0.5)
    wait_for(lambda: stored(stack, good) == len(good), "all good messages to be stored", 120)
    assert daemon.process.pid == before
    assert daemon.process.poll() is None
    assert resident(daemon.process.pid) < memory + 100
    return count


def test_forged_messages_of_ours_change_nothing(production: Stack, bus: Bus, tell: Callable[[str], None]) -> None:
    team = create_team(production, f"forged-{random.randrange(10**6)}", Visibility.PUBLIC, "note")
    opened = team.client("member").get(f"{team.path}stream").json()
    token, stream = opened["token"], Stream(production.events, opened["token"], opened["cursor"])
    assert stream.status == 200
    count = attack(production, bus, forged(team))
    database = production.database()
    with database.session() as session:
        kept = session.scalars(select(StoredMessage.topic).where(StoredMessage.topic.in_(FORGED))).all()
    database.dispose()
    assert kept == []
    for role, path in itertools.product(("visitor", "member"), (team.path, f"/u/{team.username('member')}/")):
        assert "evil.example" not in team.client(role).get(f"{path}?full=1").text
    stream.socket.settimeout(1)
    assert [event.type for event in stream if event.type == "reset"] == []
    assert stream.socket.fileno() != -1, "a forged message has ended a stream"
    again = Stream(production.events, token)
    assert again.status == 200, "a forged message has revoked a stream"
    again.close()
    stream.close()
    assert team.client("member").get(f"/api/v1/hubs/t/{team.name}").json()["roles"] == ["member"]
    tell(f"{count} forged messages")


def test_mutated_messages_cost_no_neighbour(production: Stack, bus: Bus, tell: Callable[[str], None]) -> None:
    tell(f"{attack(production, bus, mutated(1, 200))} mutated messages")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 7))
def test_many_mutated_messages(production: Stack, bus: Bus, seed: int, tell: Callable[[str], None]) -> None:
    tell(f"{attack(production, bus, mutated(seed, 2000))} mutated messages")
