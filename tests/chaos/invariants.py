"""What must be true: during the faults (access), after each of them (recovery), and at the end (content)."""

import contextlib
import threading
import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from hubs.cache import NullCache
from hubs.clients.all import Clients
from hubs.fragments.store import FragmentStore
from hubs.models import Hub, Widget
from hubs.widgets.registry import Registry
from tests.chaos.community import GUEST, PEOPLE, Community, Web
from tests.chaos.reader import Reader, attribute, frames, number_in
from tests.chaos.system import System

#: Seconds after which access must have ended.
PROMISED = 5.0
#: Seconds that messages and pages get to become complete after the last fault.
SETTLED = 180.0


class AccessWatch(threading.Thread):
    """Looks for content that is still visible `PROMISED` seconds after access to it was acknowledged to have ended."""

    def __init__(self, community: Community) -> None:
        super().__init__(name="access", daemon=True)
        self._community, self._stopping = community, threading.Event()
        url = community.system.stack.url
        self._visitor, self._guest = Web(url), Web(url).sign_in(GUEST)
        self.violations: list[str] = []
        self.checks = 0

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def forbidden_since(self, name: str) -> float | None:
        """Return when access ended by which no one of ``name`` (member, public) may see anything now, else None."""
        fact = self._community.facts[name]
        at = fact.at
        return at if fact.value is False and time.monotonic() - at > PROMISED else None

    def run(self) -> None:
        """Request pages that must be hidden, in turn."""
        notes = self._community.notes
        targets = [
            ("public", self._visitor, path)
            for path in ("/t/beta/", f"/w/{notes['beta']}/fragment?lang=en", "/api/v1/hubs/t/beta")
        ] + [
            ("member", self._guest, path)
            for path in ("/t/gamma/", f"/w/{notes['gamma']}/fragment?lang=en", "/t/gamma/stream")
        ]
        while not self._stopping.wait(0.2):
            for name, web, path in targets:
                since = self.forbidden_since(name)
                status, _ = web.get(path, timeout=5)
                # The change back may have been made meanwhile.
                if since is not None and self.forbidden_since(name) == since:
                    self.checks += 1
                    if status == 200:
                        self.violations.append(f"{path} was visible {time.monotonic() - since:.1f} s after the change")


def wait_recovered(community: Community, readers: list[Reader], timeout: float) -> float | None:
    """Return the seconds until a change and a message take effect everywhere again; None if they do not in time."""
    start = time.monotonic()
    end = start + timeout
    web, note = Web(community.system.stack.url), community.notes["alpha"]
    goal: int | None = None
    ids: list[str] = []
    while time.monotonic() < end:
        if goal is None and community.write():
            goal = int(community.facts["note alpha"].value or 0) or None
            ids = community.say()
        if goal is not None and _is_current(community, web, readers, note, goal, ids):
            return time.monotonic() - start
        if goal is not None and _is_overwritten(community, note, goal):
            goal = None
        time.sleep(0.1)
    return None


def _is_overwritten(community: Community, note: int, goal: int) -> bool:
    """Return whether an older change replaced ours: its request had waited for the repair, and was handled later."""
    with contextlib.suppress(Exception):  # the database may still be down
        settings = community.system.sql("select settings from widgets where id = :id", id=note)[0][0]
        return (number_in(str(settings)) or 0) < goal
    return False


def _is_current(community: Community, web: Web, readers: list[Reader], note: int, goal: int, ids: list[str]) -> bool:
    with contextlib.suppress(Exception):  # the database may still be down
        if community.system.stored(ids) < len(ids):
            return False
        status, text = web.get(f"/w/{note}/fragment?lang=en", timeout=3)
        if status != 200 or (number_in(text) or 0) < goal:
            return False
        return all(reader.is_live and reader.numbers.get(note, 0) >= goal for reader in readers if reader.is_alive())
    return False


def check(community: Community, readers: list[Reader], timeout: float = SETTLED) -> list[str]:
    """Return what is wrong when everything had time to settle.

    This asks whether, not when: on a busy machine the backlog of a long outage takes minutes.
    """
    problems: list[str] = []
    ids = list(community.published)
    stored = community.system.wait_stored(ids, timeout)
    if stored != len(set(ids)):
        problems.append(f"{len(set(ids)) - stored} of {len(ids)} messages are lost")
    doubled = community.system.sql("select msg_id from messages group by msg_id having count(*) > 1")
    if doubled:
        problems.append(f"{len(doubled)} messages are stored twice")
    problems += _eventually(lambda: _outbox(community.system), timeout)
    problems += _facts(community)
    problems += _eventually(lambda: _pages(community), timeout)
    for reader in readers:
        problems += reader.violations
    return problems


def _eventually(find: Callable[[], list[str]], timeout: float) -> list[str]:
    """Return the problems that remain after some time."""
    end = time.monotonic() + timeout
    problems = find()
    while problems and time.monotonic() < end:
        time.sleep(1)
        problems = find()
    return problems


def _outbox(system: System) -> list[str]:
    rows = system.sql("select topic from outbox where handled_at is null")
    return [f"{len(rows)} changes are not handled, such as {rows[0][0]}"] if rows else []


def _facts(community: Community) -> list[str]:
    """Compare the database with every acknowledged change."""
    problems, system = [], community.system
    for hub, note in community.notes.items():
        settings = system.sql("select settings from widgets where id = :id", id=note)[0][0]
        number = number_in(str(settings))
        if number not in community.facts[f"note {hub}"].possible:
            problems.append(f"the note of {hub} has n={number}, not {community.facts[f'note {hub}'].possible}")
    query = """select count(*) from roles join users on users.id = roles.user_id
               where hub_id = :hub and username = :name and role = 'member'"""
    is_member = system.sql(query, hub=community.hubs["gamma"], name=GUEST)[0][0] != 0
    visibility = system.sql("select visibility from hubs where id = :id", id=community.hubs["beta"])[0][0]
    for name, actual in (("member", is_member), ("public", visibility == "public")):
        if actual not in community.facts[name].possible:
            problems.append(f"{name} is {actual}, against what was acknowledged")
    return problems


def _pages(community: Community) -> list[str]:
    """Compare what pages show with what a fresh build returns."""
    expected = _fresh(community.system)
    web = Web(community.system.stack.url).sign_in("owner")
    problems = []
    for path in [f"/t/{hub}/" for hub in community.hubs] + [f"/u/{name}/" for name in PEOPLE[:4]]:
        status, page = web.get(path)
        if status != 200:
            problems.append(f"{path} returns {status}")
        for widget, (attributes, _) in frames(page).items():
            digest = attribute(attributes, "digest")
            if digest and widget in expected and digest != expected[widget]:
                problems.append(f"widget {widget} on {path} is not up to date")
    return problems


def _fresh(system: System) -> dict[int, str]:
    """Return the digests of fresh builds, of widgets whose content depends on our own database only."""
    settings, cache = system.stack.settings, NullCache()
    registry = Registry(settings.widgets, settings.key())
    database = system.stack.database()
    fragments = FragmentStore(
        registry, cache, settings.key(), settings.fragment_ttl, settings.build_timeout, Clients(settings, cache)
    )
    digests: dict[int, str] = {}
    with database.session() as session:
        for row in session.scalars(select(Widget).join(Hub).options(joinedload(Widget.hub))):
            kind = registry.get(row.plugin)
            if kind is None or not kind.is_quick:
                continue
            first, second = fragments.make(row, "en", ()), fragments.make(row, "en", ())
            if first.digest == second.digest:  # content with the current time always differs
                digests[row.id] = first.digest
    database.dispose()
    return digests
