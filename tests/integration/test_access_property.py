"""Whatever ends access, through whichever entry point: seconds later no stream hears what is no longer visible.

Each history has a hub with people of every kind, opens streams of every kind for them, makes some changes, and then
publishes an event on every channel of the hub. Many histories run side by side and share one wait.
"""

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import lifecycle, templates
from hubs.actions.people import roles, sign_in, tokens
from hubs.actions.people.sessions import digest_of
from hubs.app import create_app
from hubs.backend.daemon import Daemon
from hubs.bus import parse
from hubs.cli import cli
from hubs.events.message import hub_channel, user_channel
from hubs.models import Hub, RoleName, SignIn, User, Visibility, now
from hubs.permissions import OPERATOR, audiences, person
from hubs.settings import load
from tests.sse import Stream
from tests.streams import Streams, serve
from tests.unit.views.conftest import BASE

#: Seconds after which access has ended.
PROMISED = 5.0
LEVELS = [level.value for level in Visibility]
KINDS = ("owner", "second", "member", "subscriber", "stranger", "visitor")


@dataclass
class Holder:
    """A browser, whose it is, and the streams that it opened."""

    username: str
    client: FlaskClient
    digest: str = ""
    opened: list[tuple[str, str, Stream]] = field(default_factory=list)


@dataclass
class World:
    """The programs that change things, on one PostgreSQL and one Redis."""

    app: Flask
    streams: Streams
    daemon: Daemon

    @property
    def site(self) -> Any:
        return self.app.extensions["hubs"]

    def session(self) -> Session:
        session: Session = self.site.database.session()
        return session

    def command(self, *words: str, text: str = "") -> str:
        return CliRunner().invoke(cli, words, input=text, catch_exceptions=False).output


@pytest.fixture(scope="module")
def world(database_url: str, redis_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("access")
    values = {
        **BASE,
        "HUBS_DATABASE_URL": database_url,
        "HUBS_DATA_DIR": str(folder),
        "HUBS_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "HUBS_TRUST_BUS": "1",
        "HUBS_API_RATE": "100000",
    }
    with pytest.MonkeyPatch.context() as patch, serve(folder, redis_port, HUBS_DATABASE_URL=database_url) as streams:
        for name, value in values.items():  # the commands read them there
            patch.setenv(name, value)
        patch.setenv("HUBS_SECRET_KEY", streams.service.env["HUBS_SECRET_KEY"])
        settings = load({**values, "HUBS_SECRET_KEY": streams.service.env["HUBS_SECRET_KEY"]})
        app = create_app(settings)
        daemon = Daemon(settings)
        yield World(app, streams, daemon)
        daemon.stop()
        app.extensions["hubs"].database.dispose()
        app.extensions["hubs"].fragments.cache.close()
        app.extensions["hubs"].events.client.close()


class History:
    """One hub, its people, their streams, and what happens to them."""

    def __init__(self, world: World, name: str, seed: int) -> None:
        self.world, self.name, self.chance = world, name, random.Random(seed)
        self.acts: list[str] = []
        with world.session() as session:
            users = {kind: self._sign_up(session, kind) for kind in KINDS[:-1]}
            hub = templates.start(session, world.site.registry, OPERATOR, users["owner"], name, {}, "team")
            roles.give_role(session, OPERATOR, hub, users["second"], RoleName.OWNER)
            roles.give_role(session, OPERATOR, hub, users["member"], RoleName.MEMBER)
            roles.grant_role_unchecked(session, "", hub, users["subscriber"], RoleName.SUBSCRIBER)
            hub.group_name = f"group-{name}"
            session.flush()
            hub_actions.update(session, OPERATOR, hub, {"visibility": self.chance.choice(LEVELS)})
            session.commit()
            self.hub_id = hub.id
            self.ids = {kind: user.id for kind, user in users.items()}
        self.channels = [hub_channel(self.hub_id, level, "en") for level in Visibility]
        self.channels += [user_channel(number) for number in self.ids.values()]
        self.cursor = world.site.events.cursor()
        self.holders = [self._open(kind) for kind in KINDS]

    def _sign_up(self, session: Session, kind: str) -> User:
        return roles.sign_up(session, self.world.site.registry, self._username(kind))

    def _username(self, kind: str) -> str:
        return f"{self.name}-{kind}"

    def _open(self, kind: str) -> Holder:
        """Open the streams of one person: of the page, of the complete page, and of everything they follow."""
        client = self.world.app.test_client()
        holder = Holder("" if kind == "visitor" else self._username(kind), client)
        if holder.username:
            self._post(client, "/login", username=holder.username)
            with client.session_transaction() as cookie:
                holder.digest = digest_of(str(cookie["key"]))
        page = f"/t/{self.name}/"
        answers = {"page": client.get(f"{page}stream").get_json(silent=True) or {}}
        text = client.get(f"{page}?full=1").get_data(as_text=True)
        if match := re.search('data-token="([^"]+)"', text):
            answers["full"] = {"token": match[1]}
        if holder.username:
            answers["stream"] = client.get("/stream/token").get_json()
        for source, answer in answers.items():
            if answer.get("token"):
                stream = Stream(self.world.streams.url, answer["token"], self.cursor, timeout=10)
                assert stream.status == 200, (source, kind, stream.headers)
                holder.opened.append((source, answer["token"], stream))
        return holder

    def _post(self, client: FlaskClient, path: str, **fields: str) -> int:
        page = client.get("/login" if path == "/login" else "/").get_data(as_text=True)
        match = re.search('name="csrf_token" value="([^"]+)"', page)
        # A browser that an earlier change signed out has no form to send.
        return client.post(path, data={"csrf_token": match[1], **fields}).status_code if match else 401

    def holder(self, kind: str) -> Holder:
        return self.holders[KINDS.index(kind)]

    def change(self) -> None:
        """Make some changes, each through an entry point taken by chance."""
        for act in self.chance.sample(ACTS, self.chance.choice([1, 1, 2, 3])):
            self.acts.append(act.__name__)
            act(self)

    def api(self, method: str, path: str, body: Any = None) -> int:
        with self.world.session() as session:
            user = session.get_one(User, self.ids["owner"])
            _, text = tokens.create(session, person(user.id, user.username, user.roles), "test", 1, "write")
            session.commit()
        headers = {"Authorization": f"Bearer {text}"}
        client = self.world.app.test_client()
        return client.open(f"/api/v1/hubs/t/{self.name}{path}", method=method, json=body, headers=headers).status_code

    def by_page(self) -> None:
        path = f"/t/{self.name}/roles"
        self._post(self.holder("owner").client, path, username=self._username("member"), role="member", act="take")

    def demote_by_page(self) -> None:
        path = f"/t/{self.name}/roles"
        self._post(self.holder("owner").client, path, username=self._username("second"), role="owner", act="change")

    def by_api(self) -> None:
        self.api("DELETE", f"/roles/{self._username('member')}/member")

    def by_command(self) -> None:
        if self._document():  # an earlier change may have deleted the hub
            self.world.command("team", "sync", self.name, "-", text="# nobody\n")

    def by_file(self) -> None:
        document = self._document()
        if document:
            document["members"], document["owners"] = [], [self._username("owner")]
            self.world.command("apply", "-", text=yaml.safe_dump(document))

    def narrow_by_file(self) -> None:
        document = self._document()
        if document:
            document["visibility"] = self.chance.choice(LEVELS)
            self.world.command("apply", "-", text=yaml.safe_dump(document))

    def _document(self) -> Any:
        result = CliRunner().invoke(cli, ["export", self.name])
        return yaml.safe_load(result.output) if result.exit_code == 0 else None

    def by_sign_in(self) -> None:
        with self.world.session() as session:
            identity = sign_in.Identity("https://id.example", self.name, self._username("member"), groups=frozenset())
            sign_in.recognise(session, self.world.site.registry, identity)
            session.commit()

    def by_group(self) -> None:
        settings = self.world.site.settings
        topic = f"{settings.topic_prefix}.{settings.environment}.fas.group.member.remove"
        body = {"agent": "x", "group": f"group-{self.name}", "user": self._username("member")}
        envelope = {"topic": topic, "msg": body, "msg_id": f"remove-{self.name}", "timestamp": time.time()}
        self.world.daemon.pipeline.handle([parse(envelope)])

    def by_leaving(self) -> None:
        self._post(self.holder("member").client, f"/t/{self.name}/leave")

    def by_deletion(self) -> None:
        kind = self.chance.choice(["second", "member", "subscriber"])
        self._post(self.holder(kind).client, "/me/delete", username=self._username(kind))

    def by_signing_out(self) -> None:
        self._post(self.holder(self.chance.choice(KINDS[1:-1])).client, "/logout")

    def narrow_by_api(self) -> None:
        self.api("PATCH", "", {"visibility": self.chance.choice(LEVELS)})

    def delete_hub(self) -> None:
        self._post(self.holder("owner").client, f"/t/{self.name}/settings/delete", name=self.name)

    def purge_hub(self) -> None:
        with self.world.session() as session:
            hub = session.get_one(Hub, self.hub_id)
            hub.deleted_on = now() - lifecycle.GRACE - timedelta(days=1)
            session.commit()
            lifecycle.purge(session)
            session.commit()

    def allowed(self, holder: Holder) -> set[str]:
        """Return the channels that a browser may hear now, as the rows say."""
        with self.world.session() as session:
            user = session.query(User).filter_by(username=holder.username).one_or_none()
            if holder.username and (user is None or session.get(SignIn, holder.digest) is None):
                return set()
            who = person(user.id, user.username, user.roles) if user else person(0, "", ())
            hub = session.get(Hub, self.hub_id)
            seen = hub is not None and hub.visibility in audiences(who, hub)
            levels = audiences(who, hub) if hub is not None and seen else ()
            return {hub_channel(self.hub_id, level, "en") for level in levels} | (
                {user_channel(user.id)} if user else set()
            )

    def publish(self) -> None:
        for channel in self.channels:
            self.world.site.events.publish(channel, "secret", {"channel": channel})

    def leaks(self, counts: Counter[str]) -> list[str]:
        """Return what was heard though it is no longer visible, by open streams and by old tokens that come back."""
        heard = []
        for holder in self.holders:
            allowed = self.allowed(holder)
            for source, token, stream in holder.opened:
                again = Stream(self.world.streams.url, token, self.cursor, timeout=10)
                # What open streams got is here already; an old token has what it missed replayed.
                for how, opened, patience in (("open", stream, 0.02), ("again", again, 0.15)):
                    for channel in self._secrets(opened, patience):
                        counts["heard"] += 1
                        if channel not in allowed:
                            heard.append(f"{holder.username or 'visitor'} {source} {how}: {channel} after {self.acts}")
                counts["refused"] += again.status == 403
                again.close()
                stream.close()
        return heard

    @staticmethod
    def _secrets(stream: Stream, patience: float) -> list[str]:
        if stream.status != 200:
            return []
        stream.socket.settimeout(patience)
        return [event.data["channel"] for event in stream if event.type == "secret"]


ACTS: list[Callable[[History], None]] = [
    History.by_page,
    History.demote_by_page,
    History.by_api,
    History.by_command,
    History.by_file,
    History.narrow_by_file,
    History.by_sign_in,
    History.by_group,
    History.by_leaving,
    History.by_deletion,
    History.by_signing_out,
    History.narrow_by_api,
    History.delete_hub,
    History.purge_hub,
]


def run(world: World, seed: int, histories: int, wait: float) -> Counter[str]:
    """Run histories side by side; fail with what leaked."""
    counts: Counter[str] = Counter()
    all_of_them = [History(world, f"h{seed}-{number}", seed * 1000 + number) for number in range(histories)]
    for history in all_of_them:
        history.change()
    time.sleep(wait)
    for history in all_of_them:
        history.publish()
    time.sleep(0.5)
    leaks = [leak for history in all_of_them for leak in history.leaks(counts)]
    assert leaks == []
    return counts


def test_seconds_after_a_change_no_stream_hears_what_is_no_longer_visible(
    world: World, tell: Callable[[str], None]
) -> None:
    counts = run(world, 1, 5, 2.0)
    assert counts["heard"] > 0
    assert counts["refused"] > 0
    tell(f"5 histories: {dict(counts)}")


@pytest.mark.slow
def test_five_hundred_histories(world: World, tell: Callable[[str], None]) -> None:
    counts: Counter[str] = Counter()
    for seed in range(2, 27):
        counts += run(world, seed, 20, PROMISED)
    tell(f"500 histories: {dict(counts)}")
