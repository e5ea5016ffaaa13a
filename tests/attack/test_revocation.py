"""Streams of every kind end with the access that they were opened with, through every entry point of the real stack.

Before a change, a person opens the stream of a hub's page and that of everything they follow. Afterwards the owner
changes a note on the hub. Nobody who lost access hears of it, and old tokens open no new stream.
"""

import random
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from hubs.models import Visibility
from tests.attack.cast import Team, create_team
from tests.attack.client import Client
from tests.services import BIN
from tests.sse import Stream
from tests.stack import Stack

#: Seconds after which access has ended.
PROMISED = 5.0


@dataclass
class Listener:
    """The open streams of one person, with their tokens."""

    role: str
    streams: list[tuple[str, str, Stream]]

    def close(self) -> None:
        """Close the streams."""
        for _, _, stream in self.streams:
            stream.close()


def listen(team: Team, role: str) -> Listener:
    """Open every kind of stream for a role."""
    client, url = team.client(role), team.stack.events
    page = client.get(f"{team.path}?full=1").text
    tokens = {"page": re.findall(r'data-token="([^"]+)"', page), "full": []}
    tokens["stream of the page"] = [client.get(f"{team.path}stream").json()["token"]]
    tokens["everything"] = [client.get("/stream/token").json()["token"]]
    cursor = re.findall(r'data-cursor="([^"]+)"', page)[0]
    opened = [(kind, token, Stream(url, token, cursor)) for kind, some in tokens.items() for token in some[:1]]
    assert len(opened) == 3
    assert {stream.status for _, _, stream in opened} == {200}
    return Listener(role, opened)


def by_api(team: Team) -> None:
    path = f"/api/v1/hubs/t/{team.name}/roles/{team.username('member')}/member"
    assert team.program("owner").call("DELETE", path).status in (200, 204)


def by_page(team: Team) -> None:
    fields = {"username": team.username("member"), "role": "member", "act": "take"}
    assert team.client("owner").post(f"{team.path}roles", **fields).status == 303


def by_leaving(team: Team) -> None:
    assert team.client("member").post(f"{team.path}leave").status == 303


def by_command(team: Team) -> None:
    command = [str(BIN / "hubs"), "team", "sync", team.name, "-"]
    done = subprocess.run(command, input="# nobody\n", env=team.stack.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def by_narrowing(team: Team) -> None:
    answer = team.program("owner").call("PATCH", f"/api/v1/hubs/t/{team.name}", {"visibility": "owners"})
    assert answer.status == 200, answer.text


def by_signing_out(team: Team) -> None:
    client = team.client("member")
    assert client.post("/logout").status == 303
    team.clients["member"] = Client(team.stack.url)


def by_deleting_the_account(team: Team) -> None:
    name = team.username("member")
    assert team.client("member").post("/me/delete", username=name).status == 303
    team.clients["member"] = Client(team.stack.url)


CHANGES: list[Callable[[Team], None]] = [
    by_api,
    by_page,
    by_leaving,
    by_command,
    by_narrowing,
    by_signing_out,
    by_deleting_the_account,
]


def heard(stream: Stream, secret: str, patience: float) -> bool:
    """Return whether a stream still has something with the secret to tell."""
    if stream.status != 200:
        return False
    stream.socket.settimeout(patience)
    return any(secret in str(event.data) for event in stream)


def attack(stack: Stack, changes: list[Callable[[Team], None]]) -> int:
    """Make each change on a team of its own, all at the same time; return how many streams had to end."""
    run = random.randrange(10**6)
    teams = [create_team(stack, f"end-{run}-{number}", Visibility.MEMBERS, "note") for number in range(len(changes))]
    listeners = [(listen(team, "member"), listen(team, "owner")) for team in teams]
    for team, change in zip(teams, changes, strict=True):
        change(team)
    time.sleep(PROMISED)
    secret = f"TOPSECRET{run}"
    for team in teams:
        body = {"settings": {"text": secret, "colour": "blue"}}
        answer = team.program("owner").call("PATCH", f"/api/v1/widgets/{team.widgets['sticky']}", body)
        assert answer.status == 200, answer.text
    leaks = []
    for (member, owner), change in zip(listeners, changes, strict=True):
        # The owner's streams show that the event has been through the whole path.
        if change is not by_narrowing:
            assert heard(owner.streams[0][2], secret, 30), change.__name__
        for kind, token, stream in member.streams:
            again = Stream(stack.events, token, timeout=10)
            if heard(stream, secret, 0.5):
                leaks.append(f"{change.__name__}: the open stream of {kind}")
            if heard(again, secret, 1.0) or (again.status == 200 and change is not by_leaving):
                leaks.append(f"{change.__name__}: an old token of {kind} opens a stream")
            again.close()
        member.close()
        owner.close()
    assert leaks == []
    return 3 * len(changes)


def test_streams_end_with_the_role(production: Stack, tell: Callable[[str], None]) -> None:
    tell(f"{attack(production, [by_api, by_signing_out])} streams ended")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_streams_end_through_every_entry_point(production: Stack, seed: int, tell: Callable[[str], None]) -> None:
    changes = random.Random(seed).sample(CHANGES, len(CHANGES))
    tell(f"{attack(production, changes)} streams ended")
