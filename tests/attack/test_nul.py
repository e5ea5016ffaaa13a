"""NUL, lone surrogates and broken UTF-8 at every entry point: never a server error, on PostgreSQL, which refuses them.

Texts go into the path, the query, each field of each form, and each value and name of each JSON body.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest

from hubs.models.hub_fields import HUB_FIELDS
from tests.attack.cast import ROLES, Team, create_team
from tests.attack.client import Answer, Client
from tests.attack.routes import Route, routes
from tests.stack import ROOT, Stack

#: As they are in an address or a form, percent-encoded; the last is a lone surrogate in UTF-8, which is not allowed.
BAD = {"nul": "a%00b", "only nul": "%00", "broken": "a%ff%fe", "surrogate": "a%ed%a0%80b"}
#: The names that views read from the query and from forms, as their code says.
NAMES = re.compile(r"(?:args|form)(?:\.get\(|\[)\"(\w+)")
VALUES: dict[str, Any] = {"nul": "a\0b", "surrogate": "\ud800", "long": "x" * 70_000, "huge": 10**30, "nested": [[{}]]}
JSON_NAMES = ("summary", "display_name", "visibility", "type", "settings", "label", "side", "position", "title", "text")
#: They end the session or the account of the attack.
ENDINGS = ("/logout", "/me/delete", "/me/sign-out")

#: A provider that cannot be reached, and what oEmbed's specification asks for where a format is unknown.
EXPECTED = {(503, "login"), (501, "oembed")}


@cache
def names() -> tuple[str, ...]:
    """Return every name that a view reads from the query or from a form."""
    code = "".join(path.read_text() for path in (ROOT / "hubs" / "views").rglob("*.py"))
    fields = {field.name for field in HUB_FIELDS} | {"fullname", "timezone", "activity", "text", "title"}
    return tuple(sorted((set(NAMES.findall(code)) | fields) - {"csrf_token"}))


def paths(route: Route, team: Team, texts: dict[str, str]) -> Iterator[str]:
    """Yield the address of a route, and the address with each text in each of its parts that takes one."""
    widget = str(team.widgets["sticky"])
    values = {"space": "t", "name": team.name, "hub_id": str(team.hub_id), "plugin": "about", "key": "feed"}
    values |= {"username": team.username("member"), "filename": "css/base.css"}
    yield route.path(widget, **values)
    for place in route.texts:
        for text in texts.values():
            yield route.path(widget, **{**values, place: text})


def requests(
    client: Client, route: Route, team: Team, texts: dict[str, str], values: dict[str, Any]
) -> Iterator[tuple[str, Answer]]:
    """Send every bad request of a route, with these texts and JSON values; yield what was sent with the answer."""
    good, *bad = paths(route, team, texts)
    for path in bad:
        yield path, client.send(route.method, path)
    for text in texts.values():
        query = "&".join(f"{name}={text}" for name in names())
        if route.method == "GET":
            yield f"{good}?…{text}", client.get(f"{good}?{query}")
        if route.method == "POST" and not client.token:
            form = "&".join([urlencode({"csrf_token": client.csrf()}), *(f"{name}={text}" for name in names())])
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            yield f"{good} form {text}", client.send("POST", good, form.encode(), kind)
    if route.rule.startswith("/api/") and route.method != "GET":
        for how, value in values.items():
            body = dict.fromkeys(JSON_NAMES, value)
            yield f"{good} {how}", client.call(route.method, good, body)
            for name in JSON_NAMES:
                yield f"{good} {name} {how}", client.call(route.method, good, {name: value})
            yield f"{good} name {how}", client.call(route.method, good, {str(value)[:50]: "x"})


def attack(
    stack: Stack, name: str, roles: tuple[str, ...], texts: dict[str, str], values: dict[str, Any] | None = None
) -> int:
    """Send bad requests to all routes as these roles; fail with those that were server errors."""
    team, count, errors = create_team(stack, name), 0, []
    before = len(stack.services["web"].log())
    for role in roles:
        clients = [team.client(role)] if role == "visitor" else [team.client(role), team.program(role)]
        for route in routes():
            if route.rule in ENDINGS:
                continue
            client = clients[-1] if route.rule.startswith("/api/") else clients[0]
            for sent, answer in requests(client, route, team, texts, values or VALUES):
                count += 1
                if answer.status >= 500 and (answer.status, route.rule.split("/")[1]) not in EXPECTED:
                    errors.append(f"{role} {route.method} {sent[:150]}: {answer.status}")
    assert errors == []
    assert "Traceback" not in stack.services["web"].log()[before:]
    return count


@pytest.mark.slow
def test_nul_is_no_server_error_for_an_owner(production: Stack, tell: Callable[[str], None]) -> None:
    texts, values = {"nul": BAD["nul"]}, {"nul": VALUES["nul"]}
    tell(f"{attack(production, 'nul-short', ('owner',), texts, values)} requests")


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_every_text_at_every_entry_point(production: Stack, role: str, tell: Callable[[str], None]) -> None:
    tell(f"{attack(production, f'nul-{role}', (role,), BAD)} requests")
