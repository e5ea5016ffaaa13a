"""From a message to the widgets it touches; our own messages; and what was lost on the bus."""

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.actions import hubs as hub_actions
from hubs.actions import messages, widgets
from hubs.actions import outbox as outbox_actions
from hubs.actions.people import notifications, roles
from hubs.backend.index.index import Index
from hubs.backend.index.refresher import IndexRefresher
from hubs.backend.ingest import config_changes as own_messages
from hubs.backend.ingest import pipeline as pipelines
from hubs.backend.ingest.config_changes import ConfigChangeHandler
from hubs.backend.ingest.extract import Extractor
from hubs.backend.ingest.group_membership import GroupMessages
from hubs.backend.ingest.mentions import Mentions
from hubs.backend.ingest.pipeline import Pipeline
from hubs.bus import Message, parse
from hubs.models import (
    Database,
    Hub,
    Notice,
    OutboxMessage,
    RefusedMessage,
    RoleName,
    StoredMessage,
    User,
    Visibility,
    Widget,
    digest,
    now,
)
from hubs.widgets.registry import Registry
from tests.services import wait_for
from tests.unit.conftest import as_person, user_of


@dataclass
class Noted:
    """Notes what would be rebuilt and pushed."""

    requested: list[int] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    interactive: list[int] = field(default_factory=list)
    published: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    #: Whether Redis is unavailable.
    away: bool = False
    #: Widgets whose builds would not be lost if the daemon were killed.
    touched: list[int] = field(default_factory=list)

    def mark_pending(self, widgets: Iterable[int]) -> None:
        self.touched.extend(widgets)

    def request(self, widget_id: int, stale: object = (), delay: float = 0, *, interactive: bool = False) -> None:
        self.requested.append(widget_id)
        self.interactive.extend([widget_id] * interactive)
        self.delays.append(delay)

    def publish(self, channel: str, kind: str, data: dict[str, Any]) -> str | None:
        self.published.append((channel, kind, data))
        return None if self.away else "id"

    def is_available(self) -> bool:
        return not self.away

    def flush_resets(self) -> None:
        pass


@dataclass
class Parts:
    pipeline: Pipeline
    own: ConfigChangeHandler
    refresher: IndexRefresher
    index: Index
    noted: Noted


@pytest.fixture
def parts(database: Database, registry: Registry, team: Hub) -> Iterator[Parts]:
    noted, index = Noted(), Index(registry)
    notifications.push_after_commit(database, noted)  # type: ignore[arg-type]
    extract = Extractor(index.directory)
    refresher = IndexRefresher(database, index, lambda: None)
    own = ConfigChangeHandler(database, index, refresher, extract, noted, noted, noted)  # type: ignore[arg-type]
    load, mentions = refresher.load, Mentions(extract)
    pipeline = Pipeline(database, index, extract, noted, own, load, mentions, noted)  # type: ignore[arg-type]
    load()
    yield Parts(pipeline, own, refresher, index, noted)
    pipeline.stop()


def say(msg_id: str, topic: str = "wiki.article.edit", **body: Any) -> Message:
    envelope = {"topic": f"org.fedoraproject.dev.{topic}", "msg": body, "msg_id": msg_id}
    return parse({**envelope, "timestamp": time.time()})


def names(session: Session, numbers: list[int]) -> set[str]:
    return {session.get_one(Widget, number).plugin for number in numbers}


def outbox(session: Session) -> list[str]:
    session.expire_all()
    return [row.topic for row in session.query(OutboxMessage).filter(OutboxMessage.handled_at.is_(None))]


def last_body(session: Session) -> dict[str, Any]:
    return session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first().body  # type: ignore[union-attr]


def test_a_message_is_stored_and_touches_what_it_names_once(parts: Parts, session: Session) -> None:
    message = say("m1", agent="member")
    parts.pipeline.handle([message, message])
    parts.pipeline.handle([message])
    assert session.query(StoredMessage).count() == 1
    assert names(session, parts.noted.requested) == {"feed", "activity", "members"}
    assert len(parts.noted.requested) == 4
    assert parts.pipeline.counts == {"stored": 1, "duplicate": 2, "touched": 4}
    assert user_of(session, "member").last_active is not None


def test_what_a_message_touches_is_noted_before_the_message_is_committed(
    parts: Parts, database: Database, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mark_pending(widgets: Iterable[int]) -> None:
        with database.session() as other:
            assert other.query(StoredMessage).count() == 0
        parts.noted.touched.extend(widgets)

    monkeypatch.setattr(parts.noted, "mark_pending", mark_pending)
    parts.pipeline.handle([say("m1", agent="member")])
    assert sorted(parts.noted.touched) == sorted(parts.noted.requested)
    parts.noted.touched.clear()
    monkeypatch.setattr(parts.noted, "mark_pending", parts.noted.touched.extend)
    parts.pipeline.handle([say("m1", agent="member")])
    assert parts.noted.touched == []  # another daemon that hears it leaves it to the first


def test_a_message_of_ours_is_marked_handled_when_nothing_of_it_can_be_lost_any_more(
    parts: Parts, session: Session, registry: Registry, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard(parts, session)
    row = next(row for row in team.widgets if row.plugin == "sticky")
    widgets.update(session, registry, as_person(session, "owner"), row, {"text": "x"}, visibility="owners")
    parts.noted.touched.clear()
    publish = parts.noted.publish

    def killed(*arguments: Any) -> str:
        raise RuntimeError("here")

    monkeypatch.setattr(parts.noted, "publish", killed)
    heard(parts, session)
    assert row.id in parts.noted.touched
    assert outbox(session) != []
    monkeypatch.setattr(parts.noted, "publish", publish)
    monkeypatch.setattr(own_messages, "PATIENCE", timedelta(seconds=-1))
    parts.own.sweep_outbox()
    assert outbox(session) == []
    assert (f"hub:{team.id}:public:en", "layout") in [one[:2] for one in parts.noted.published]


def test_one_bad_message_does_not_take_its_neighbours_with_it(
    parts: Parts, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = messages.store

    def picky(session: Session, batch: list[Message]) -> list[Message]:
        if any(message.msg_id == "bad" for message in batch):
            session.execute(StoredMessage.__table__.insert(), {"msg_id": None})  # the database refuses
        return store(session, batch)

    monkeypatch.setattr(messages, "store", picky)
    parts.pipeline.handle([say("one", agent="member"), say("bad"), say("two", agent="member")])
    assert {row.msg_id for row in session.query(StoredMessage)} == {"one", "two"}
    assert parts.pipeline.counts["dropped"] == 1


def test_messages_wait_for_a_database_that_is_away(
    parts: Parts, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, tries = messages.store, []

    def away(session: Session, batch: list[Message]) -> list[Message]:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("insert", {}, Exception("no server"))
        return store(session, batch)

    monkeypatch.setattr(messages, "store", away)
    parts.pipeline.handle([say("m1", agent="member")])
    assert session.query(StoredMessage).count() == 1
    assert len(tries) == 3


def test_the_thread_takes_what_waits_and_survives_what_fails(parts: Parts, session: Session) -> None:
    called: list[str] = []
    parts.pipeline.start()
    assert parts.pipeline.ready.wait(60)
    parts.pipeline.put(lambda: 1 / 0)
    for number in range(50):
        parts.pipeline.put(say(f"m{number}", agent="member"))
    parts.pipeline.put(lambda: called.append(threading.current_thread().name))
    wait_for(lambda: called, "the queue to be worked off")
    assert called == ["pipeline"]
    assert session.query(StoredMessage).count() == 50


def test_a_full_queue_sheds_and_counts(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines, "WAITING", 2)
    assert [parts.pipeline.put(say(f"m{number}")) for number in range(4)] == [True, True, False, False]
    assert parts.pipeline.counts["shed"] == 2


def test_each_finished_batch_is_a_heartbeat(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[str] = []
    monkeypatch.setattr(parts.pipeline, "_beat", lambda: beats.append(threading.current_thread().name))
    stuck, release = threading.Event(), threading.Event()

    def block() -> None:
        stuck.set()
        release.wait(10)

    parts.pipeline.put(block)
    parts.pipeline.start()
    assert stuck.wait(60)
    assert beats == []
    release.set()
    wait_for(lambda: beats == ["pipeline"], "a heartbeat after the batch")


def heard(parts: Parts, session: Session) -> None:
    """Let the daemon hear on the bus what the outbox holds."""
    session.commit()
    for row in session.query(OutboxMessage).filter(OutboxMessage.handled_at.is_(None)).all():
        parts.pipeline.handle([say(f"own-{row.id}", row.topic, **row.body)])


def test_a_changed_widget_is_rebuilt_and_marked_handled(
    parts: Parts, session: Session, registry: Registry, team: Hub
) -> None:
    heard(parts, session)
    parts.noted.requested.clear()
    parts.noted.published.clear()
    row = next(row for row in team.widgets if row.plugin == "sticky")
    widgets.update(session, registry, as_person(session, "owner"), row, {"text": "x"})
    heard(parts, session)
    assert row.id in parts.noted.requested
    assert parts.noted.interactive == [row.id]
    assert parts.noted.published == []
    assert outbox(session) == []


def test_new_moved_and_removed_widgets_change_the_layout(
    parts: Parts, session: Session, registry: Registry, team: Hub
) -> None:
    owner = as_person(session, "owner")
    row = widgets.add(session, registry, owner, team, "feed", "left", {"username": "faraway"})
    heard(parts, session)
    told = {channel: (kind, data) for channel, kind, data in parts.noted.published}
    said = ("layout", {"hub": team.id, "version": team.version})
    assert told.items() >= {f"hub:{team.id}:public:{locale}": said for locale in i18n.locales()}.items()
    assert row.id in parts.noted.requested
    assert list(parts.index.touched(parts.pipeline._extract(say("x", agent="faraway")))) == [row.id]
    for act in (
        lambda: widgets.move(session, registry, owner, row, "up"),
        lambda: widgets.remove(session, registry, owner, row),
    ):
        parts.noted.requested.clear()
        act()
        heard(parts, session)
        assert parts.noted.published[-1][2]["version"] == team.version
        assert row.id not in parts.noted.requested
    assert parts.index.touched(parts.pipeline._extract(say("y", agent="faraway"))) == {}


def test_a_new_hub_is_in_the_index_before_its_messages_are_looked_up(
    parts: Parts, session: Session, registry: Registry
) -> None:
    roles.sign_up(session, registry, "newcomer")
    heard(parts, session)
    parts.noted.requested.clear()
    parts.pipeline.handle([say("m1", agent="newcomer")])
    assert names(session, parts.noted.requested) == {"feed", "activity"}


def test_the_index_follows_what_another_daemon_handles(
    parts: Parts, database: Database, session: Session, registry: Registry, team: Hub
) -> None:
    row = widgets.add(session, registry, as_person(session, "owner"), team, "feed", "left", {"username": "faraway"})
    told = session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first()
    session.commit()
    assert told is not None
    message = say("own", told.topic, **told.body)
    with database.transaction() as other:  # the other daemon was first
        messages.store(other, [message])
    parts.pipeline.handle([message])
    assert parts.noted.requested == []
    assert list(parts.index.touched(parts.pipeline._extract(say("x", agent="faraway")))) == [row.id]


def test_in_a_flood_builds_wait_until_messages_are_stored(
    parts: Parts, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines, "BATCH", 2)
    parts.pipeline.handle([say("calm", agent="member")])
    for number in range(2):
        parts.pipeline.put(say(f"later{number}"))
    parts.pipeline.handle([say("flood", agent="member")])
    assert parts.noted.delays == [0.0] * 4 + [pipelines.REST] * 4


@pytest.mark.parametrize(
    "body",
    [
        {"hub_id": 1, "role": "owner", "username": {"a": 1}},
        {"hub_id": 1, "role": ["owner"], "username": "member"},
        {"hub_id": 1, "changed_keys": [{}]},
        {"hub_id": 1, "changed_keys": "name"},
        {"hub_id": 2**70, "widget_id": -(2**70)},
        {"hub_url": "http://127.0.0.1/t/a\0b/", "username": "a\0b", "role": "member"},
        {"hub_url": ["x"], "hub_id": True, "widget_id": True, "username": "x" * 100_000, "role": "owner"},
    ],
)
@pytest.mark.parametrize("topic", ["hubs.user.role.removed", "hubs.hub.updated", "hubs.widget.updated", "hubs"])
def test_a_forged_message_of_ours_stops_nothing(
    parts: Parts, session: Session, team: Hub, topic: str, body: dict[str, Any]
) -> None:
    worker = threading.Thread(
        target=parts.pipeline.handle, args=([say("forged", topic, **body), say("good", user="member")],), daemon=True
    )
    worker.start()
    worker.join(5)
    assert not worker.is_alive()
    assert names(session, parts.noted.requested) >= {"feed"}
    assert parts.pipeline.counts["failed"] == 0


def test_a_role_on_a_hub_that_is_not_public_is_told_without_names_and_ends_its_streams(
    parts: Parts, session: Session, team: Hub
) -> None:
    team.visibility = Visibility.MEMBERS
    session.commit()
    heard(parts, session)
    roles.drop_role(session, as_person(session, "owner"), team, user_of(session, "member"), RoleName.MEMBER)
    session.commit()
    body = last_body(session)
    assert body == {
        "agent": "",
        "username": "",
        "hub_name": "",
        "hub_url": "",
        "role": "member",
        "hub_id": team.id,
    }


def test_a_widget_that_fewer_may_see_leaves_the_pages_of_the_others(
    parts: Parts, session: Session, registry: Registry, team: Hub
) -> None:
    row = next(row for row in team.widgets if row.plugin == "sticky")
    heard(parts, session)
    widgets.update(session, registry, as_person(session, "owner"), row, {"text": "x"}, "Plans", visibility="owners")
    session.commit()
    body = last_body(session)
    assert (body["agent"], body["hub_name"], body["widget_label"], body["widget_id"]) == ("", "", "", row.id)
    heard(parts, session)
    assert (f"hub:{team.id}:public:en", "layout") in [one[:2] for one in parts.noted.published]


def test_feeds_no_longer_tell_of_a_hub_that_closed(parts: Parts, session: Session, team: Hub) -> None:
    fields = {"username": "member", "hub_name": "otters", "hub_url": "http://127.0.0.1/t/otters/", "role": "member"}
    other = {**fields, "hub_name": "sea-otters", "hub_url": "http://127.0.0.1/t/sea-otters/"}
    parts.pipeline.handle([say("m1", "hubs.user.role.added", **fields), say("m2", "hubs.user.role.added", **other)])
    heard(parts, session)
    parts.noted.requested.clear()
    hub_actions.update(session, as_person(session, "owner"), team, {"visibility": "members"})
    heard(parts, session)
    session.expire_all()
    stored = {row.msg_id for row in session.query(StoredMessage) if "otters/" in str(row.body)}
    assert stored == {"m2"}
    assert "feed" in names(session, parts.noted.requested)


def test_lists_of_hubs_follow_who_may_see_a_hub(parts: Parts, session: Session, team: Hub) -> None:
    heard(parts, session)
    parts.noted.requested.clear()
    hub_actions.update(session, as_person(session, "owner"), team, {"visibility": "members"})
    heard(parts, session)
    listing = session.query(Widget).filter_by(plugin="subscriptions").join(Hub).all()
    named = {row.id for row in listing if row.hub.name in ("owner", "member", "subscriber")}
    assert named
    assert named <= set(parts.noted.requested)


def test_what_nobody_heard_is_handled_from_the_outbox(
    parts: Parts, session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_actions.update(session, as_person(session, "owner"), team, {"summary": "lost"})
    session.commit()
    parts.own.sweep_outbox()
    assert outbox(session) != []  # a message may still be on its way
    monkeypatch.setattr(own_messages, "PATIENCE", timedelta(seconds=-1))
    parts.own.sweep_outbox()
    assert outbox(session) == []
    assert (f"hub:{team.id}:public:en", "layout") in [one[:2] for one in parts.noted.published]


def test_what_redis_did_not_confirm_is_handled_again_once_it_is_back(
    parts: Parts, session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard(parts, session)
    monkeypatch.setattr(own_messages, "PATIENCE", timedelta(seconds=-1))
    parts.noted.away = True
    hub_actions.update(session, as_person(session, "owner"), team, {"summary": "lost"})
    heard(parts, session)
    assert outbox(session) == ["hubs.hub.updated"]
    parts.own.sweep_outbox()
    parts.noted.published.clear()
    parts.own.sweep_outbox()
    assert parts.noted.published == []  # until Redis is back, another try costs builds and brings nothing
    parts.noted.away = False
    parts.own.sweep_outbox()
    assert outbox(session) == []
    assert (f"hub:{team.id}:public:en", "layout") in [one[:2] for one in parts.noted.published]


def removal(msg_id: str = "g1") -> Message:
    body = {"agent": "owner", "group": "otters", "user": "member"}
    return replace(say(msg_id, "fas.group.member.remove", **body), authenticated=True)


def is_member(session: Session, team: Hub) -> bool:
    session.expire_all()
    return [user.username for user in team.people(RoleName.MEMBER)] == ["member"]


def test_a_group_message_and_what_follows_from_it_are_committed_together(
    parts: Parts, session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.group_name = "otters"
    session.commit()
    parts.own._groups = GroupMessages("org.fedoraproject.dev", 400)
    react = parts.pipeline._react

    def killed(*arguments: Any) -> None:
        raise SystemExit  # the process ends after the commit, before anything else

    monkeypatch.setattr(parts.pipeline, "_react", killed)
    with pytest.raises(SystemExit):
        parts.pipeline.handle([removal()])
    assert session.query(StoredMessage).filter_by(msg_id="g1").count() == 1
    assert not is_member(session, team)
    assert "hubs.user.role.removed" in outbox(session)
    monkeypatch.setattr(parts.pipeline, "_react", react)
    parts.pipeline.handle([removal()])  # as history sends it again
    assert parts.pipeline.counts["duplicate"] == 1


def test_a_group_message_that_cannot_be_acted_on_is_not_stored_and_affects_no_neighbour(
    parts: Parts, session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.group_name = "otters"
    session.commit()

    def fail(session: Session, message: Message) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(parts.own, "follow_group", fail)
    parts.pipeline.handle([say("one", agent="member"), removal(), say("two", agent="member")])
    assert {row.msg_id for row in session.query(StoredMessage)} == {"one", "two"}
    monkeypatch.undo()
    parts.own._groups = GroupMessages("org.fedoraproject.dev", 400)
    parts.pipeline.handle([removal()])
    assert not is_member(session, team)


def test_hubs_that_changed_or_went_without_a_message_are_found(
    parts: Parts, session: Session, registry: Registry, team: Hub
) -> None:
    row = widgets.add(session, registry, as_person(session, "owner"), team, "feed", "left", {"username": "faraway"})
    team.updated_on = now()
    session.commit()
    parts.refresher.sweep()
    assert list(parts.index.touched(parts.pipeline._extract(say("x", agent="faraway")))) == [row.id]
    before = len(parts.index)
    session.delete(team)
    session.commit()
    parts.refresher.sweep()
    assert len(parts.index) == before - 1


def mentioned(session: Session) -> set[tuple[str, str]]:
    """Return who has a notice of which message."""
    session.expire_all()
    users = {row.id: row.username for row in session.query(User)}
    return {(users[row.user_id], row.message.sentence) for row in session.query(Notice) if row.message}


def test_who_is_named_on_a_hub_that_they_follow_gets_a_notice(parts: Parts, session: Session, team: Hub) -> None:
    everybody = ["owner", "member", "subscriber", "stranger"]
    parts.pipeline.handle([say("one", "tides.turned", agent="member", users=everybody), say("two", user="owner")])
    sentence = session.query(StoredMessage).filter_by(msg_id="one").one().sentence
    assert mentioned(session) == {("owner", sentence), ("subscriber", sentence)}
    channels = {channel for channel, kind, _ in parts.noted.published if kind == "notice"}
    assert channels == {f"user:{user_of(session, name).id}" for name in ("owner", "subscriber")}
    told = next(data for _, kind, data in parts.noted.published if kind == "notice")
    assert told == {"kind": "mention", "count": 1, "hub": team.id}
    parts.pipeline.handle([say("one", "tides.turned", title="Thanks", agent="member", users=everybody)])
    assert session.query(Notice).count() == 2


def test_nobody_is_told_what_somebody_hides(parts: Parts, session: Session, team: Hub) -> None:
    user_of(session, "member").activity = Visibility.OWNERS
    session.commit()
    parts.pipeline.handle([say("one", "tides.turned", title="Thanks", agent="member", users=["owner", "member"])])
    assert mentioned(session) == set()


def test_who_only_subscribes_to_a_hub_that_closed_is_not_told(parts: Parts, session: Session, team: Hub) -> None:
    team.visibility = Visibility.MEMBERS
    session.commit()
    parts.pipeline.handle([say("one", "tides.turned", title="Thanks", agent="member", users=["owner", "subscriber"])])
    assert {name for name, _ in mentioned(session)} == {"owner"}


OURS = "org.fedoraproject.dev"


@pytest.mark.parametrize(
    "topic",
    [
        "org.evil.prod.hubs.user.role.added",
        "org.fedoraproject.stg.hubs.hub.updated",
        "org.fedoraproject.prod.hubs.hub.updated",
        f"{OURS}.hubs.hub.updated.",
        f"{OURS}.hubs.hub.updated.more",
        f"{OURS}.hubs.hub",
        f"{OURS}.hubs.hub.UPDATED",
        f"{OURS}.hubs.{{",
        f"{OURS}.hubs.{{a:>300000000}}",
        f"{OURS}.hubs.x",
        f"x.{OURS}.hubs.hub.updated",
        "a.b.c.hubs.widget.deleted",
    ],
)
def test_what_only_looks_like_ours_is_dropped_and_its_neighbours_are_stored(
    parts: Parts, session: Session, topic: str
) -> None:
    forged = replace(say("forged", agent="owner", hub_url="https://evil.example/t/otters/"), topic=topic)
    parts.pipeline.handle([say("before", agent="owner"), forged, say("after", agent="owner")])
    stored = {row.msg_id for row in session.query(StoredMessage)}
    assert stored == ({"before", "after"} if forged.category == "hubs" else {"before", "forged", "after"})
    assert parts.pipeline.counts["foreign"] == (forged.category == "hubs")


def test_a_message_that_breaks_a_reader_costs_none_of_its_neighbours(
    parts: Parts, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract = parts.pipeline._extract

    def breaking(message: Message) -> Message:
        if message.msg_id == "bad":
            raise ZeroDivisionError
        return extract(message)

    monkeypatch.setattr(parts.pipeline, "_extract", breaking)
    parts.pipeline.handle([say("first", agent="owner"), say("bad"), say("last", agent="owner")])
    assert {row.msg_id for row in session.query(StoredMessage)} == {"first", "last"}
    refused_row = session.query(RefusedMessage).one()
    assert (refused_row.msg_id, refused_row.reason) == ("bad", "ZeroDivisionError()")


def test_nul_and_lone_surrogates_are_replaced_when_stored(parts: Parts, session: Session) -> None:
    parts.pipeline.handle([say("odd", agent="owner", title="a\x00b\ud800c 😀")])
    assert session.query(StoredMessage).one().body == {"agent": "owner", "title": "a\ufffdb\ufffdc 😀"}


def test_an_outbox_row_that_cannot_be_handled_is_set_aside_and_holds_up_no_other(
    parts: Parts, session: Session, registry: Registry, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.execute(delete(OutboxMessage))
    old = now() - timedelta(minutes=1)
    bodies = ({"hub_id": team.id, "odd": True}, {"hub_id": team.id})
    session.add_all(
        OutboxMessage(topic="hubs.hub.updated", body=body, digest=digest("hubs.hub.updated", body), created_on=old)
        for body in bodies
    )
    session.commit()
    update_index = parts.own.update_index

    def breaking(message: Message) -> None:
        if "odd" in message.body:
            raise ZeroDivisionError
        update_index(message)

    monkeypatch.setattr(parts.own, "update_index", breaking)
    for _ in range(outbox_actions.MOST_ATTEMPTS):
        parts.own.sweep_outbox()
    session.expire_all()
    odd, good = session.query(OutboxMessage).order_by(OutboxMessage.id)
    assert (odd.attempts, odd.handled_at) == (outbox_actions.MOST_ATTEMPTS, None)
    assert good.handled_at is not None
    assert outbox_actions.unhandled(session, now()) == []
    assert outbox_actions.set_aside(session) == 1
