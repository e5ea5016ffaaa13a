"""A machine fills a widget through all real processes, and is told to wait when it does so too often."""

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from sqlalchemy import select

from hubs.actions import push, widgets
from hubs.actions.people import roles
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.events.tokens import Tokens
from hubs.models import Hub
from hubs.permissions import OPERATOR
from tests.sse import Stream
from tests.stack import Bus, Stack


@pytest.fixture(scope="module")
def box(production: Stack, bus: Bus) -> tuple[int, int, str]:
    """Give the ids of a hub and of its widget, and a token for it."""
    database = production.database()
    with database.transaction() as session:
        roles.sign_up(session, production.registry, "pushkin")
        hub = session.scalars(select(Hub).where(Hub.name == "pushkin")).one()
        row = widgets.add(session, production.registry, OPERATOR, hub, "push", "left")
        _, text = push.create_token(session, OPERATOR, row, "builder", 1)
        ids = hub.id, row.id, text
    database.dispose()
    return ids


def put(production: Stack, number: int, token: str, content: object) -> tuple[int, dict[str, str]]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps(content).encode()
    try:
        with urlopen(
            Request(f"{production.url}/api/v1/push/{number}", body, headers, method="PUT"), timeout=20
        ) as answer:
            return answer.status, dict(answer.headers)
    except HTTPError as error:
        return error.code, dict(error.headers)


def test_content_put_by_a_program_is_pushed_to_the_browser(production: Stack, box: tuple[int, int, str]) -> None:
    hub, number, token = box
    settings = production.settings
    mint = Tokens(settings.key(), 600).mint([hub_channel(hub, "public", "en")])
    stream = Stream(production.events, mint, EventLog(settings.redis_url).cursor())
    assert put(production, number, token, {"title": "The <lanterns> are lit", "severity": "good"})[0] == 200
    heard = next(event for event in stream if event.type == "widget" and "lanterns" in event.data["html"])
    assert heard.data["widget"] == number
    assert "The &lt;lanterns&gt; are lit" in heard.data["html"]
    stream.close()


def test_the_rate_counts_for_all_processes_together(production: Stack, box: tuple[int, int, str]) -> None:
    _, number, token = box
    answers = [put(production, number, token, {"title": "again"}) for _ in range(production.settings.push_rate + 5)]
    assert [status for status, _ in answers[:30]] == [200] * 30
    assert answers[-1][0] == 429
    assert 1 <= int(answers[-1][1]["Retry-After"]) <= 61
