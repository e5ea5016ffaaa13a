"""Every message that Fedora's services really sent, through a real relay into a real hub with Fedora's plugins.

The corpus is used when its folder is there; without it the same test runs on messages of our own making.
"""

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from hubs.actions.people import roles
from hubs.demo import messages as invented
from hubs.models import Hub, MessagePerson, StoredMessage
from hubs.settings import presets
from tests.services import wait_for
from tests.stack import ROOT, Bus, Stack

CORPUS = ROOT.parent / "shared" / "data" / "fedmsg_messages.jsonl"
#: Share of the pairs (message, person) that must reach the person's feed.
ENOUGH = 0.97
#: Accounts of programs, whose actions are not a person's activity.
PROGRAMS = frozenset(presets.values("fedora")["service_accounts"])
#: Names that are no accounts by our rules, though the corpus has them.
_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+")


def corpus(path: Path) -> list[dict[str, Any]]:
    if path.exists():
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    chance = random.Random(7)
    entries = []
    for number in range(200):
        topic, body = invented.random_message(chance, ["ottoline", "pernille", "quillon"])
        message = {
            "topic": f"org.fedoraproject.prod.{topic}",
            "msg": body,
            "msg_id": f"invented-{number}",
            "timestamp": 1e9,
        }
        entries.append({"message": message, "usernames": [body["agent"]] if "agent" in body else []})
    return entries


def directory(entries: list[dict[str, Any]], feeds: dict[str, set[str]]) -> dict[str, str]:
    """Return the chat nicks and addresses that one missing person has, where a message leaves no other reading."""
    aliases = {}
    for entry in entries:
        wanted, got = set(entry["usernames"]), feeds[entry["message"]["msg_id"]]
        missing, extra = wanted - got, got - wanted
        addresses = {
            address for address in _ADDRESS.findall(json.dumps(entry["message"]["msg"])) if "example" not in address
        }
        if len(missing) == 1 and len(extra) == 1:
            aliases[extra.pop()] = next(iter(missing))
        elif len(missing) == 1 and len(addresses) == 1:
            aliases[addresses.pop()] = next(iter(missing))
    return aliases


@pytest.fixture(scope="module")
def entries() -> list[dict[str, Any]]:
    entries = corpus(CORPUS)
    for number, entry in enumerate(entries):
        # Several have no id, and a few share one: give each its own, so that each can be found again.
        entry["message"]["msg_id"] = f"corpus-{number}-{entry['message'].get('msg_id', 'none')}"[:64]
    return entries


def publish(production: Stack, bus: Bus, entries: list[dict[str, Any]], mark: str) -> dict[str, set[str]]:
    """Publish all messages; return the people in whose feeds each arrived."""
    for entry in entries:
        message = {**entry["message"], "msg_id": mark + entry["message"]["msg_id"][len(mark) :]}
        entry["message"] = message
        bus.raw(message["topic"].encode(), json.dumps(message).encode())
        time.sleep(0.001)
    database = production.database()
    # Messages without a body or topic cannot be stored; all others must be.
    usable = [entry for entry in entries if entry["message"]["topic"] and isinstance(entry["message"]["msg"], dict)]
    ids = [entry["message"]["msg_id"] for entry in usable]

    def stored() -> bool:
        with database.session() as session:
            return session.scalar(select(func.count()).where(StoredMessage.msg_id.in_(ids))) == len(ids)

    wait_for(stored, f"storing all {len(ids)} messages")
    feeds: dict[str, set[str]] = {entry["message"]["msg_id"]: set() for entry in entries}
    with database.session() as session:
        query = select(StoredMessage.msg_id, MessagePerson.username).join(MessagePerson.__table__)
        for msg_id, username in session.execute(query.where(StoredMessage.msg_id.in_(ids))):
            feeds[msg_id].add(username)
    return feeds


def pairs(entries: list[dict[str, Any]], feeds: dict[str, set[str]]) -> tuple[int, list[tuple[str, str]]]:
    """Return the number of pairs, and those that did not arrive."""
    wanted = [(entry["message"], name) for entry in entries for name in entry["usernames"]]
    # Accounts of programs are not people, although the expected answers name them.
    wanted = [(message, name) for message, name in wanted if name not in PROGRAMS]
    return len(wanted), [(m["topic"], name) for m, name in wanted if name not in feeds[m["msg_id"]]]


def test_the_messages_of_the_real_bus_reach_the_feeds_of_the_people_they_name(
    production: Stack, bus: Bus, entries: list[dict[str, Any]], tell: Callable[[str], None]
) -> None:
    total, missing = pairs(entries, publish(production, bus, entries, "a-"))
    feeds = publish(production, bus, entries, "b-")
    aliases = directory(entries, feeds)
    _tell(production, aliases)
    for mark in "cdefghijkl":  # until the daemon has heard of the new hubs
        total_known, missing_known = pairs(entries, publish(production, bus, entries, f"{mark}-"))
        if 1 - len(missing_known) / total_known >= ENOUGH:
            break
        time.sleep(2)
    with_it = f"{total_known - len(missing_known)} with one of {len(aliases)} entries"
    tell(f"{total - len(missing)} of {total} pairs arrive without a directory of nicks and addresses, {with_it}")
    for (topic, _), count in sorted(Counter(missing_known).items()):
        tell(f"missing {count} × {topic}: named only by an unclaimed e-mail address or nick")
    assert 1 - len(missing_known) / total_known >= ENOUGH
    assert "Traceback" not in production.services["hub"].log()


def _tell(production: Stack, aliases: dict[str, str]) -> None:
    """Enter nicks and addresses where people enter them: in the settings of their hubs."""
    database = production.database()
    with database.transaction() as session:
        for alias, username in aliases.items():
            user = roles.sign_up(session, production.registry, username)
            hub = session.scalars(select(Hub).where(Hub.user_id == user.id)).one()
            hub.extras["bugzilla_email" if "@" in alias else "chat_nick"] = alias
            hub.touch()
