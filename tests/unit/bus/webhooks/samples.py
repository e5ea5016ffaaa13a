"""Deliveries as the services' documentation shows them, and how each service signs.

Shapes: GitHub “Webhook events and payloads”, Forgejo 12 “Webhooks”, GitLab 18 “Webhook events”, Discourse's hooks as
`webhook-to-fedora-messaging` 1.5 has them, Weblate 5.17's `weblate-messaging.schema.json`, the specifications of
Standard Webhooks 1.0 and of CloudEvents 1.0.2. People are invented.
"""

import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hubs.bus.webhooks import HookRequest
from hubs.bus.webhooks.signatures import sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
NOW = 1_790_000_000.0
REPOSITORY = {"full_name": "docs/handbook", "html_url": "https://forge.example/docs/handbook"}
ISSUE = {
    "number": 12,
    "title": "Chapter 3 has a dead link",
    "html_url": "https://forge.example/docs/handbook/issues/12",
    "user": {"login": "rana-f"},
}
FORGE = {"action": "opened", "issue": ISSUE, "repository": REPOSITORY, "sender": {"login": "kofi-f"}}


@dataclass(frozen=True)
class Sample:
    """What one service sends about one event, and what that is."""

    service: str
    headers: Mapping[str, str]
    payload: Mapping[str, Any]
    topic: str
    project: str
    sentence: str

    def request(self, secret: str = SECRET, now: float = NOW, number: str = "") -> HookRequest:
        """Return the signed delivery; ``number`` is its id."""
        body = json.dumps(self.payload).encode()
        headers = {"content-type": "application/json", **self.headers}
        signed = SIGNERS[self.service](body, secret, now, number or str(uuid.uuid4()))
        return HookRequest({name.lower(): value for name, value in (headers | signed).items()}, body)


def _hex(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def _forgejo(body: bytes, secret: str, now: float, number: str) -> dict[str, str]:
    signature = _hex(secret, body)
    return {
        "X-Forgejo-Delivery": number,
        "X-Gitea-Delivery": number,
        "X-GitHub-Delivery": number,
        "X-Forgejo-Signature": signature,
        "X-Gitea-Signature": signature,
        "X-Hub-Signature-256": f"sha256={signature}",
    }


def _gitea(body: bytes, secret: str, now: float, number: str) -> dict[str, str]:
    headers = _forgejo(body, secret, now, number)
    return {name: value for name, value in headers.items() if "Forgejo" not in name}


def _github(body: bytes, secret: str, now: float, number: str) -> dict[str, str]:
    return {"X-GitHub-Delivery": number, "X-Hub-Signature-256": f"sha256={_hex(secret, body)}"}


def _gitlab(body: bytes, secret: str, now: float, number: str) -> dict[str, str]:
    return {"X-Gitlab-Token": secret, "Idempotency-Key": number}


def _discourse(body: bytes, secret: str, now: float, number: str) -> dict[str, str]:
    return {"X-Discourse-Event-Id": number, "X-Discourse-Event-Signature": f"sha256={_hex(secret, body)}"}


def standard(body: bytes, secret: str, now: float, number: str) -> dict[str, str]:
    """Return the headers of Standard Webhooks."""
    signature = sign(f"{number}.{int(now)}.".encode() + body, secret)
    return {"webhook-id": number, "webhook-timestamp": str(int(now)), "webhook-signature": signature}


def _weblate(body: bytes, secret: str, now: float, number: str) -> dict[str, str]:
    # Its add-on sends a fraction of a second, and signs the whole seconds.
    return standard(body, secret, now, number) | {"webhook-timestamp": str(int(now) + 0.25)}


def _bearer(body: bytes, secret: str, now: float, number: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


SIGNERS = {
    "forgejo": _forgejo,
    "gitea": _gitea,
    "github": _github,
    "gitlab": _gitlab,
    "discourse": _discourse,
    "weblate": _weblate,
    "standard": standard,
    "cloudevents": _bearer,
}
CLOUDEVENT = {
    "specversion": "1.0",
    "id": "run-7",
    "source": "https://ci.example.org/docs",
    "type": "org.example.run.finished",
    "subject": "run 7 of docs",
    "data": {"url": "https://ci.example.org/docs/7", "user": {"name": "kofi-f"}},
}
POST = {
    "id": 501,
    "username": "rana",
    "post_number": 2,
    "topic_id": 90,
    "topic_slug": "no-sound",
    "topic_title": "No sound",
    "category_slug": "ask",
}
SAMPLES = [
    Sample(
        "forgejo",
        {"X-Forgejo-Event": "issues", "X-Gitea-Event": "issues", "X-GitHub-Event": "issues"},
        FORGE,
        "forgejo.issues",
        "docs/handbook",
        "kofi-f opened the issue docs/handbook#12 “Chapter 3 has a dead link”",
    ),
    Sample(
        "gitea",
        {"X-Gitea-Event": "issues", "X-GitHub-Event": "issues"},
        FORGE,
        "forgejo.issues",
        "docs/handbook",
        "kofi-f opened the issue docs/handbook#12 “Chapter 3 has a dead link”",
    ),
    Sample(
        "github",
        {"X-GitHub-Event": "push", "User-Agent": "GitHub-Hookshot/044aadd"},
        {"ref": "refs/heads/main", "repository": REPOSITORY, "sender": {"login": "kofi-gh"}, "commits": []},
        "github.push",
        "docs/handbook",
        "kofi-gh pushed to docs/handbook (main)",
    ),
    Sample(
        "gitlab",
        {"X-Gitlab-Event": "Merge Request Hook", "X-Gitlab-Event-UUID": "13792a34-cac6-4fda-95a8-c58e00a3954e"},
        {
            "object_kind": "merge_request",
            "user": {"username": "kofi-gl"},
            "project": {"path_with_namespace": "sea/tides", "web_url": "https://gitlab.example/sea/tides"},
            "object_attributes": {"iid": 3, "title": "Count the tides", "action": "open"},
        },
        "gitlab.merge_request",
        "sea/tides",
        "kofi-gl opened the pull request sea/tides!3 “Count the tides”",
    ),
    Sample(
        "discourse",
        {
            "X-Discourse-Instance": "https://discuss.example",
            "X-Discourse-Event": "post_created",
            "X-Discourse-Event-Type": "post",
        },
        {"post": POST},
        "discourse.post.post_created",
        "discuss.example/ask",
        "rana wrote in the topic “No sound”",
    ),
    Sample(
        "weblate",
        {},
        {
            "change_id": 1,
            "action": "Translation changed",
            "timestamp": "2026-11-03T10:51:26+00:00",
            "url": "https://weblate.example/projects/docs/handbook/de/",
            "author": "tove",
            "user": "tove",
            "project": "docs",
            "component": "handbook",
            "translation": "de",
            "source": ["Hello"],
        },
        "weblate.translation_changed",
        "docs/handbook",
        "tove worked on the translation docs/handbook (de) (Translation changed)",
    ),
    Sample(
        "standard",
        {},
        {"type": "invoice.paid", "timestamp": "2026-11-03T10:51:26Z", "data": {"project": "ci", "title": "Invoice 7"}},
        "webhook.event",
        "ci",
        "“Invoice 7” was reported (invoice.paid)",
    ),
    Sample(
        "cloudevents",
        {"Content-Type": "application/cloudevents+json"},
        CLOUDEVENT,
        "cloudevents.event",
        "ci.example.org/docs",
        "kofi-f: “run 7 of docs” (org.example.run.finished)",
    ),
    Sample(
        "cloudevents",
        {f"ce-{name}": str(value) for name, value in CLOUDEVENT.items() if name != "data"},
        CLOUDEVENT["data"],  # type: ignore[arg-type]
        "cloudevents.event",
        "ci.example.org/docs",
        "kofi-f: “run 7 of docs” (org.example.run.finished)",
    ),
]
SAMPLE_IDS = [f"{sample.service}-{number}" for number, sample in enumerate(SAMPLES)]
