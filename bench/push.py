"""A machine's PUT to the browser: from sending it to having the new fragment in the stream of a page."""

import json
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

from hubs.actions import push, widgets
from hubs.events import Stream as EventLog
from hubs.events import Tokens, hub_channel
from hubs.models import Hub
from hubs.permissions import OPERATOR
from tests.sse import Stream
from tests.stack import Stack


def latency(found: Stack, hub: Hub, rounds: int) -> list[float]:
    """Return the milliseconds from connecting, as curl does each time, to the event."""
    database, settings = found.database(), found.settings
    with database.transaction() as session:
        row = widgets.add(session, found.registry, OPERATOR, session.get_one(Hub, hub.id), "push", "left")
        _, text = push.create_token(session, OPERATOR, row, "bench", 1)
        number = row.id
    database.dispose()
    token = Tokens(settings.key(), 3600).mint([hub_channel(hub.id, "public", "en")])
    stream = Stream(found.events, token, EventLog(settings.redis_url).cursor())
    connection = HTTPConnection(urlsplit(found.url).netloc, timeout=20)
    headers = {"Authorization": f"Bearer {text}", "Content-Type": "application/json"}
    took = []
    for turn in range(rounds):
        time.sleep(1.25)  # a widget is built at most once a second; two rounds must not share a build
        start = time.monotonic()
        connection.request("PUT", f"/api/v1/push/{number}", json.dumps({"title": f"Round {turn} over"}), headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
        connection.close()
        while f"Round {turn} over" not in (heard := stream.next("widget")).data["html"]:
            pass
        took.append(1000 * (heard.at - start))
    stream.close()
    return took
