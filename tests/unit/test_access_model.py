"""Histories of changes, readers and outages, compared with a model of who may see what. Nothing runs beside the test.

The real parts are the database, permissions, tokens, revocations, the event log and the fragment caches. Redis and the
cache can be down, lose their data, or ignore writes; requests of other processes may be in progress.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import fakeredis
import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.orm import Session

from hubs.actions import revocations
from hubs.actions.people import roles
from hubs.events.log import EventLog
from hubs.events.message import ReplayUnavailable, hub_channel, user_channel
from hubs.events.tokens import Tokens
from hubs.fragments.public import forget_after_commit
from hubs.fragments.store import FragmentStore
from hubs.models import Database, Hub, Page, Role, RoleName, User, Visibility, Widget
from hubs.permissions import Person, audiences, can, person
from hubs.widgets.registry import Registry

KEY = b"a key that is only good for tests"
PEOPLE = ("ada", "grace", "")
LEVELS = list(Visibility)
#: Seconds after which access must have ended, and the longest request of another process that is in progress.
PROMISED, REQUEST = 5.0, 1.0
#: What fails while a change is committed.
FAILING = st.sampled_from(["", "", "cache", "redis"])
#: What happens just before a change: visitors read all widgets, or all of them are pushed.
BEFORE = st.sampled_from(["", "visits", "pushes"])


class Memory:
    """A cache with a clock that a test advances. While it is broken, it ignores everything, as memcached's client."""

    def __init__(self) -> None:
        self.now, self.is_broken = 0.0, False
        self.entries: dict[str, tuple[bytes, float]] = {}

    def get(self, key: str) -> bytes | None:
        value, until = self.entries.get(key, (None, 0.0))
        return value if until > self.now and not self.is_broken else None

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        return {key: value for key in keys if (value := self.get(key)) is not None}

    def set(self, key: str, value: bytes, ttl: int) -> bool:
        if not self.is_broken:
            self.entries[key] = value, self.now + ttl
        return not self.is_broken

    def add(self, key: str, value: bytes, ttl: int) -> bool | None:
        if self.is_broken:
            return None
        return self.get(key) is None and self.set(key, value, ttl)

    def delete(self, *keys: str) -> bool:
        if not self.is_broken:
            for key in keys:
                self.entries.pop(key, None)
        return not self.is_broken

    def close(self) -> None:
        pass


class World:
    """What all histories share: a database with two people, and their hubs added to it one after another."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self.database, self.memory = database, Memory()
        self.server = fakeredis.FakeServer()
        self.events = EventLog("redis://127.0.0.1:1/0", length=6)
        self.events._client, self.events._pid = fakeredis.FakeRedis(server=self.server), os.getpid()
        self.fragments = FragmentStore(registry, self.memory, KEY, 3600)
        self.tokens = Tokens(KEY, 3600)
        revocations.revoke_after_commit(database, self.events)
        forget_after_commit(database, self.fragments.public)
        with database.transaction() as session:
            users = {name: roles.sign_up(session, registry, name) for name in PEOPLE if name}
            session.flush()
            self.ids = {name: user.id for name, user in users.items()}
        self.count = 0

    def reset(self) -> None:
        """Forget outages and data of the previous history."""
        self.server.connected = True
        self.events.client.flushall()
        self.events._pending_resets.clear()
        self.memory.__init__()  # type: ignore[misc]
        with self.database.transaction() as session:
            revocations.purge(session)
            session.query(revocations.Revocation).delete()
            session.query(Role).filter(Role.hub_id.in_(session.query(Hub.id).filter(Hub.kind == "team"))).delete()


class Histories(RuleBasedStateMachine):
    """One history on a hub of its own with two notes and a further page; ``rank`` models who may see what."""

    world: World
    requests = Bundle("requests")

    @initialize()
    def create(self) -> None:
        world = self.world
        world.reset()
        world.count += 1
        with world.database.transaction() as session:
            hub = Hub(kind="team", name=f"hub{world.count}", version=1, extras={})
            hub.widgets = [
                Widget(plugin="sticky", side="left", position=place, settings={"text": "n=0"}, version=1)
                for place in range(2)
            ]
            hub.pages = [Page(slug="start", title="Start")]
            session.add(hub)
            session.flush()
            self.hub, self.widgets = hub.id, [row.id for row in hub.widgets]
            self.page = hub.pages[0].id
            session.add(Role(hub_id=self.hub, user_id=world.ids["ada"], role=RoleName.MEMBER))
        self.ranks = {"ada": 2, "grace": 1, "": 0}
        self.hub_level, self.levels = 0, dict.fromkeys(self.widgets, 0)
        self.page_level, self.is_on_page = 0, dict.fromkeys(self.widgets, False)
        self.texts = dict.fromkeys(self.widgets, 0)
        #: Since when visitors may not see a widget.
        self.hidden_at: dict[int, float] = {}
        #: Whose page, and its token.
        self.readers: list[tuple[str, str]] = []
        #: The oldest cursor of each epoch: the strictest test of what the log still contains.
        self.cursors = [world.events.cursor()]
        for name in PEOPLE:
            self.open_page(name)

    # Changes: something may come just before them, and the cache or Redis may fail at that moment

    @contextlib.contextmanager
    def _change(self, before: str, failing: str) -> Iterator[Session]:
        world = self.world
        for number in range(len(self.widgets)) if before else ():
            self.visit(number) if before == "visits" else self.push(number)
        working = world.memory.is_broken, world.server.connected
        world.memory.is_broken |= failing == "cache"
        world.server.connected &= failing != "redis"
        try:
            with world.database.transaction() as session:
                yield session
        finally:
            world.memory.is_broken, world.server.connected = working

    @rule(
        name=st.sampled_from(PEOPLE[:2]),
        role=st.sampled_from([None, RoleName.MEMBER, RoleName.OWNER]),
        before=BEFORE,
        failing=FAILING,
    )
    def change_role(self, name: str, role: RoleName | None, before: str, failing: str) -> None:
        with self._change(before, failing) as session:
            for row in session.query(Role).filter_by(hub_id=self.hub, user_id=self.world.ids[name]):
                session.delete(row)
            session.flush()
            if role is not None:
                session.add(Role(hub_id=self.hub, user_id=self.world.ids[name], role=role))
        self.ranks[name] = {None: 1, RoleName.MEMBER: 2, RoleName.OWNER: 3}[role]

    @rule(level=st.sampled_from(LEVELS), before=BEFORE, failing=FAILING)
    def change_hub(self, level: Visibility, before: str, failing: str) -> None:
        with self._change(before, failing) as session:
            session.get_one(Hub, self.hub).visibility = level
        self.hub_level = LEVELS.index(level)
        self._note_hidden()

    @rule(number=st.integers(0, 1), level=st.sampled_from(LEVELS), before=BEFORE, failing=FAILING)
    def change_widget(self, number: int, level: Visibility, before: str, failing: str) -> None:
        with self._change(before, failing) as session:
            row = session.get_one(Widget, self.widgets[number])
            row.visibility, row.version = level, row.version + 1
        self.levels[self.widgets[number]] = LEVELS.index(level)
        self._note_hidden()

    @rule(level=st.sampled_from(LEVELS), before=BEFORE, failing=FAILING)
    def change_page(self, level: Visibility, before: str, failing: str) -> None:
        with self._change(before, failing) as session:
            session.get_one(Page, self.page).visibility = level
        self.page_level = LEVELS.index(level)
        self._note_hidden()

    @rule(number=st.integers(0, 1), is_on_page=st.booleans(), before=BEFORE, failing=FAILING)
    def move(self, number: int, is_on_page: bool, before: str, failing: str) -> None:
        with self._change(before, failing) as session:
            row = session.get_one(Widget, self.widgets[number])
            row.page = session.get_one(Page, self.page) if is_on_page else None
        self.is_on_page[self.widgets[number]] = is_on_page
        self._note_hidden()

    @rule(number=st.integers(0, 1), before=BEFORE, failing=FAILING)
    def edit(self, number: int, before: str, failing: str) -> None:
        widget = self.widgets[number]
        self.texts[widget] += 1
        with self._change(before, failing) as session:
            row = session.get_one(Widget, widget)
            row.settings, row.version = {"text": f"n={self.texts[widget]}"}, row.version + 1

    @rule(number=st.integers(0, 1))
    def push(self, number: int) -> None:
        with self.world.database.session() as session:
            row = session.get_one(Widget, self.widgets[number])
            self.world.events.publish(hub_channel(self.hub, row.audience, "en"), "widget", {"widget": row.id})

    # Outages

    @rule(is_up=st.booleans())
    def switch_redis(self, is_up: bool) -> None:
        self.world.server.connected = is_up

    @rule()
    def lose_redis_data(self) -> None:
        is_up, self.world.server.connected = self.world.server.connected, True
        self.world.events.client.flushall()
        self.world.server.connected = is_up

    @rule(is_broken=st.booleans())
    def switch_cache(self, is_broken: bool) -> None:
        self.world.memory.is_broken = is_broken

    @rule(seconds=st.sampled_from([0.5, 2.0, 6.0]))
    def wait(self, seconds: float) -> None:
        self.world.memory.now += seconds

    # Readers

    @rule(name=st.sampled_from(PEOPLE))
    def open_page(self, name: str) -> None:
        world = self.world
        with world.database.session() as session:
            who, hub = self._person(session, name), session.get_one(Hub, self.hub)
            issued = time.time()
            if not can(who, "view", hub):
                return
            channels = [hub_channel(self.hub, level, "en") for level in audiences(who, hub)]
        channels += [user_channel(world.ids[name])] if name else []
        self.readers.append((name, world.tokens.mint(channels, issued=issued)))
        cursor = world.events.cursor()
        if cursor and cursor.partition("-")[0] != self.cursors[-1].partition("-")[0]:
            self.cursors.append(cursor)

    @rule(name=st.sampled_from(PEOPLE))
    def a_new_token_is_accepted(self, name: str) -> None:
        if not self.world.server.connected or self.ranks[name] < self.hub_level:
            return
        self._confirm()
        time.sleep(0.002)  # tokens and revocations of the same millisecond count as revoked
        self.open_page(name)
        _, token = self.readers[-1]
        assert not self.world.events.is_revoked(self.world.tokens.read(token))

    @rule()
    def readers_get_only_what_they_may_see(self) -> None:
        """Check what old tokens still give, once the daemon has repeated what Redis did not confirm."""
        if self.world.server.connected:
            self._confirm()
            for name, token in self.readers:
                self._check(name, token)

    def _check(self, name: str, token: str) -> None:
        claims = self.world.tokens.read(token)
        if self.world.events.is_revoked(claims):
            return
        allowed = {hub_channel(self.hub, level, "en") for level in LEVELS[: self.ranks[name] + 1]}
        assert {channel for channel in claims.channels if channel.startswith("hub:")} <= allowed
        assert self.ranks[name] >= self.hub_level
        for cursor in self.cursors:
            try:
                events = self.world.events.since(claims.channels, cursor)
            except ReplayUnavailable:
                continue
            for event in events:
                if event.type == "widget":
                    (widget,) = map(int, re.findall(r'"widget":(\d+)', event.data))
                    assert self._may_see(name, widget), f"{name or 'a visitor'} was sent widget {widget}"

    # Fragments

    @rule(name=st.sampled_from(PEOPLE), number=st.integers(0, 1))
    def read_fragment(self, name: str, number: int) -> None:
        widget = self.widgets[number]
        with self.world.database.session() as session:
            row = session.get_one(Widget, widget)
            is_visible = can(self._person(session, name), "view", row)
            assert is_visible == self._may_see(name, widget)
            if is_visible:
                fragment = self.world.fragments.read(row) or self.world.fragments.build(row)
                assert f"n={self.texts[widget]}" in fragment.html

    @rule(target=requests, number=st.integers(0, 1))
    def begin_request(self, number: int) -> Any:
        """Begin a request of a visitor in another process: it has read the row, and stores its response later."""
        widget = self.widgets[number]
        generation = self.world.fragments.public.generation(widget)
        with self.world.database.session() as session:
            row = session.get_one(Widget, widget)
            if not can(self._person(session, ""), "view", row):
                return multiple()
            response = self.world.fragments.public.encode(widget, "en", self.world.fragments.make(row).public())
        return widget, generation, response, self.world.memory.now + REQUEST

    @rule(request=requests)
    def finish_request(self, request: Any) -> None:
        widget, generation, response, until = request
        if self.world.memory.now <= until:
            self.world.fragments.public.store(widget, "en", response, generation)

    @rule(number=st.integers(0, 1))
    def visit(self, number: int) -> None:
        """Begin and finish a request of a visitor."""
        request = self.begin_request(number)
        if isinstance(request, tuple):
            self.finish_request(request)

    @invariant()
    def nginx_serves_nothing_that_was_hidden_long_ago(self) -> None:
        """Read the entries that nginx serves without asking the application."""
        for widget, hidden_at in getattr(self, "hidden_at", {}).items():
            if self.world.memory.now - hidden_at > PROMISED:
                assert self.world.fragments.public.read(widget, "en") is None

    def teardown(self) -> None:
        """Let everything work again, and check once more."""
        self.world.server.connected = True
        self.world.memory.is_broken = False
        if hasattr(self, "readers"):
            self._confirm()
            for name in PEOPLE:
                self.open_page(name)
            self.readers_get_only_what_they_may_see()
            for seconds in (0.0, PROMISED + 0.1):
                self.world.memory.now += seconds
                self.nginx_serves_nothing_that_was_hidden_long_ago()

    # The model

    def _may_see(self, name: str, widget: int) -> bool:
        of_page = self.page_level if self.is_on_page[widget] else 0
        return self.ranks[name] >= max(self.hub_level, self.levels[widget], of_page)

    def _note_hidden(self) -> None:
        for widget in self.widgets:
            if self._may_see("", widget):
                self.hidden_at.pop(widget, None)
            else:
                self.hidden_at.setdefault(widget, self.world.memory.now)

    def _confirm(self) -> None:
        """Do what the daemon does each second; Redis is up."""
        world = self.world
        try:
            if not world.events.revocations.is_complete():
                revocations.restore(world.database, world.events)
        except redis.RedisError as error:
            raise AssertionError("Redis is up") from error
        while revocations.confirm_pending(world.database, world.events):
            pass

    def _person(self, session: Session, name: str) -> Person:
        if not name:
            return Person()
        user = session.get_one(User, self.world.ids[name])
        return person(user.id, name, user.roles)


@pytest.fixture
def world(database: Database, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(revocations, "PATIENCE", timedelta(0))
    return World(database, registry)


def run(world: World, count: int) -> None:
    """Run ``count`` histories."""
    machine = type("AccessModel", (Histories,), {"world": world})
    limits = settings(
        max_examples=count,
        stateful_step_count=20,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=(Phase.generate, Phase.shrink),
    )
    run_state_machine_as_test(machine, settings=limits)


def test_no_history_shows_content_that_is_hidden_from_the_person(world: World) -> None:
    run(world, 60)


@pytest.mark.slow
def test_ten_thousand_histories(world: World) -> None:
    run(world, 10_000)
