"""The shipped signing policy and the daemon together: nobody else can speak for Hubs, whatever the topic."""

import socket
from dataclasses import replace
from typing import Any

import pytest
from fedmsg.crypto.utils import validate_policy
from sqlalchemy.orm import Session

from hubs.actions import outbox
from hubs.models import StoredMessage
from tests.unit.backend.ingest.test_group_membership import bus  # noqa: F401 - a fixture
from tests.unit.backend.ingest.test_pipeline import Parts, message_of, parts  # noqa: F401 - a fixture

OURS = "org.fedoraproject.dev"
HOST = socket.gethostname().split(".", 1)[0]
FOREIGN = ("shell-somebody", f"hubs-{HOST}.evil.example", f"HUBS-{HOST}", "hubs", "")
#: Topics that a careless check of the beginning, the end or a part would take for ours.
NEAR_MISSES = (
    "org.fedoraproject.stg.hubs.hub.updated",
    "org.fedoraproject.prod.hubs.hub.updated",
    "org.evil.dev.hubs.hub.updated",
    "com.fedoraproject.dev.hubs.hub.updated",
    "org.fedoraproject.DEV.hubs.hub.updated",
    "ORG.fedoraproject.dev.hubs.hub.updated",
    "a.b.c.hubs.user.role.added",
    "...hubs.user.role.added",
    f"{OURS}.hubs.hub.updated.",
    f"{OURS}.hubs.hub.updated.more",
    f"{OURS}.hubs.hub",
    f"{OURS}.hubs.hub.",
    f"{OURS}.hubs",
    f"{OURS}.hubs.hub.UPDATED",
    f"{OURS}.hubs.hub.updated ",
    f"{OURS}.hubs.hub.updated\n",
    f"{OURS}.hubs.hub.updat\u0435d",
    f"{OURS}.hubs..hub.updated",
    f"{OURS}.hubs.user.role",
    f"{OURS}.hubs.widget.{{updated}}",
    f"{OURS}.hubs.*",
    f"{OURS}.hubs.widget.rebuilt",
)


@pytest.fixture
def config(bus: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:  # noqa: F811 - the fixture
    """Return the shipped configuration of fedmsg with signatures on, for the prefix of the tests."""
    monkeypatch.setenv("HUBS_ENVIRONMENT", "dev")
    found: dict[str, Any] = bus(SIGN="1")
    return found


def is_valid(config: dict[str, Any], topic: str, signer: str) -> bool:
    return bool(validate_policy(topic, signer, config["routing_policy"], config["routing_nitpicky"]))


@pytest.mark.parametrize("name", sorted(outbox.TOPICS))
def test_only_our_own_certificate_may_sign_our_topics(config: dict[str, Any], name: str) -> None:
    assert config["validate_signatures"]
    assert is_valid(config, f"{OURS}.{name}", f"hubs-{HOST}")
    assert not any(is_valid(config, f"{OURS}.{name}", signer) for signer in FOREIGN)


def test_the_policy_names_our_topics_and_no_others(config: dict[str, Any]) -> None:
    named = {topic for topic in config["routing_policy"] if topic.startswith(f"{OURS}.hubs.")}
    assert named == {f"{OURS}.{name}" for name in outbox.TOPICS}


@pytest.mark.parametrize("topic", NEAR_MISSES)
def test_a_near_miss_never_counts_as_ours(
    parts: Parts,  # noqa: F811 - the fixture
    session: Session,
    config: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    topic: str,
) -> None:
    acted: list[str] = []
    monkeypatch.setattr(parts.config_changes, "update_index", lambda message: acted.append(message.topic))
    monkeypatch.setattr(parts.config_changes, "handle", lambda message: acted.append(message.topic))
    # fedmsg accepts any signer for topics without a policy, so the daemon has to refuse them.
    assert is_valid(config, topic, "shell-somebody")
    forged = replace(message_of("forged", hub_url="https://evil.example/t/otters/", username="owner"), topic=topic)
    ours = replace(message_of("ours", hub_url="http://127.0.0.1/t/otters/"), topic=f"{OURS}.hubs.hub.updated")
    parts.pipeline.handle([forged, ours])
    assert set(acted) == {ours.topic}
    assert "evil.example" not in str([(row.link, row.sentence) for row in session.query(StoredMessage)])


def test_there_are_twenty_near_misses() -> None:
    assert len(set(NEAR_MISSES)) >= 20
