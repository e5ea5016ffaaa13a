"""Webhooks on the real stack, for tests and benchmarks: hubs with a webhook each, and deliveries to them."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from urllib.parse import urlsplit

from hubs import urls
from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.actions.webhooks import hooks
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.events.tokens import Tokens
from hubs.permissions import OPERATOR
from hubs.widgets.secrets import SecretBox
from tests.sse import Stream
from tests.stack import Stack
from tests.unit.bus.webhooks.samples import FORGE, ISSUE, SAMPLES


@dataclass(frozen=True)
class HookedHub:
    """A team with a webhook of a Forgejo."""

    name: str
    hub_id: int
    path: str
    secret: str


def hooked_hubs(stack: Stack, names: Sequence[str]) -> list[HookedHub]:
    """Create teams with one webhook each, and wait until the daemon knows them."""
    database, box, hubs = stack.database(), SecretBox(stack.settings.key()), []
    with database.transaction() as session:
        owner = roles.sign_up(session, stack.registry, f"owner-of-{names[0]}")
        for name in names:
            hub = hub_actions.create(session, stack.registry, owner, "team", name)
            hook, secret = hooks.create(session, OPERATOR, box, hub, "forgejo", "Forge", "docs")
            hubs.append(HookedHub(name, hub.id, urls.webhook(hook.address), secret))
    database.dispose()
    stack.settle()
    return hubs


def deliver(stack: Stack, hub: HookedHub, title: str, number: str = "", size: int = 0) -> tuple[int, bytes]:
    """Deliver the opening of an issue as Forgejo does; return status and body of the answer."""
    payload = {**FORGE, "issue": {**ISSUE, "title": title, "body": "x" * size}}
    request = replace(SAMPLES[0], payload=payload).request(hub.secret, time.time(), number or str(uuid.uuid4()))
    connection = HTTPConnection(urlsplit(stack.url).netloc, timeout=20)
    try:
        connection.request("POST", hub.path, request.body, dict(request.headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def listen(stack: Stack, hubs: Sequence[HookedHub], timeout: float = 30.0) -> Stream:
    """Open the stream that carries what visitors see of hubs."""
    channels = [hub_channel(hub.hub_id, "public", "en") for hub in hubs]
    token = Tokens(stack.settings.key(), 3600).mint(channels)
    return Stream(stack.events, token, EventLog(stack.settings.redis_url).cursor(), timeout=timeout)
