"""A hidden hub or widget answers like a nonexistent one: for each role and route, byte for byte."""

import itertools
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from hubs.models import Visibility
from tests.attack.cast import HIDDEN_FROM, Team, create_team
from tests.attack.client import Answer, Client
from tests.attack.routes import Route, routes
from tests.stack import Stack

#: The session's token in forms contains the time, and differs between two answers anyway.
TOKEN = re.compile(rb'(?<=value=")[\w.-]{60,}(?=")')
#: Headers whose value differs between any two answers.
VARYING = {"date", "set-cookie", "content-length", "x-request-id"}
#: Exercised with a value of their own, since `Team` has no such thing.
BODIES = {"announcements": {"title": "Hello"}, "pages": {"slug": "plans", "title": "Plans"}}
OTHERS = {"plugin": "about", "key": "feed", "username": "nobody-here"}


def seen(answer: Answer, name: str, number: str) -> tuple[Any, ...]:
    """Return an answer without what the request itself put into it."""

    def neutral(text: bytes) -> bytes:
        named = TOKEN.sub(b"token", text).replace(name.encode(), b"NAME")
        return re.sub(rb"\b%s\b" % number.encode(), b"NUMBER", named)  # not a part of a port

    heads = sorted(
        (key.lower(), b"" if key.lower() in VARYING else neutral(value.encode())) for key, value in answer.headers
    )
    return answer.status, tuple(heads), neutral(answer.body)


def request(client: Client, route: Route, path: str) -> Answer:
    if route.method == "GET":
        return client.get(path)
    if route.rule.startswith("/api/"):
        body = BODIES.get(route.rule.rpartition("/")[2], {"type": "about"})
        return client.call(route.method, path, body if route.method == "POST" else {})
    return client.post(path)


def compare(client: Client, team: Team, kinds: Iterable[str]) -> tuple[int, list[str]]:
    """Request each route for the hidden object and for none; return the number of pairs and what differs."""
    number = str(team.widgets["members"])
    none = "q" + team.name[1:], "9" * max(4, len(number))
    pairs, different = 0, list[str]()
    client.get("/")  # the greeting after signing in is shown once
    for route in routes():
        if route.subject not in kinds:
            continue
        if client.token and not route.rule.startswith("/api/"):
            continue
        answers = []
        for name, widget in ((team.name, number), none):
            path = route.path(widget, **OTHERS, space="t", name=name)
            answers.append(seen(request(client, route, path), name, widget))
        pairs += 1
        if answers[0] != answers[1]:
            different.append(f"{client.username or 'visitor'} {route.method} {route.rule}: {explain(*answers)}")
        assert answers[0][0] in (401, 403, 404), (route, answers[0][0])
    return pairs, different


def explain(first: tuple[Any, ...], second: tuple[Any, ...]) -> str:
    """Return where two answers differ."""
    if first[0] != second[0]:
        return f"{first[0]} != {second[0]}"
    if first[1] != second[1]:
        return f"headers {set(first[1]) ^ set(second[1])}"
    place = next(index for index, pair in enumerate(itertools.zip_longest(first[2], second[2])) if pair[0] != pair[1])
    return f"{first[2][place - 60 : place + 60]!r} != {second[2][place - 60 : place + 60]!r}"


def attack(team: Team, roles: Iterable[str], kinds: Iterable[str]) -> int:
    pairs, different = 0, list[str]()
    for role in roles:
        clients = [team.client(role)] if role == "visitor" else [team.client(role), team.program(role)]
        for client in clients:
            count, differences = compare(client, team, kinds)
            pairs, different = pairs + count, different + differences
    assert different == []
    return pairs


def test_a_hub_for_owners_answers_others_like_none(production: Stack, tell: Callable[[str], None]) -> None:
    team = create_team(production, "hidden-owners", Visibility.OWNERS, "TOPSECRET")
    tell(f"{attack(team, ('visitor', 'member'), ('hub', 'widget'))} pairs of answers")


def test_a_hidden_page_of_a_public_hub_answers_others_like_none(production: Stack, tell: Callable[[str], None]) -> None:
    team = create_team(production, "hidden-page")
    body = {"slug": "plans", "title": "TOPSECRET plans", "visibility": "owners"}
    answer = team.program("owner").call("POST", f"/api/v1/hubs/t/{team.name}/pages", body)
    assert answer.status == 201, answer.text
    pairs, different = 0, list[str]()
    for role in HIDDEN_FROM[Visibility.OWNERS]:
        client = team.client(role)
        for route in routes():
            if "<slug>" not in route.rule or (role == "visitor" and route.method != "GET"):
                continue
            asked = team.program(role) if route.method != "GET" else client
            answers = [
                seen(request(asked, route, route.path(space="t", name=team.name, slug=slug)), slug, "0")
                for slug in ("plans", "never")
            ]
            pairs += 1
            assert answers[0][0] in (403, 404), (role, route, answers[0])
            if answers[0] != answers[1]:
                different.append(f"{role} {route.method} {route.rule}: {explain(*answers)}")
        for path in (team.path, f"{team.path}?full=1", f"{team.path}about", f"{team.path}json", "/search?q=TOPSECRET"):
            assert b"plans" not in client.get(path).body, (role, path)
    assert different == []
    tell(f"{pairs} pairs of answers")


@pytest.mark.slow
@pytest.mark.parametrize("visibility", [level for level in Visibility if level != Visibility.PUBLIC])
def test_every_role_and_visibility(production: Stack, visibility: Visibility, tell: Callable[[str], None]) -> None:
    team = create_team(production, f"matrix-{visibility.value}", visibility, "TOPSECRET")
    tell(f"{attack(team, HIDDEN_FROM[visibility], ('hub', 'widget'))} pairs of answers")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("outer", "inner"),
    [pair for pair in itertools.product(Visibility, Visibility) if pair[1].rank > pair[0].rank],
)
def test_a_hidden_widget_on_a_visible_hub(
    production: Stack, outer: Visibility, inner: Visibility, tell: Callable[[str], None]
) -> None:
    team = create_team(production, f"widget-{outer.value}-{inner.value}", outer, "TOPSECRET")
    answer = team.client("owner").call("PATCH", f"/api/v1/widgets/{team.widgets['members']}", {"visibility": inner})
    assert answer.status == 200, answer.text
    tell(f"{attack(team, HIDDEN_FROM[inner], ('widget',))} pairs of answers")
