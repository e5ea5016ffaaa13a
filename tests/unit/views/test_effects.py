"""The same change has the same effects through every entry point: page, API, command, file, sign-in and daemon."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fakeredis import TcpFakeServer
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs import services
from hubs.actions.people import roles as role_actions
from hubs.actions.people import sign_in as sign_in_actions
from hubs.actions.people import tokens
from hubs.app import create_app
from hubs.backend import daemon as daemons
from hubs.backend.daemon import Daemon
from hubs.bus import parse
from hubs.cli import cli
from hubs.events.log import EventLog
from hubs.events.tokens import StreamClaims
from hubs.fragments import versions
from hubs.models import Database, Hub, Revocation, RoleName, now
from hubs.permissions import OPERATOR
from hubs.settings import Settings, load
from tests.services import wait_for
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import BASE, post, sign_in


class Bus:
    """Records what is published by any program."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []

    def publish(self, topic: str, body: dict[str, Any]) -> None:
        self.heard.append((topic, body))

    def connect(self) -> None:
        pass

    def close(self, timeout: float = 2.0) -> None:
        pass


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Bus:
    publisher = Bus()
    monkeypatch.setattr(services, "NullPublisher", lambda: publisher)
    return publisher


@pytest.fixture
def settings(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bus: Bus) -> Iterator[Settings]:
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    values = {
        **BASE,
        "HUBS_DATABASE_URL": str(database.url),
        "HUBS_DATA_DIR": str(tmp_path),
        "HUBS_REDIS_URL": f"redis://127.0.0.1:{server.server_address[1]}/0",
        "HUBS_TRUST_BUS": "1",
    }
    for name, value in values.items():  # the commands read them there
        monkeypatch.setenv(name, value)
    yield load(values)
    server.shutdown()
    server.server_close()


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    application = create_app(settings)
    application.testing = True
    yield application
    context = application.extensions["hubs"]
    context.database.dispose()
    context.fragments.cache.close()
    context.events.client.close()


@pytest.fixture
def docs(session: Session, team: Hub) -> Hub:
    """Return the team, managed by a group."""
    team.group_name = "otters"
    session.commit()
    return team


Remove = Callable[[], object]


def by_page(app: Flask, settings: Settings, session: Session) -> Remove:
    client = sign_in(app.test_client(), "owner")
    return lambda: post(client, "/t/otters/roles", username="member", role="member", act="take")


def by_leaving(app: Flask, settings: Settings, session: Session) -> Remove:
    client = sign_in(app.test_client(), "member")
    return lambda: post(client, "/t/otters/leave")


def by_api(app: Flask, settings: Settings, session: Session) -> Remove:
    _, text = tokens.create(session, as_person(session, "owner"), "test", 1, "write")
    session.commit()
    path, headers = "/api/v1/hubs/t/otters/roles/member/member", {"Authorization": f"Bearer {text}"}
    return lambda: app.test_client().delete(path, headers=headers)


def by_command(app: Flask, settings: Settings, session: Session) -> Remove:
    return lambda: CliRunner().invoke(cli, ["team", "sync", "otters", "-"], input="# nobody\n", catch_exceptions=False)


def by_file(app: Flask, settings: Settings, session: Session) -> Remove:
    text = CliRunner().invoke(cli, ["export", "otters"], catch_exceptions=False).output
    text = text.replace("members:\n- member\n", "members: []\n").replace("members: [member]", "members: []")
    return lambda: CliRunner().invoke(cli, ["apply", "-"], input=text, catch_exceptions=False)


def by_sign_in(app: Flask, settings: Settings, session: Session) -> Remove:
    def remove() -> None:
        context = app.extensions["hubs"]
        identity = sign_in_actions.Identity("https://id.example", "m", "member", groups=frozenset())
        with context.database.transaction() as own:
            sign_in_actions.recognise(own, context.registry, identity)

    return remove


def by_daemon(app: Flask, settings: Settings, session: Session) -> Remove:
    daemon = Daemon(settings)
    daemon._refresher.load()
    body = {"agent": "owner", "group": "otters", "user": "member"}
    topic = f"{settings.topic_prefix}.{settings.environment}.fas.group.member.remove"
    message = parse({"topic": topic, "msg": body, "msg_id": "m", "timestamp": time.time()})

    def remove() -> None:
        daemon.pipeline.handle([message])
        daemon.stop()

    return remove


ENTRY_POINTS = [by_page, by_leaving, by_api, by_command, by_file, by_sign_in, by_daemon]


@pytest.mark.parametrize("entry_point", ENTRY_POINTS, ids=lambda act: act.__name__)
def test_a_removed_member_is_published_revoked_and_purged_from_the_cache(
    app: Flask,
    settings: Settings,
    session: Session,
    docs: Hub,
    bus: Bus,
    entry_point: Callable[[Flask, Settings, Session], Remove],
) -> None:
    context = app.extensions["hubs"]
    events: EventLog = context.events
    member = user_of(session, "member")
    remove = entry_point(app, settings, session)
    bus.heard.clear()
    token = StreamClaims((f"user:{member.id}",), time.time())
    keys = [versions.key("hub", docs.id), versions.key("user", member.id)]
    before = context.fragments.public.stamps.ensure(keys, context.fragments.cache.get_many(keys))
    remove()
    session.expire_all()
    assert docs.people(RoleName.MEMBER) == []
    assert "hubs.user.role.removed" in [topic for topic, _ in bus.heard]
    assert events.is_revoked(token)
    assert [row.scope for row in session.query(Revocation).filter(Revocation.revoked_at.is_not(None))] == [
        f"user:{member.id}"
    ]
    after = context.fragments.cache.get_many(keys)
    assert all(after.get(key) != value for key, value in before.items())


def test_the_daemon_repeats_unconfirmed_events_and_restores_lost_ones(
    settings: Settings, app: Flask, session: Session, docs: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemons, "REVOCATIONS", 0.05)
    events: EventLog = app.extensions["hubs"].events
    restore, events.revocations.restore = events.revocations.restore, None  # it is the daemon that does it here
    token = StreamClaims(("user:77",), time.time() - 10)
    times = {"created_on": now() - timedelta(seconds=5), "expires_on": now() + timedelta(hours=6)}
    session.add(Revocation(scope="user:77", **times))
    session.commit()
    daemon = Daemon(settings)
    thread = threading.Thread(target=daemon._confirm_revocations)
    thread.start()
    try:
        wait_for(lambda: events.is_revoked(token), "the revocation to reach Redis")
        session.expire_all()
        wait_for(lambda: session.query(Revocation).one().revoked_at or session.rollback(), "its confirmation")
        events.client.flushall()
        assert not events.is_revoked(token)
        wait_for(lambda: events.is_revoked(token), "the revocation to be restored")
    finally:
        events.revocations.restore = restore
        daemon.stop()
        thread.join(10)
    assert not thread.is_alive()


def notices(events: EventLog, user_id: int, cursor: str) -> list[str]:
    return [event.data for event in events.since([f"user:{user_id}"], cursor) if event.type == "notice"]


@pytest.mark.parametrize("entry_point", ["page", "api"])
def test_a_request_to_join_lights_the_dot_of_the_hub_through_page_and_api(
    app: Flask, session: Session, otters: Hub, entry_point: str
) -> None:
    events: EventLog = app.extensions["hubs"].events
    cursor, owner = events.cursor(), user_of(session, "owner")
    if entry_point == "page":
        post(sign_in(app.test_client(), "stranger"), "/t/otters/join", message="hello")
    else:
        _, text = tokens.create(session, as_person(session, "stranger"), "test", 1, "write")
        session.commit()
        headers = {"Authorization": f"Bearer {text}"}
        answer = app.test_client().put("/api/v1/hubs/t/otters/roles/stranger/member", headers=headers)
        assert answer.get_json() == {"state": "requested"}
    assert notices(events, owner.id, cursor) == [f'{{"kind":"inbox","count":1,"news":0,"hubs":[{otters.id}]}}']


def test_a_rollback_has_no_effect_on_bus_streams_or_cache(
    app: Flask, session: Session, docs: Hub, bus: Bus, settings: Settings
) -> None:
    member = user_of(session, "member")
    text = CliRunner().invoke(cli, ["export", "otters"], catch_exceptions=False).output
    text = text.replace("members:\n- member\n", "members: []\n").replace("members: [member]", "members: []")
    bus.heard.clear()
    shown = CliRunner().invoke(cli, ["apply", "-", "--dry-run"], input=text, catch_exceptions=False)
    assert "1 changes would be made" in shown.output
    assert bus.heard == []
    assert session.query(Revocation).count() == 0
    assert not app.extensions["hubs"].events.is_revoked(StreamClaims((f"user:{member.id}",), time.time() - 1))


def test_a_token_is_dated_before_the_rows_are_read(
    client: FlaskClient, app: Flask, session: Session, otters: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member is removed while their page is made: the token in that page is refused."""
    context = app.extensions["hubs"]
    member, mint = sign_in(client, "member"), context.tokens.mint
    minted: list[str] = []

    def set_member(*, belongs: bool) -> None:
        with context.database.transaction() as own:
            user, hub = user_of(own, "member"), own.get_one(Hub, otters.id)
            act = role_actions.give_role if belongs else role_actions.drop_role
            assert act(own, OPERATOR, hub, user, RoleName.MEMBER)

    def mint_late(*channels: Any, **more: Any) -> str:
        set_member(belongs=False)
        minted.append(mint(*channels, **more))
        return minted[-1]

    for path in ("/t/otters/?full=1", "/t/otters/", "/t/otters/stream", "/stream/token"):
        monkeypatch.setattr(type(context.tokens), "mint", lambda self, *a, **m: mint_late(*a, **m))
        assert member.get(path).status_code == 200
        monkeypatch.undo()
        assert context.events.is_revoked(context.tokens.read(minted.pop())), path
        set_member(belongs=True)


def test_signing_out_revokes_the_stream_tokens_of_the_browser(app: Flask, session: Session, otters: Hub) -> None:
    context = app.extensions["hubs"]
    here, there = (sign_in(app.test_client(), "member") for _ in range(2))
    read = [context.tokens.read(client.get("/t/otters/stream").get_json()["token"]) for client in (here, there)]
    post(here, "/logout")
    assert context.events.revocations.are_revoked(read) == [True, False]
    post(there, "/me/sign-out")
    assert context.events.revocations.are_revoked(read) == [True, False]
    third = sign_in(app.test_client(), "member")
    post(third, "/me/sign-out")
    assert context.events.revocations.are_revoked(read) == [True, True]
    token = context.tokens.read(third.get("/stream/token").get_json()["token"])
    assert token.expires < time.time() + context.settings.token_ttl + 1
    post(third, "/me/delete", username="member")
    assert context.events.is_revoked(token)
