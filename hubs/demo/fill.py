"""Demo data: fictional people and teams, and a year of their activity."""

import random
import tomllib
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hubs.actions import activity, messages, widgets
from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.backend.ingest.extract import Extractor
from hubs.bus import Message, parse
from hubs.demo import messages as invented
from hubs.models import Database, Hub, OutboxMessage, RoleName, User, now
from hubs.permissions import person
from hubs.widgets.registry import Registry

#: Number of messages in the year before today, and the random seed, fixed so that every demo is the same.
MESSAGES, SEED = 2500, 44
_EXTRA_WIDGETS = (
    ("left", "issues"),
    ("left", "activity"),
    ("left", "heatmap"),
    ("left", "halp"),
    ("right", "builds"),
    ("right", "contact"),
    ("right", "cobwebs"),
)


def data() -> dict[str, list[dict[str, Any]]]:
    """Return the demo people and teams."""
    tables: dict[str, list[dict[str, Any]]] = tomllib.loads(
        files("hubs.demo").joinpath("people.toml").read_text("utf-8")
    )
    return tables


def fill(database: Database, registry: Registry) -> bool:
    """Fill an empty database; return False without any change if it already has people."""
    chance = random.Random(SEED)
    with database.transaction() as session:
        if session.scalar(select(func.count(User.id))):
            return False
        tables = data()
        users = {
            row["username"]: roles.sign_up(session, registry, row["username"], row["fullname"], row["timezone"])
            for row in tables["people"]
        }
        for username, user in users.items():
            _personal(session, registry, user, chance.choice(("heatmap", "contact", "library")), username)
        for team in tables["teams"]:
            _team(session, registry, users, team)
        _history(session, chance, [row["username"] for row in tables["people"] if not row.get("quiet")])
        for team in tables["teams"]:
            _age(session, team)
        # The demo starts with an empty cache and no open pages, so these changes need not be announced.
        session.execute(update(OutboxMessage).values(handled_at=now()))
        session.info.pop("outbox", None)
    return True


def _personal(session: Session, registry: Registry, user: User, plugin: str, username: str) -> None:
    hub = session.scalars(select(Hub).where(Hub.kind == "user", Hub.name == username)).one()
    owner = person(user.id, username, hub.roles)
    summaries = (
        "Packager and night owl.",
        "Here for the people.",
        "Breaks things so that you need not.",
        "Says hello.",
    )
    hub_actions.update(session, owner, hub, {"summary": summaries[user.id % len(summaries)]})
    values: dict[str, Any] = {}
    if plugin == "library":
        values = {"items": [{"title": "My notes", "link": f"https://notes.example.org/{username}", "note": ""}]}
    widgets.add(session, registry, owner, hub, "builds", "left")
    widgets.add(session, registry, owner, hub, "karma", "right")
    side = "left" if plugin == "heatmap" else "right"
    widgets.add(session, registry, owner, hub, plugin, side, values)


def _team(session: Session, registry: Registry, users: dict[str, User], team: dict[str, Any]) -> None:
    founder = users[team["owners"][0]]
    values = {name: team[name] for name in ("display_name", "summary", "description", "banner")}
    values |= {"calendar": team["name"], **team.get("extras", {})}
    hub = hub_actions.create(session, registry, founder, "team", team["name"], values)
    session.flush()
    owner = person(founder.id, founder.username, hub.roles)
    for role, names in ((RoleName.OWNER, "owners"), (RoleName.MEMBER, "members")):
        for username in team[names]:
            roles.give_role(session, owner, hub, users[username], role)
    for username in team["subscribers"]:
        reader = users[username]
        roles.take_role(session, person(reader.id, username, ()), hub, RoleName.SUBSCRIBER)
    for row in list(hub.widgets):
        if row.plugin == "sticky":
            widgets.update(session, registry, owner, row, {"text": team["sticky"].strip(), "colour": team["colour"]})
        if row.plugin == "rules" and "rules" in team:
            widgets.update(session, registry, owner, row, team["rules"])
    for side, plugin in _EXTRA_WIDGETS:
        values = {"project": f"pagure:{team['name']}"} if plugin == "issues" else {}
        widgets.add(session, registry, owner, hub, plugin, side, values)
    if team.get("archived"):
        hub_actions.update(session, owner, hub, {"archived": True})


def _history(session: Session, chance: random.Random, usernames: list[str]) -> None:
    """Store a year of messages: more recent than old ones, more on weekdays, some people busier than others."""
    extract, history = Extractor(), []
    busy = [name for rank, name in enumerate(usernames) for _ in range(len(usernames) - rank)]
    for number in range(MESSAGES):
        sent = now() - timedelta(days=364 * chance.random() ** 1.6, minutes=chance.randint(20, 1400))
        if sent.weekday() > 4 and chance.random() < 0.6:
            continue
        first = chance.choice(busy)
        names = [first, chance.choice([name for name in usernames if name != first])]
        topic, body = invented.random_message(chance, names)
        envelope = {"topic": f"org.fedoraproject.dev.{topic}", "msg": body, "timestamp": sent.timestamp()}
        message = extract(parse({**envelope, "msg_id": f"demo-{SEED}-{number}"}))
        history.append(replace(message, received_at=message.sent_at))
    messages.store(session, history)
    activity.note(session, _last_seen(history))


def _last_seen(history: list[Message]) -> dict[str, Any]:
    last_seen: dict[str, Any] = {}
    for message in history:
        for username in message.users:
            last_seen[username] = max(message.sent_at, last_seen.get(username, message.sent_at))
    return last_seen


def _age(session: Session, team: dict[str, Any]) -> None:
    if "idle_days" in team:
        quiet_since = now() - timedelta(days=team["idle_days"])
        session.execute(update(Hub).where(Hub.name == team["name"]).values(last_activity=quiet_since))
