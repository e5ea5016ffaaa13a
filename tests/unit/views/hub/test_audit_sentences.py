"""Sentences about the entries of the audit log."""

import re
from pathlib import Path
from typing import Any

import pytest

from hubs.actions import outbox
from hubs.models import AuditEntry
from hubs.views.hub import audit_sentences

FIELDS = {"username": "bram", "role": "owner"}
SOURCES = Path(outbox.__file__).parent


def told(action: str, agent: str = "elowen", **detail: Any) -> str:
    entry = AuditEntry(action=action, agent=agent, detail=detail)
    accounts = {"elowen": "Elowen", "bram": "Bram"}
    return "".join(part.text for part in audit_sentences.describe(entry, accounts))


@pytest.mark.parametrize(
    ("action", "agent", "detail", "sentence"),
    [
        ("hubs.user.role.added", "elowen", FIELDS, "Elowen made Bram an owner"),
        ("hubs.user.role.added", "", {**FIELDS, "role": "member"}, "Bram became a member"),
        ("hubs.user.role.changed", "elowen", {**FIELDS, "old_role": "member"}, "Elowen made Bram an owner"),
        ("hubs.user.role.removed", "elowen", {**FIELDS, "role": "stargazer"}, "Bram took back the star"),
        ("hubs.hub.updated", "elowen", {"changed_keys": ["summary"]}, "Elowen changed “Summary”"),
        (
            "hubs.hub.updated",
            "elowen",
            {"changed_keys": ["display_name", "summary", "website"]},
            "Elowen changed “Title”, “Summary”, and “Website”",
        ),
        (
            "hubs.hub.updated",
            "elowen",
            {"changed_keys": ["archived"], "values": {"archived": [True, False]}},
            "Elowen took the hub out of the archive",
        ),
        ("hubs.hub.updated", "elowen", {"changed_keys": ["archived"]}, "Elowen changed “Archived”"),
        ("hubs.hub.updated", "elowen", {"changed_keys": ["deleted", "visibility"]}, "Elowen deleted the hub"),
        (
            "hubs.hub.updated",
            "elowen",
            {"changed_keys": ["deleted", "visibility"], "act": "restored"},
            "Elowen restored the hub",
        ),
        ("hubs.hub.updated", "", {"changed_keys": ["deleted"]}, "The deleted hub was removed for good"),
        (
            "hubs.hub.updated",
            "elowen",
            {"changed_keys": ["webhooks"], "webhook": "Forge", "act": "rotated"},
            "Elowen gave the webhook Forge a new secret",
        ),
        (
            "hubs.hub.updated",
            "elowen",
            {"changed_keys": ["keys"], "key": "https://discuss.example", "act": "entered"},
            "Elowen entered a key for https://discuss.example",
        ),
        (
            "hubs.hub.updated",
            "elowen",
            {"changed_keys": ["announcements"], "announcement": "Party", "act": "published"},
            "Elowen published the announcement Party",
        ),
        ("hubs.hub.updated", "elowen", {}, "Elowen changed the hub"),
        (
            "hubs.widget.updated",
            "elowen",
            {"changed_keys": ["position"], "widget_label": "About"},
            "Elowen moved About",
        ),
        ("hubs.widget.updated", "", {"changed_keys": ["content"], "widget_label": "CI"}, "CI got new content"),
        ("hubs.invitation.created", "elowen", FIELDS, "Elowen invited Bram"),
        ("hubs.something.new", "elowen", {}, "hubs.something.new"),
        ("hubs.hub.updated", "elowen", {"changed_keys": "odd", "values": 3}, "Elowen changed the hub"),
    ],
)
def test_an_entry_is_a_sentence(action: str, agent: str, detail: dict[str, Any], sentence: str) -> None:
    assert told(action, agent, **detail) == sentence


def test_every_recorded_action_has_a_sentence() -> None:
    written = {
        topic for path in SOURCES.rglob("*.py") for topic in re.findall(r'"(hubs(?:\.[a-z]+)+)"', path.read_text())
    }
    written = {topic for topic in written if re.match(r"hubs\.(user|hub|widget|request|invitation)\.", topic)}
    assert written >= outbox.TOPICS - {"hubs.help.updated"}, "that one is published without an entry"
    unknown = [topic for topic in sorted(written) if told(topic, username="bram", role="owner") == topic]
    assert unknown == []


def test_values_are_read_from_well_formed_details_only() -> None:
    def changes(**detail: Any) -> list[Any]:
        return audit_sentences.changes(AuditEntry(action="hubs.hub.updated", agent="", detail=detail))

    assert changes(values={"visibility": ["public", "members"]}) == [("visibility", "public", "members")]
    assert changes(role="owner", old_role="member") == [("role", "member", "owner")]
    assert changes(values={"visibility": "public"}) == []
    assert changes(values=[1]) == []
