"""Deliveries reach the pipeline once, and what they say is shown on their own hub and nowhere else."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import fakeredis
import pytest
import redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import watermarks, widgets
from hubs.actions.people import roles, stream
from hubs.actions.privacy import account_data
from hubs.actions.webhooks import deliveries, hooks
from hubs.backend.index.index import Index
from hubs.backend.ingest.extract import Extractor
from hubs.backend.webhooks import WebhookIngress
from hubs.bus import Message, acknowledge, from_webhook, parse
from hubs.cache import SQLiteCache
from hubs.errors import BadMessage
from hubs.models import (
    Database,
    DeliveryState,
    Hub,
    MessagePerson,
    Notice,
    RoleName,
    User,
    Visibility,
    Webhook,
    WebhookDelivery,
    Widget,
    now,
)
from hubs.widgets.caching import BuildContext, attach_context
from hubs.widgets.feed.cards import read
from hubs.widgets.registry import Registry
from hubs.widgets.shared.daily_counts import daily_counts
from hubs.widgets.shared.messages import MessageScope
from tests.services import wait_for
from tests.unit.actions.webhooks.test_hooks import create
from tests.unit.backend.ingest.test_pipeline import Parts, parts  # noqa: F401 - a fixture
from tests.unit.bus.webhooks.samples import FORGE
from tests.unit.conftest import as_person, make_user, user_of

PREFIX = "org.fedoraproject.dev"
FORGE_BODY: dict[str, Any] = {**FORGE, "hook_event": "issues"}


@dataclass
class Source:
    """An ingress whose messages are collected, on an embedded Redis."""

    ingress: WebhookIngress
    server: fakeredis.FakeRedis
    messages: list[Message] = field(default_factory=list)
    full: bool = False

    def put(self, message: Message) -> bool:
        if not self.full:
            self.messages.append(message)
        return not self.full


@pytest.fixture
def source(database: Database) -> Iterator[Source]:
    server = fakeredis.FakeRedis()
    source = Source(None, server)  # type: ignore[arg-type]
    source.ingress = WebhookIngress(database, lambda: server, source.put, PREFIX)
    yield source
    source.ingress.stop()


def arrive(session: Session, hook: Webhook, **values: Any) -> WebhookDelivery:
    """Store a delivery as the web app does."""
    row = WebhookDelivery(
        webhook_id=hook.id,
        state=DeliveryState.WAITING,
        **{"topic": "forgejo.issues", "msg_id": f"m-{time.monotonic_ns()}", "body": FORGE_BODY, **values},
    )
    session.add(row)
    session.commit()
    return row


@pytest.fixture
def hook(session: Session, team: Hub) -> Webhook:
    hook, _secret = create(session, team)
    session.commit()
    return hook


def state(session: Session, row: WebhookDelivery) -> DeliveryState:
    session.expire_all()
    return session.get_one(WebhookDelivery, row.id).state


def test_a_delivery_is_handed_over_once_and_noted_after_the_commit(
    session: Session, hook: Webhook, source: Source
) -> None:
    row = arrive(session, hook)
    source.ingress.look()
    source.ingress.look()
    (message,) = source.messages
    assert (message.topic, message.hub_id, message.msg_id) == (f"{PREFIX}.forgejo.issues", hook.hub_id, row.msg_id)
    assert message.received_at == row.received_at
    assert state(session, row) == DeliveryState.WAITING
    acknowledge(source.messages)
    source.ingress.look()
    assert state(session, row) == DeliveryState.HANDLED
    assert session.get_one(WebhookDelivery, row.id).body is None


def test_deliveries_that_no_daemon_finished_are_handed_over_by_the_next(
    session: Session, database: Database, hook: Webhook, source: Source
) -> None:
    row = arrive(session, hook)
    source.ingress.look()
    messages: list[Message] = []
    WebhookIngress(database, lambda: source.server, lambda message: not messages.append(message), PREFIX).look()  # type: ignore[func-returns-value]
    assert [message.msg_id for message in messages] == [row.msg_id]


def test_a_full_pipeline_loses_nothing(session: Session, hook: Webhook, source: Source) -> None:
    row = arrive(session, hook)
    source.full = True
    source.ingress.look()
    assert (source.messages, state(session, row)) == ([], DeliveryState.WAITING)
    source.full = False
    source.ingress.look()
    assert len(source.messages) == 1


def test_a_delivery_that_cannot_be_used_does_not_hold_up_others(
    session: Session, hook: Webhook, source: Source
) -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"a": deep}
    bad, good = arrive(session, hook, body=deep), arrive(session, hook)
    source.ingress.look()
    assert [message.msg_id for message in source.messages] == [good.msg_id]
    assert state(session, bad) == DeliveryState.REFUSED
    assert "nested deeper" in session.get_one(WebhookDelivery, bad.id).reason


def test_the_thread_hears_of_a_delivery_at_once(session: Session, hook: Webhook, source: Source) -> None:
    source.ingress.start()
    wait_for(lambda: source.server.pubsub_numsub(deliveries.CHANNEL)[0][1], "the subscription")
    time.sleep(0.6)  # its first look
    arrive(session, hook)
    started = time.monotonic()
    source.server.publish(deliveries.CHANNEL, "")
    wait_for(lambda: source.messages, "the message")
    assert time.monotonic() - started < 1.0


def test_without_redis_the_thread_looks_by_itself(session: Session, database: Database, hook: Webhook) -> None:
    def fail() -> fakeredis.FakeRedis:
        raise redis.ConnectionError("there is none")

    messages: list[Message] = []
    ingress = WebhookIngress(database, fail, lambda message: not messages.append(message), PREFIX)  # type: ignore[func-returns-value]
    arrive(session, hook)
    ingress.start()
    wait_for(lambda: messages, "the message")
    ingress.stop()


def message_of(hub: Hub, topic: str = "forgejo.issues", **body: Any) -> Message:
    msg_id = f"m-{time.monotonic_ns()}"
    return from_webhook(msg_id, f"{PREFIX}.{topic}", {**FORGE_BODY, **body}, hub.id, now())


def own_hub(session: Session, username: str) -> Hub:
    hub = account_data.own_hub(session, user_of(session, username))
    assert hub is not None
    return hub


@pytest.fixture
def linked(session: Session, registry: Registry, team: Hub) -> Hub:
    """Let a member and a stranger link their logins, and let two teams follow the same project."""
    for username, login in (("member", "kofi-f"), ("stranger", "rana-f"), ("owner", "tove-f")):
        own_hub(session, username).extras = {"forgejo_username": f"forge.example/{login}"}
        session.flush()
    other = hub_actions.create(session, registry, make_user(session, registry, "elsewhere"), "team", "seals")
    roles.give_role(session, as_person(session, "elsewhere"), other, user_of(session, "member"), RoleName.MEMBER)
    for hub, username in ((team, "owner"), (other, "elsewhere")):
        values = {"project": "forgejo:forge.example/docs/handbook"}
        widgets.add(session, registry, as_person(session, username), hub, "issues", "right", values)
    session.commit()
    return team


def test_a_webhook_touches_widgets_of_its_own_hub_only(session: Session, linked: Hub, parts: Parts) -> None:  # noqa: F811
    parts.refresher.load()
    parts.pipeline._extract.insiders = parts.index.insiders
    by_bus = parse(
        {"topic": f"{PREFIX}.forgejo.issues", "msg": {**FORGE_BODY}, "msg_id": "b-1", "timestamp": time.time()}
    )
    touched = parts.index.touched(parts.pipeline._extract(by_bus))
    assert {session.get_one(Widget, number).hub.name for number in touched} == {
        "otters",
        "seals",
        "member",
        "stranger",
    }
    parts.pipeline.handle([message_of(linked)])
    rows = [session.get_one(Widget, number) for number in parts.recorder.requested]
    assert {row.hub.name for row in rows} == {"otters"}
    assert {"feed", "issues"} <= {row.plugin for row in rows}


def shown_on(session: Session, hub: Hub, username: str = "") -> list[str]:
    scope = MessageScope(hub, username or (hub.name if hub.kind == "user" else ""), Visibility.PUBLIC)
    return [item.sentence for item in read(session, scope, 10, [])]


def test_only_its_hub_shows_what_a_webhook_says(session: Session, linked: Hub, parts: Parts) -> None:  # noqa: F811
    parts.refresher.load()
    parts.pipeline._extract.insiders = parts.index.insiders
    activity_before = {user.username: user.last_active for user in session.scalars(select(User))}
    # Without a hub it would be a mention of the owner, who follows the hub, by the member.
    issue = {**FORGE_BODY["issue"], "assignees": [{"login": "tove-f"}]}
    parts.pipeline.handle([message_of(linked, issue=issue)])
    session.expire_all()
    (sentence,) = shown_on(session, linked)
    assert sentence == "Member opened the issue docs/handbook#12 “Chapter 3 has a dead link”"
    for hub in session.scalars(select(Hub).where(Hub.id != linked.id)):
        assert shown_on(session, hub) == [], hub.name
        assert shown_on(session, hub, "member") == [], hub.name
    for person in (as_person(session, "member"), as_person(session, "subscriber"), as_person(session, "stranger")):
        assert stream.read(session, person).items == []
        assert stream.count_newer(session, person, "all", "") == 0
    assert session.scalars(select(Notice).where(Notice.message_id.is_not(None))).all() == []
    assert {user.username: user.last_active for user in session.scalars(select(User))} == activity_before
    # The stranger, though linked, is not named: they are no member.
    assert set(session.scalars(select(MessagePerson.username))) == {"member", "owner", f"hub:{linked.id}"}


def test_charts_count_what_a_webhook_says_on_its_hub_only(session: Session, linked: Hub, parts: Parts) -> None:  # noqa: F811
    parts.refresher.load()
    parts.pipeline._extract.insiders = parts.index.insiders
    parts.pipeline.handle([message_of(linked), message_of(linked, sender={"login": "nobody-f"})])
    counts = {}
    for name in ("otters", "seals", "member"):
        hub = session.scalars(select(Hub).where(Hub.name == name)).one()
        feed = next(row for row in hub.widgets if row.plugin in ("feed", "activity"))
        counts[name] = sum(daily_counts(feed, now() - timedelta(hours=1)).values())
    assert counts == {"otters": 2, "seals": 0, "member": 0}


def test_hubs_with_the_same_members_do_not_share_their_counts(
    session: Session,
    linked: Hub,
    parts: Parts,  # noqa: F811
    registry: Registry,
    tmp_path: Path,
) -> None:
    owner = user_of(session, "owner")
    twin = hub_actions.create(session, registry, owner, "team", "twins")
    roles.give_role(session, as_person(session, "owner"), twin, user_of(session, "member"), RoleName.MEMBER)
    session.commit()
    received = now() - timedelta(days=5)
    parts.pipeline.handle([replace(message_of(linked), received_at=received, sent_at=received)])
    cache, since, counts = SQLiteCache(tmp_path / "cache.db"), now() - timedelta(days=9), []
    for hub in (linked, twin):
        feed = next(row for row in hub.widgets if row.plugin == "feed")
        attach_context(feed, BuildContext(cache=cache))
        counts.append(sum(daily_counts(feed, since).values()))
    cache.close()
    assert counts == [1, 0]


def test_a_persons_own_hub_shows_what_its_webhook_says(session: Session, linked: Hub, parts: Parts) -> None:  # noqa: F811
    parts.refresher.load()
    parts.pipeline._extract.insiders = parts.index.insiders
    hub = own_hub(session, "subscriber")
    parts.pipeline.handle([message_of(hub)])
    assert len(shown_on(session, hub)) == 1
    assert {session.get_one(Widget, number).hub.name for number in parts.recorder.requested} == {"subscriber"}
    assert shown_on(session, linked) == []
    assert shown_on(session, linked, "subscriber") == []


@pytest.mark.parametrize(
    ("topic", "body", "users", "sentence"),
    [
        ("forgejo.issues", {}, {"member"}, "member opened the issue"),
        ("forgejo.issues", {"sender": {"login": "rana-f"}}, set(), "rana-f opened the issue"),
        # Neither a plain username nor a chat nick is taken for an account.
        ("weblate.added", {"project": "docs", "user": "member"}, set(), "member worked on the translation docs"),
        ("discourse.solved.x", {"solved": {"username": "member", "topic_title": "T"}}, set(), "member solved"),
        ("cloudevents.event", {"type": "a", "data": {"user": "member"}}, set(), "member:"),
        ("webhook.test", {"agent": "member", "name": "Forge"}, {"member"}, "member tested the webhook “Forge”"),
        ("webhook.test", {"agent": "stranger", "name": "Forge"}, set(), "stranger tested the webhook “Forge”"),
        ("forgejo.unheard_of", {"repository": None, "issue": None, "sender": None}, set(), "forgejo.unheard_of"),
    ],
)
def test_only_members_who_linked_their_accounts_are_named(
    session: Session, linked: Hub, topic: str, body: dict[str, Any], users: set[str], sentence: str, registry: Registry
) -> None:
    index = Index(registry)
    for hub in session.scalars(select(Hub)):
        index.replace(hub)
    extract = Extractor(index.directory)
    extract.insiders = index.insiders
    found = extract(message_of(linked, topic, **body))
    assert found.users == users
    assert found.sentence.startswith(sentence)
    assert (found.packages, found.groups) == (frozenset(), frozenset())
    if found.activity is not None and "member" not in users:
        assert found.activity.actor != "member"  # or a reader of that name would read “You”


def test_a_webhook_cannot_speak_for_this_instance(linked: Hub) -> None:
    with pytest.raises(BadMessage, match="cannot speak for this instance"):
        message_of(linked, "hubs.hub.updated")


def test_a_webhook_does_not_move_the_watermark_of_history(session: Session, linked: Hub, parts: Parts) -> None:  # noqa: F811
    parts.pipeline.handle([message_of(linked)])
    before = now()
    assert watermarks.ensure(session).complete_until >= before  # as if there were no message at all


def test_the_messages_of_a_webhook_end_with_its_hub(session: Session, linked: Hub, parts: Parts) -> None:  # noqa: F811
    parts.pipeline.handle([message_of(linked)])
    session.expire_all()
    assert session.scalars(select(MessagePerson)).all() != []
    session.delete(session.get_one(Hub, linked.id))
    session.commit()
    assert session.scalars(select(MessagePerson)).all() == []


def test_the_file_of_a_person_leaves_out_what_webhooks_said(
    session: Session,
    linked: Hub,
    parts: Parts,  # noqa: F811
    registry: Registry,
) -> None:
    parts.refresher.load()
    parts.pipeline._extract.insiders = parts.index.insiders
    parts.pipeline.handle([message_of(linked)])
    user = user_of(session, "member")
    assert account_data.export(session, registry, as_person(session, "member"), user)["messages"] == []


def test_an_owner_can_try_a_webhook(session: Session, team: Hub, hook: Webhook, parts: Parts) -> None:  # noqa: F811
    ingress = WebhookIngress(
        parts.pipeline._database, fakeredis.FakeRedis, lambda message: bool(tried(message)), PREFIX
    )

    def tried(message: Message) -> bool:
        parts.pipeline.handle([message])
        return True

    parts.refresher.load()
    parts.pipeline._extract.insiders = parts.index.insiders
    row = hooks.send_test(session, as_person(session, "owner"), team, hook)
    session.commit()
    ingress.look()
    ingress.look()
    assert state(session, row) == DeliveryState.HANDLED
    assert shown_on(session, team) == ["Owner tested the webhook “Forge”"]
