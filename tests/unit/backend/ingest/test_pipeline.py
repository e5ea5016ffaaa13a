"""From a message to the widgets it touches; our own messages; and messages that the bus lost."""

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
from hubs.actions import lifecycle, messages, widgets
from hubs.actions import outbox as outbox_actions
from hubs.actions.inbox import counts
from hubs.actions.people import roles
from hubs.backend.index.index import Index
from hubs.backend.index.refresher import IndexRefresher
from hubs.backend.ingest import config_changes as config_changes_module
from hubs.backend.ingest import pipeline as pipeline_module
from hubs.backend.ingest.config_changes import ConfigChangeHandler
from hubs.backend.ingest.extract import Extractor
from hubs.backend.ingest.group_membership import GroupMessages
from hubs.backend.ingest.mentions import Mentions
from hubs.backend.ingest.pipeline import Pipeline
from hubs.bus import Message, Receipt, parse
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
class Recorder:
    """Records requested builds, marks and pushed events."""

    requested: list[int] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    interactive: list[int] = field(default_factory=list)
    published: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    #: Whether Redis is unavailable.
    unavailable: bool = False
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
        return None if self.unavailable else "id"

    def is_available(self) -> bool:
        return not self.unavailable

    def flush_resets(self) -> None:
        pass


@dataclass
class Parts:
    pipeline: Pipeline
    config_changes: ConfigChangeHandler
    refresher: IndexRefresher
    index: Index
    recorder: Recorder


@pytest.fixture
def parts(database: Database, registry: Registry, team: Hub) -> Iterator[Parts]:
    recorder, index = Recorder(), Index(registry)
    counts.publish_after_commit(database, recorder)  # type: ignore[arg-type]
    extract = Extractor(index.directory)
    refresher = IndexRefresher(database, index, lambda: None)
    handler = ConfigChangeHandler(database, index, refresher, extract, recorder, recorder, recorder)  # type: ignore[arg-type]
    load, mentions = refresher.load, Mentions(extract)
    pipeline = Pipeline(database, index, extract, recorder, handler, load, mentions, recorder)  # type: ignore[arg-type]
    load()
    yield Parts(pipeline, handler, refresher, index, recorder)
    pipeline.stop()


def message_of(msg_id: str, topic: str = "wiki.article.edit", **body: Any) -> Message:
    envelope = {"topic": f"org.fedoraproject.dev.{topic}", "msg": body, "msg_id": msg_id}
    return parse({**envelope, "timestamp": time.time()})


def names(session: Session, numbers: list[int]) -> set[str]:
    return {session.get_one(Widget, number).plugin for number in numbers}


def outbox(session: Session) -> list[str]:
    session.expire_all()
    return [row.topic for row in session.query(OutboxMessage).filter(OutboxMessage.handled_at.is_(None))]


def last_body(session: Session) -> dict[str, Any]:
    return session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first().body  # type: ignore[union-attr]


def test_a_message_is_stored_once_and_touches_its_widgets_once(parts: Parts, session: Session) -> None:
    message = message_of("m1", agent="member")
    parts.pipeline.handle([message, message])
    parts.pipeline.handle([message])
    assert session.query(StoredMessage).count() == 1
    assert names(session, parts.recorder.requested) == {"feed", "activity", "members"}
    assert len(parts.recorder.requested) == 4
    assert parts.pipeline.counts == {"stored": 1, "duplicate": 2, "touched": 4}
    assert user_of(session, "member").last_active is not None


def test_touched_widgets_are_marked_before_the_message_is_committed(
    parts: Parts, database: Database, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mark_pending(widgets: Iterable[int]) -> None:
        with database.session() as other:
            assert other.query(StoredMessage).count() == 0
        parts.recorder.touched.extend(widgets)

    monkeypatch.setattr(parts.recorder, "mark_pending", mark_pending)
    parts.pipeline.handle([message_of("m1", agent="member")])
    assert sorted(parts.recorder.touched) == sorted(parts.recorder.requested)
    parts.recorder.touched.clear()
    monkeypatch.setattr(parts.recorder, "mark_pending", parts.recorder.touched.extend)
    parts.pipeline.handle([message_of("m1", agent="member")])
    assert parts.recorder.touched == []  # another daemon that receives it leaves it to the first


def test_our_own_message_is_marked_handled_after_all_its_effects(
    parts: Parts, session: Session, registry: Registry, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver_outbox(parts, session)
    row = next(row for row in team.widgets if row.plugin == "sticky")
    widgets.update(session, registry, as_person(session, "owner"), row, {"text": "x"}, visibility="owners")
    parts.recorder.touched.clear()
    publish = parts.recorder.publish

    def killed(*arguments: Any) -> str:
        raise RuntimeError("here")

    monkeypatch.setattr(parts.recorder, "publish", killed)
    deliver_outbox(parts, session)
    assert row.id in parts.recorder.touched
    assert outbox(session) != []
    monkeypatch.setattr(parts.recorder, "publish", publish)
    monkeypatch.setattr(config_changes_module, "PATIENCE", timedelta(seconds=-1))
    parts.config_changes.sweep_outbox()
    assert outbox(session) == []
    assert (f"hub:{team.id}:public:en", "layout") in [event[:2] for event in parts.recorder.published]


def test_a_bad_message_does_not_affect_its_neighbours(
    parts: Parts, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = messages.store

    def picky(session: Session, batch: list[Message]) -> list[Message]:
        if any(message.msg_id == "bad" for message in batch):
            session.execute(StoredMessage.__table__.insert(), {"msg_id": None})  # the database refuses
        return store(session, batch)

    monkeypatch.setattr(messages, "store", picky)
    parts.pipeline.handle([message_of("first", agent="member"), message_of("bad"), message_of("last", agent="member")])
    assert {row.msg_id for row in session.query(StoredMessage)} == {"first", "last"}
    assert parts.pipeline.counts["dropped"] == 1


def test_messages_wait_while_the_database_is_unavailable(
    parts: Parts, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, tries = messages.store, []

    def unavailable(session: Session, batch: list[Message]) -> list[Message]:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("insert", {}, Exception("no server"))
        return store(session, batch)

    monkeypatch.setattr(messages, "store", unavailable)
    parts.pipeline.handle([message_of("m1", agent="member")])
    assert session.query(StoredMessage).count() == 1
    assert len(tries) == 3


def test_the_thread_handles_the_queue_and_survives_failures(parts: Parts, session: Session) -> None:
    called: list[str] = []
    parts.pipeline.start()
    assert parts.pipeline.ready.wait(60)
    parts.pipeline.put(lambda: 1 / 0)
    for number in range(50):
        parts.pipeline.put(message_of(f"m{number}", agent="member"))
    parts.pipeline.put(lambda: called.append(threading.current_thread().name))
    wait_for(lambda: called, "the queue to be worked off")
    assert called == ["pipeline"]
    assert session.query(StoredMessage).count() == 50


def test_a_full_queue_sheds_and_counts(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_module, "WAITING", 2)
    assert [parts.pipeline.put(message_of(f"m{number}")) for number in range(4)] == [True, True, False, False]
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


def test_waiting_messages_are_stored_at_the_end(parts: Parts, session: Session) -> None:
    stuck, release = threading.Event(), threading.Event()
    parts.pipeline.put(lambda: (stuck.set(), release.wait(10)))
    parts.pipeline.start()
    assert stuck.wait(60)
    for number in range(1200):
        parts.pipeline.put(message_of(f"m{number}"))
    threading.Timer(0.2, release.set).start()
    assert parts.pipeline.stop(60) == []
    assert session.query(StoredMessage).count() == 1200


def test_messages_that_are_lost_at_the_end_are_returned(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = threading.Event()

    def store(batch: object) -> None:
        tried.set()
        raise OperationalError("INSERT", {}, Exception("away"), connection_invalidated=True)

    monkeypatch.setattr(parts.pipeline, "_store", store)
    parts.pipeline.start()
    parts.pipeline.put(message_of("in hand"))
    assert tried.wait(60)
    again = replace(message_of("comes again"), receipt=Receipt(lambda tags: None, 1))
    for message in (message_of("waits"), again):
        parts.pipeline.put(message)
    assert [message.msg_id for message in parts.pipeline.stop(0.1)] == ["in hand", "waits"]


def deliver_outbox(parts: Parts, session: Session) -> None:
    """Deliver the unhandled messages of the outbox to the daemon, as the bus does."""
    session.commit()
    for row in session.query(OutboxMessage).filter(OutboxMessage.handled_at.is_(None)).all():
        parts.pipeline.handle([message_of(f"own-{row.id}", row.topic, **row.body)])


def test_a_changed_widget_is_rebuilt_and_marked_handled(
    parts: Parts, session: Session, registry: Registry, team: Hub
) -> None:
    deliver_outbox(parts, session)
    parts.recorder.requested.clear()
    parts.recorder.published.clear()
    row = next(row for row in team.widgets if row.plugin == "sticky")
    widgets.update(session, registry, as_person(session, "owner"), row, {"text": "x"})
    deliver_outbox(parts, session)
    assert row.id in parts.recorder.requested
    assert parts.recorder.interactive == [row.id]
    assert parts.recorder.published == []
    assert outbox(session) == []


def test_new_moved_and_removed_widgets_change_the_layout(
    parts: Parts, session: Session, registry: Registry, team: Hub
) -> None:
    owner = as_person(session, "owner")
    row = widgets.add(session, registry, owner, team, "feed", "left", {"username": "faraway"})
    deliver_outbox(parts, session)
    layouts = {channel: (kind, data) for channel, kind, data in parts.recorder.published}
    layout = ("layout", {"hub": team.id, "version": team.version})
    assert layouts.items() >= {f"hub:{team.id}:public:{locale}": layout for locale in i18n.locales()}.items()
    assert row.id in parts.recorder.requested
    assert list(parts.index.touched(parts.pipeline._extract(message_of("x", agent="faraway")))) == [row.id]
    for act in (
        lambda: widgets.move(session, registry, owner, row, "up"),
        lambda: widgets.remove(session, registry, owner, row),
    ):
        parts.recorder.requested.clear()
        act()
        deliver_outbox(parts, session)
        assert parts.recorder.published[-1][2]["version"] == team.version
        assert row.id not in parts.recorder.requested
    assert parts.index.touched(parts.pipeline._extract(message_of("y", agent="faraway"))) == {}


def test_a_new_hub_is_in_the_index_before_its_messages_are_looked_up(
    parts: Parts, session: Session, registry: Registry
) -> None:
    roles.sign_up(session, registry, "newcomer")
    deliver_outbox(parts, session)
    parts.recorder.requested.clear()
    parts.pipeline.handle([message_of("m1", agent="newcomer")])
    assert names(session, parts.recorder.requested) == {"feed", "activity"}


def test_the_index_follows_messages_that_another_daemon_handles(
    parts: Parts, database: Database, session: Session, registry: Registry, team: Hub
) -> None:
    row = widgets.add(session, registry, as_person(session, "owner"), team, "feed", "left", {"username": "faraway"})
    outbox_row = session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first()
    session.commit()
    assert outbox_row is not None
    message = message_of("own", outbox_row.topic, **outbox_row.body)
    with database.transaction() as other:  # the other daemon was first
        messages.store(other, [message])
    parts.pipeline.handle([message])
    assert parts.recorder.requested == []
    assert list(parts.index.touched(parts.pipeline._extract(message_of("x", agent="faraway")))) == [row.id]


def test_in_a_flood_builds_are_postponed(parts: Parts, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_module, "BATCH", 2)
    parts.pipeline.handle([message_of("calm", agent="member")])
    for number in range(2):
        parts.pipeline.put(message_of(f"later{number}"))
    parts.pipeline.handle([message_of("flood", agent="member")])
    assert parts.recorder.delays == [0.0] * 4 + [pipeline_module.REST] * 4


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
def test_a_forged_message_of_our_own_stops_nothing(
    parts: Parts, session: Session, team: Hub, topic: str, body: dict[str, Any]
) -> None:
    worker = threading.Thread(
        target=parts.pipeline.handle,
        args=([message_of("forged", topic, **body), message_of("good", user="member")],),
        daemon=True,
    )
    worker.start()
    worker.join(5)
    assert not worker.is_alive()
    assert names(session, parts.recorder.requested) >= {"feed"}
    assert parts.pipeline.counts["failed"] == 0


def test_a_message_about_a_role_on_a_hidden_hub_contains_no_names(parts: Parts, session: Session, team: Hub) -> None:
    team.visibility = Visibility.MEMBERS
    session.commit()
    deliver_outbox(parts, session)
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


def test_a_widget_with_a_narrower_audience_leaves_open_pages(
    parts: Parts, session: Session, registry: Registry, team: Hub
) -> None:
    row = next(row for row in team.widgets if row.plugin == "sticky")
    deliver_outbox(parts, session)
    widgets.update(session, registry, as_person(session, "owner"), row, {"text": "x"}, "Plans", visibility="owners")
    session.commit()
    body = last_body(session)
    assert (body["agent"], body["hub_name"], body["widget_label"], body["widget_id"]) == ("", "", "", row.id)
    deliver_outbox(parts, session)
    assert (f"hub:{team.id}:public:en", "layout") in [event[:2] for event in parts.recorder.published]


def test_feeds_drop_messages_about_a_hub_that_is_no_longer_public(parts: Parts, session: Session, team: Hub) -> None:
    fields = {"username": "member", "hub_name": "otters", "hub_url": "http://127.0.0.1/t/otters/", "role": "member"}
    other = {**fields, "hub_name": "sea-otters", "hub_url": "http://127.0.0.1/t/sea-otters/"}
    parts.pipeline.handle(
        [message_of("m1", "hubs.user.role.added", **fields), message_of("m2", "hubs.user.role.added", **other)]
    )
    deliver_outbox(parts, session)
    parts.recorder.requested.clear()
    hub_actions.update(session, as_person(session, "owner"), team, {"visibility": "members"})
    deliver_outbox(parts, session)
    session.expire_all()
    stored = {row.msg_id for row in session.query(StoredMessage) if "otters/" in str(row.body)}
    assert stored == {"m2"}
    assert "feed" in names(session, parts.recorder.requested)


def test_feeds_no_longer_show_a_hub_that_was_renamed_and_then_closed(
    parts: Parts, session: Session, registry: Registry, team: Hub
) -> None:
    owner = as_person(session, "owner")
    lifecycle.rename(session, owner, team, "sea-otters")
    # Another hub takes the old name, which must not be mistaken for the one that is hidden.
    other = hub_actions.create(session, registry, user_of(session, "stranger"), "team", "otters")
    deliver_outbox(parts, session)
    parts.recorder.requested.clear()
    hub_actions.update(session, owner, team, {"visibility": "members"})
    roles.give_role(session, owner, team, user_of(session, "stranger"), RoleName.MEMBER)
    deliver_outbox(parts, session)
    session.expire_all()
    rows = session.query(StoredMessage).filter_by(about_hub_id=team.id).all()
    assert [row for row in rows if row.people or row.sentence or "otters" in str(row.body)] == []
    assert session.query(StoredMessage).filter_by(about_hub_id=other.id).count() > 0
    assert "feed" in names(session, parts.recorder.requested)
    # The role message reached the renamed hub: what its new member does now concerns it.
    parts.recorder.requested.clear()
    parts.pipeline.handle([message_of("m1", agent="stranger")])
    assert team.id in {session.get_one(Widget, number).hub_id for number in parts.recorder.requested}


def test_lists_of_hubs_follow_the_visibility_of_a_hub(parts: Parts, session: Session, team: Hub) -> None:
    deliver_outbox(parts, session)
    parts.recorder.requested.clear()
    hub_actions.update(session, as_person(session, "owner"), team, {"visibility": "members"})
    deliver_outbox(parts, session)
    listing = session.query(Widget).filter_by(plugin="subscriptions").join(Hub).all()
    expected = {row.id for row in listing if row.hub.name in ("owner", "member", "subscriber")}
    assert expected
    assert expected <= set(parts.recorder.requested)


def test_messages_lost_on_the_bus_are_handled_from_the_outbox(
    parts: Parts, session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_actions.update(session, as_person(session, "owner"), team, {"summary": "lost"})
    session.commit()
    parts.config_changes.sweep_outbox()
    assert outbox(session) != []  # a message may still be on its way
    monkeypatch.setattr(config_changes_module, "PATIENCE", timedelta(seconds=-1))
    parts.config_changes.sweep_outbox()
    assert outbox(session) == []
    assert (f"hub:{team.id}:public:en", "layout") in [event[:2] for event in parts.recorder.published]


def test_messages_without_confirmation_by_redis_are_handled_again_after_the_outage(
    parts: Parts, session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver_outbox(parts, session)
    monkeypatch.setattr(config_changes_module, "PATIENCE", timedelta(seconds=-1))
    parts.recorder.unavailable = True
    hub_actions.update(session, as_person(session, "owner"), team, {"summary": "lost"})
    deliver_outbox(parts, session)
    assert outbox(session) == ["hubs.hub.updated"]
    parts.config_changes.sweep_outbox()
    parts.recorder.published.clear()
    parts.config_changes.sweep_outbox()
    assert parts.recorder.published == []  # until Redis is back, another try costs builds and brings nothing
    parts.recorder.unavailable = False
    parts.config_changes.sweep_outbox()
    assert outbox(session) == []
    assert (f"hub:{team.id}:public:en", "layout") in [event[:2] for event in parts.recorder.published]


def removal(msg_id: str = "g1") -> Message:
    body = {"agent": "owner", "group": "otters", "user": "member"}
    return replace(message_of(msg_id, "fas.group.member.remove", **body), authenticated=True)


def is_member(session: Session, team: Hub) -> bool:
    session.expire_all()
    return [user.username for user in team.people(RoleName.MEMBER)] == ["member"]


def test_a_group_message_and_its_effects_are_committed_together(
    parts: Parts, session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.group_name = "otters"
    session.commit()
    parts.config_changes._groups = GroupMessages("org.fedoraproject.dev", 400)
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


def test_a_group_message_whose_effects_fail_is_not_stored_and_affects_no_neighbour(
    parts: Parts, session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.group_name = "otters"
    session.commit()

    def fail(session: Session, message: Message) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(parts.config_changes, "follow_group", fail)
    parts.pipeline.handle([message_of("one", agent="member"), removal(), message_of("two", agent="member")])
    assert {row.msg_id for row in session.query(StoredMessage)} == {"one", "two"}
    monkeypatch.undo()
    parts.config_changes._groups = GroupMessages("org.fedoraproject.dev", 400)
    parts.pipeline.handle([removal()])
    assert not is_member(session, team)


def test_the_sweep_finds_hubs_changed_or_removed_without_a_message(
    parts: Parts, session: Session, registry: Registry, team: Hub
) -> None:
    row = widgets.add(session, registry, as_person(session, "owner"), team, "feed", "left", {"username": "faraway"})
    team.updated_on = now()
    session.commit()
    parts.refresher.sweep()
    assert list(parts.index.touched(parts.pipeline._extract(message_of("x", agent="faraway")))) == [row.id]
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


def test_people_mentioned_on_a_hub_they_follow_are_notified(parts: Parts, session: Session, team: Hub) -> None:
    everybody = ["owner", "member", "subscriber", "stranger"]
    parts.pipeline.handle(
        [message_of("one", "tides.turned", agent="member", users=everybody), message_of("two", user="owner")]
    )
    sentence = session.query(StoredMessage).filter_by(msg_id="one").one().sentence
    assert mentioned(session) == {("owner", sentence), ("subscriber", sentence)}
    channels = {channel for channel, kind, _ in parts.recorder.published if kind == "notice"}
    assert channels == {f"user:{user_of(session, name).id}" for name in ("owner", "subscriber")}
    told = next(data for _, kind, data in parts.recorder.published if kind == "notice")
    assert told == {"kind": "inbox", "count": 0, "news": 1, "hubs": [team.id]}
    parts.pipeline.handle([message_of("one", "tides.turned", title="Thanks", agent="member", users=everybody)])
    assert session.query(Notice).count() == 2


def test_a_hidden_activity_notifies_nobody(parts: Parts, session: Session, team: Hub) -> None:
    user_of(session, "member").activity = Visibility.OWNERS
    session.commit()
    parts.pipeline.handle(
        [message_of("one", "tides.turned", title="Thanks", agent="member", users=["owner", "member"])]
    )
    assert mentioned(session) == set()


def test_subscribers_of_a_closed_hub_are_not_notified(parts: Parts, session: Session, team: Hub) -> None:
    team.visibility = Visibility.MEMBERS
    session.commit()
    parts.pipeline.handle(
        [message_of("one", "tides.turned", title="Thanks", agent="member", users=["owner", "subscriber"])]
    )
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
def test_a_topic_that_only_resembles_ours_is_dropped(parts: Parts, session: Session, topic: str) -> None:
    forged = replace(message_of("forged", agent="owner", hub_url="https://evil.example/t/otters/"), topic=topic)
    parts.pipeline.handle([message_of("before", agent="owner"), forged, message_of("after", agent="owner")])
    stored = {row.msg_id for row in session.query(StoredMessage)}
    assert stored == ({"before", "after"} if forged.category == "hubs" else {"before", "forged", "after"})
    assert parts.pipeline.counts["foreign"] == (forged.category == "hubs")


def test_a_message_that_breaks_a_reader_does_not_affect_its_neighbours(
    parts: Parts, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract = parts.pipeline._extract

    def breaking(message: Message) -> Message:
        if message.msg_id == "bad":
            raise ZeroDivisionError
        return extract(message)

    monkeypatch.setattr(parts.pipeline, "_extract", breaking)
    parts.pipeline.handle([message_of("first", agent="owner"), message_of("bad"), message_of("last", agent="owner")])
    assert {row.msg_id for row in session.query(StoredMessage)} == {"first", "last"}
    refused_row = session.query(RefusedMessage).one()
    assert (refused_row.msg_id, refused_row.reason) == ("bad", "ZeroDivisionError()")


def test_nul_and_lone_surrogates_are_replaced_when_stored(parts: Parts, session: Session) -> None:
    parts.pipeline.handle([message_of("odd", agent="owner", title="a\x00b\ud800c 😀")])
    assert session.query(StoredMessage).one().body == {"agent": "owner", "title": "a\ufffdb\ufffdc 😀"}


def test_an_outbox_row_that_cannot_be_handled_is_set_aside(
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
    update_index = parts.config_changes.update_index

    def breaking(message: Message) -> None:
        if "odd" in message.body:
            raise ZeroDivisionError
        update_index(message)

    monkeypatch.setattr(parts.config_changes, "update_index", breaking)
    for _ in range(outbox_actions.MOST_ATTEMPTS):
        parts.config_changes.sweep_outbox()
    session.expire_all()
    odd, good = session.query(OutboxMessage).order_by(OutboxMessage.id)
    assert (odd.attempts, odd.handled_at) == (outbox_actions.MOST_ATTEMPTS, None)
    assert good.handled_at is not None
    assert outbox_actions.unhandled(session, now()) == []
    assert outbox_actions.set_aside(session) == 1
