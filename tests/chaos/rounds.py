"""Rounds of random faults under load, from a seed."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos import invariants
from tests.chaos.community import GUEST, PEOPLE, Community
from tests.chaos.reader import Reader
from tests.chaos.system import System

#: Seconds within which everything must work again after a fault.
RECOVERY = 60.0
#: Messages and changes per second during a round.
MESSAGES, CHANGES = 10.0, 1.0


@dataclass
class Fault:
    """One fault and what it cost."""

    name: str
    #: When it began, and when everything worked again or was given up.
    start: float
    end: float
    #: Seconds from the repair until everything worked; None if it did not.
    recovery: float | None
    #: Messages published meanwhile that are not stored, or stored more than once.
    lost: int = 0
    doubled: int = 0


@dataclass
class Result:
    """The outcome of one round or more."""

    seeds: list[int] = field(default_factory=list)
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    published: int = 0
    lost: int = 0
    doubled: int = 0
    access_checks: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, other: "Result") -> None:
        """Add the figures of another round."""
        self.seeds += other.seeds
        self.faults += other.faults
        self.problems += other.problems
        for name in ("seconds", "published", "lost", "doubled", "access_checks"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Faults:
    """The faults by name. Each one ends with the repair, from which recovery is measured."""

    def __init__(self, system: System, chance: random.Random) -> None:
        self._system, self._chance = system, chance
        self.all: dict[str, Callable[[], None]] = {}
        for name in ("relay", "hub", "web", "stream", "memcached", "redis", "postgresql"):
            self.all[f"kill {name}"] = lambda name=name: self._kill(name)
        for name in ("hub", "web", "stream", "memcached", "redis", "postgresql"):
            self.all[f"freeze {name}"] = lambda name=name: self._freeze(name)
        for name in ("memcached", "redis", "postgresql"):
            self.all[f"reset {name}"] = self._system.proxies[name].reset
            self.all[f"half-open {name}"] = lambda name=name: self._swallow(name)
        self.all["flush redis"] = system.flush_redis
        self.all["flush memcached"] = system.flush_memcached
        self.all["restart hub"] = lambda: self._restart("hub")

    def _kill(self, name: str) -> None:
        self._system.kill(name)
        time.sleep(self._chance.choice((0.5, 2.0, 5.0)))
        self._system.start(name)

    def _restart(self, name: str) -> None:
        self._system.stop(name)
        self._system.start(name)

    def _freeze(self, name: str) -> None:
        self._system.freeze(name)
        time.sleep(self._chance.choice((3.0, 8.0, 15.0)))
        self._system.thaw(name)

    def _swallow(self, name: str) -> None:
        proxy = self._system.proxies[name]
        proxy.swallows = True
        time.sleep(self._chance.choice((3.0, 10.0)))
        proxy.swallows = False


class Load:
    """Messages, changes and readers during a round."""

    def __init__(self, community: Community, chance: random.Random) -> None:
        self._community, self._chance = community, chance
        self._stopping = threading.Event()
        self.watch = invariants.AccessWatch(community)
        stack = community.system.stack
        self.readers = [Reader(stack.url, stack.events, path) for path in ("/t/alpha/", "/t/alpha/", "/t/alpha/")]
        self._guest = Reader(
            stack.url, stack.events, "/t/gamma/", GUEST, lambda: self.watch.forbidden_since("member") is not None
        )
        self._threads = [threading.Thread(target=act, daemon=True) for act in (self._publish, self._change)]

    @property
    def everyone(self) -> list[Reader]:
        """All readers, including the one whose access comes and goes."""
        return [*self.readers, self._guest]

    def start(self) -> None:
        """Start all threads."""
        for thread in [*self.everyone, *self._threads, self.watch]:
            thread.start()

    def stop_changing(self) -> None:
        """End messages and changes; readers go on."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)

    def stop(self) -> None:
        """End readers and the access watch."""
        self.watch.stop()
        for reader in self.everyone:
            reader.stop()
        for thread in [*self.everyone, self.watch]:
            thread.join(20)

    def _publish(self) -> None:
        while not self._stopping.wait(1 / MESSAGES):
            self._community.say(person=self._chance.choice(PEOPLE))

    def _change(self) -> None:
        community, facts = self._community, self._community.facts
        while not self._stopping.wait(1 / CHANGES):
            act = self._chance.choice("wwwbgmp")
            if act == "m":
                community.set_member(facts["member"].value is False)
            elif act == "p":
                community.set_public(facts["public"].value is False)
            else:
                community.write({"b": "beta", "g": "gamma"}.get(act, "alpha"))


def run(system: System, community: Community, seed: int, seconds: float, say: Callable[[str], None] = print) -> Result:
    """Break parts at random for some time; return what was measured, and what is wrong afterwards."""
    chance = random.Random(seed)
    faults, load = Faults(system, chance), Load(community, random.Random(seed + 1))
    result = Result([seed])
    load.start()
    start = time.monotonic()
    if invariants.wait_recovered(community, load.readers, RECOVERY) is None:
        result.problems.append("the system did not work before the first fault")
    names: list[str] = []
    while time.monotonic() < start + seconds:
        if not names:  # each fault once before any comes again
            names = chance.sample(sorted(faults.all), len(faults.all))
        name = names.pop()
        began = time.monotonic()
        faults.all[name]()
        recovery = invariants.wait_recovered(community, load.readers, RECOVERY)
        result.faults.append(Fault(name, began, time.monotonic(), recovery))
        say(f"{name}: {'no recovery' if recovery is None else f'{recovery:.1f} s'}")
        if recovery is None:
            result.problems.append(f"no recovery from: {name}")
        time.sleep(chance.uniform(1.0, 5.0))
    load.stop_changing()
    result.problems += invariants.check(community, load.everyone)
    load.stop()
    result.problems += load.watch.violations
    result.seconds, result.access_checks = time.monotonic() - start, load.watch.checks
    _count_messages(system, community, result)
    return result


def _count_messages(system: System, community: Community, result: Result) -> None:
    """Count lost and doubled messages, in total and by the fault during which they were published."""
    stored = Counter(str(msg_id) for (msg_id,) in system.sql("select msg_id from messages"))
    result.published = len(community.published)
    for msg_id, at in community.published.items():
        lost, doubled = int(stored[msg_id] == 0), int(stored[msg_id] > 1)
        result.lost, result.doubled = result.lost + lost, result.doubled + doubled
        for fault in result.faults:
            if fault.start <= at <= fault.end:
                fault.lost, fault.doubled = fault.lost + lost, fault.doubled + doubled
