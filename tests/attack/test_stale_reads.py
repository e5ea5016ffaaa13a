"""After a hub or widget is narrowed, or a role ends, no entry point shows anything of it any more: no stale reads.

Each round has a team of its own, whose every text contains a secret. All roles read everything twice, so that all
caches are warm; then access is narrowed through one entry point; then all roles read everything again.
"""

import itertools
import random
import subprocess
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest

from hubs.models import Visibility
from tests.attack.cast import HIDDEN_FROM, ROLES, Team, create_team
from tests.services import BIN
from tests.stack import Stack

#: Seconds after which access has ended.
PROMISED = 5.0
_NUMBERS = itertools.count(1)


def readings(team: Team, secret: str) -> list[str]:
    """Return the addresses that show something of the hub while it is public."""
    name, note = team.name, team.widgets["sticky"]
    return [
        "/",
        team.path,
        f"{team.path}?full=1",
        f"{team.path}?lang=de",
        f"{team.path}json",
        f"{team.path}feed.atom",
        f"{team.path}members",
        f"/w/{note}/",
        f"/w/{note}/fragment",
        f"/w/{note}/fragment?lang=en",
        f"/w/{note}/fragment?lang=de",
        f"/w/{note}/json",
        "/teams/",
        f"/teams/?q={secret}",
        f"/search?q={secret}",
        f"/search/palette?q={secret}",
        f"/search/palette?recent={quote(team.path)}",
        f"/u/{team.username('member')}/?full=1",
        f"/api/v1/hubs?q={secret}",
        f"/api/v1/hubs/t/{name}",
        f"/api/v1/hubs/t/{name}/widgets",
        f"/api/v1/hubs/t/{name}/roles",
        f"/api/v1/hubs/t/{name}/feed",
        f"/api/v1/widgets/{note}",
        f"/api/v1/search?q={secret}",
        "/api/v1/me",
        "/me/bookmarks",
        "/stream/",
    ]


def leaks(team: Team, role: str, secret: str) -> tuple[int, list[str]]:
    """Read everything as one role; return how many reads there were, and the addresses whose answer has the secret."""
    client, showing = team.client(role), []
    paths = readings(team, secret)
    for path in paths:
        answer = client.get(path)
        assert answer.status < 500, (path, answer.status)
        # Pages repeat what was requested, for example to lead back after signing in.
        repeats = team.name in path
        shows = any(f"{secret} {part}" in answer.text for part in ("title", "summary", "note"))
        if shows or (team.name in answer.text.replace(team.username(role), "") and not repeats):
            showing.append(f"{role} {path}")
    return len(paths), showing


def by_api(team: Team, level: Visibility) -> None:
    answer = team.program("owner").call("PATCH", f"/api/v1/hubs/t/{team.name}", {"visibility": level.value})
    assert answer.status == 200, answer.text


def by_file(team: Team, level: Visibility) -> None:
    def hubs(*words: str, text: str = "") -> str:
        command = [str(BIN / "hubs"), *words]
        done = subprocess.run(command, input=text, env=team.stack.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    document = hubs("export", team.name)
    assert "visibility:" not in document or "visibility: public" in document
    lines = [line for line in document.splitlines() if not line.startswith("visibility:")]
    hubs("apply", "-", text="\n".join([*lines, f"visibility: {level.value}\n"]))


ENTRY_POINTS: list[Callable[[Team, Visibility], None]] = [by_api, by_file]


def attack(stack: Stack, narrow: Callable[[Team, Visibility], None], level: Visibility) -> int:
    """Warm all caches, narrow a hub, and read everything again; return the number of reads afterwards."""
    number = next(_NUMBERS)
    secret = f"SECRET{random.randrange(10**9)}"
    team = create_team(stack, f"stale-{number}-{random.randrange(10**6)}", Visibility.PUBLIC, secret)
    for role in ROLES:
        for _ in range(2):
            _, shown = leaks(team, role, secret)
        assert len(shown) > 15, f"the attack reads too little: {shown}"
    narrow(team, level)
    time.sleep(PROMISED)
    reads, stale = 0, list[str]()
    for role in HIDDEN_FROM[level]:
        count, showing = leaks(team, role, secret)
        reads, stale = reads + count, stale + showing
    assert stale == []
    return reads


def test_a_narrowed_hub_is_shown_nowhere(production: Stack, tell: Callable[[str], None]) -> None:
    tell(f"{attack(production, by_api, Visibility.MEMBERS)} reads, none stale")


def test_a_removed_member_reads_nothing_any_more(production: Stack) -> None:
    secret = f"SECRET{random.randrange(10**9)}"
    team = create_team(production, f"removed-{random.randrange(10**6)}", Visibility.MEMBERS, secret)
    _, shown = leaks(team, "member", secret)
    assert len(shown) > 15
    path = f"/api/v1/hubs/t/{team.name}/roles/{team.username('member')}/member"
    assert team.program("owner").call("DELETE", path).status in (200, 204)
    time.sleep(PROMISED)
    assert leaks(team, "member", secret)[1] == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_many_rounds(production: Stack, seed: int, tell: Callable[[str], None]) -> None:
    chance = random.Random(seed)
    level = chance.choice([level for level in Visibility if level != Visibility.PUBLIC])
    reads = attack(production, ENTRY_POINTS[seed % len(ENTRY_POINTS)], level)
    tell(f"{reads} reads after narrowing to {level.value}, none stale")
