"""A machine's PUT to the browser: from sending it to having the new fragment in the stream of a page.

Several machines send at random times, as real ones do: alone, two at once, or one twice within a second.
"""

import json
import random
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

from hubs.actions import push, widgets
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.events.tokens import Tokens
from hubs.models import Hub
from hubs.permissions import OPERATOR
from tests.sse import Stream
from tests.stack import Stack

#: Machines, each with a widget and a token of its own, and the seconds between two requests in the mean: together this
#: keeps every token at half of what it may send.
MACHINES, PAUSE = 4, 0.5


def latency(running: Stack, hub: Hub, rounds: int) -> list[float]:
    """Return the milliseconds from connecting, as curl does each time, to the event."""
    settings, chance = running.settings, random.Random(4)
    targets = _add_widgets(running, hub)
    token = Tokens(settings.key(), 3600).mint([hub_channel(hub.id, "public", "en")])
    stream = Stream(running.events, token, EventLog(settings.redis_url).cursor())
    took = []
    for turn in range(rounds):
        time.sleep(chance.expovariate(1 / PAUSE))
        number, text = chance.choice(targets)
        start = time.monotonic()
        _put(running, number, text, {"title": f"Round {turn} over"})
        while f"Round {turn} over" not in (heard := stream.next("widget")).data["html"]:
            pass
        took.append(1000 * (heard.at - start))
    stream.close()
    return took


def _add_widgets(running: Stack, hub: Hub) -> list[tuple[int, str]]:
    """Add the widgets to a hub; return their numbers with their tokens."""
    database, targets = running.database(), []
    with database.transaction() as session:
        for number in range(MACHINES):
            row = widgets.add(session, running.registry, OPERATOR, session.get_one(Hub, hub.id), "push", "left")
            _, text = push.create_token(session, OPERATOR, row, f"machine {number}", 1)
            targets.append((row.id, text))
    database.dispose()
    return targets


def _put(running: Stack, number: int, token: str, content: dict[str, str]) -> None:
    connection = HTTPConnection(urlsplit(running.url).netloc, timeout=20)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("PUT", f"/api/v1/push/{number}", json.dumps(content), headers)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    connection.close()
