"""Demo data: fictional people and teams, and a year of their activity."""

import random
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hubs.actions import activity, messages, widgets
from hubs.actions import hubs as hub_actions
from hubs.actions.layout import page_rows
from hubs.actions.people import roles
from hubs.backend.index.people import aliases_of
from hubs.backend.ingest.extract import Extractor
from hubs.bus import Message, parse
from hubs.demo import messages as invented
from hubs.demo import upstream
from hubs.demo.shape import FORGE, REPOSITORY, login
from hubs.models import Database, Hub, OutboxMessage, RoleName, User, now
from hubs.permissions import Person, person
from hubs.settings import Settings
from hubs.widgets.registry import Registry

#: Number of messages in the year before today, and the random seed, fixed so that every demo is the same.
MESSAGES, SEED = 2500, 44
#: Issues of each team that were closed in the last weeks.
CLOSED = 26
#: The family of messages whose demo shows every service, with widgets beyond the default ones.
_OURS = "fedora"
_EXTRA_WIDGETS = (
    ("left", "issues"),
    ("left", "activity"),
    ("left", "heatmap"),
    ("left", "halp"),
    ("left", "discourse"),
    ("right", "builds"),
    ("right", "weblate"),
    ("right", "outages"),
    ("right", "matrix"),
    ("right", "releases"),
    ("right", "contact"),
    ("right", "cobwebs"),
)


def data() -> dict[str, list[dict[str, Any]]]:
    """Return the demo people and teams."""
    tables: dict[str, list[dict[str, Any]]] = tomllib.loads(
        files("hubs.demo").joinpath("people.toml").read_text("utf-8")
    )
    return tables


def fill(database: Database, registry: Registry, settings: Settings) -> bool:
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
            plugin = chance.choice(("heatmap", "contact", "library"))
            _personal(session, registry, user, plugin, username, settings.demo_messages)
        for team in tables["teams"]:
            _team(session, registry, users, team, settings)
        _history(session, chance, [row["username"] for row in tables["people"] if not row.get("quiet")], settings)
        for team in tables["teams"]:
            _age(session, team)
        # A team's feed begins with the team: here they are older than their history.
        session.execute(update(Hub).values(created_on=now() - timedelta(days=400)))
        # The demo starts with an empty cache and no open pages, so these changes need not be announced.
        session.execute(update(OutboxMessage).values(handled_at=now()))
        session.info.pop("outbox", None)
    return True


def _personal(
    session: Session, registry: Registry, user: User, plugin: str, username: str, families: Sequence[str]
) -> None:
    hub = session.scalars(select(Hub).where(Hub.kind == "user", Hub.name == username)).one()
    owner = person(user.id, username, hub.roles)
    summaries = (
        "Packager and night owl.",
        "Here for the people.",
        "Breaks things so that you need not.",
        "Says hello.",
    )
    accounts = {field: account for family, (field, account) in _accounts(username).items() if family in families}
    hub_actions.update(session, owner, hub, {"summary": summaries[user.id % len(summaries)], **accounts})
    values: dict[str, Any] = {}
    if plugin == "library":
        values = {"items": [{"title": "My notes", "link": f"https://notes.example.org/{username}", "note": ""}]}
    if _OURS in families:
        widgets.add(session, registry, owner, hub, "builds", "left")
        widgets.add(session, registry, owner, hub, "karma", "right")
        widgets.add(session, registry, owner, hub, "packager", "left")
    side = "left" if plugin == "heatmap" else "right"
    if plugin not in {row.plugin for row in hub.widgets}:
        widgets.add(session, registry, owner, hub, plugin, side, values)


def _accounts(username: str) -> dict[str, tuple[str, str]]:
    """Return the fields of a person's hub that link their logins, by the family of messages that has these logins."""
    name = login(username)
    return {
        "github": ("github_username", name),
        "gitlab": ("gitlab_username", name),
        "forgejo": ("forgejo_username", f"{FORGE}/{name}"),
    }


def _team(
    session: Session, registry: Registry, users: dict[str, User], team: dict[str, Any], settings: Settings
) -> None:
    founder, is_ours = users[team["owners"][0]], _OURS in settings.demo_messages
    values = {name: team.get(name, "") for name in ("display_name", "summary", "description", "banner", "icon")}
    values |= {"calendar": team["name"], **team.get("extras", {})}
    if not is_ours:
        values = {name: value for name, value in values.items() if name not in ("calendar", "pagure_username")}
    hub = hub_actions.create(session, registry, founder, "team", team["name"], values)
    session.flush()
    owner = person(founder.id, founder.username, hub.roles)
    for role, names in ((RoleName.OWNER, "owners"), (RoleName.MEMBER, "members")):
        for username in team[names]:
            roles.give_role(session, owner, hub, users[username], role)
    for username in team["subscribers"]:
        reader = users[username]
        roles.take_role(session, person(reader.id, username, ()), hub, RoleName.SUBSCRIBER)
    _team_widgets(session, registry, owner, hub, team, settings)
    if team.get("archived"):
        hub_actions.update(session, owner, hub, {"archived": True})


def _team_widgets(
    session: Session, registry: Registry, owner: Person, hub: Hub, team: dict[str, Any], settings: Settings
) -> None:
    """Fill the widgets of a new team, and add those that show more of what there is."""
    is_ours = _OURS in settings.demo_messages
    project = {"project": _project(settings)}
    texts: dict[str, Any] = {"rules": team.get("rules"), "issues": project, "pulls": project}
    website = team.get("extras", {}).get("website")
    texts["library"] = {"items": [{"title": "Our website", "link": website, "note": ""}]} if website else None
    texts["sticky"] = {"text": team["sticky"].strip(), "colour": team["colour"]}
    for row in list(hub.widgets):
        if text := texts.get(row.plugin):
            widgets.update(session, registry, owner, row, text)
    for plugin in ("tasks", "ci"):
        widgets.add(session, registry, owner, hub, plugin, "right", {"projects": [project]})
    if not is_ours and (address := upstream.calendar(settings, team["name"])):
        widgets.add(session, registry, owner, hub, "meetings", "right", {"address": address})
    for side, plugin in _EXTRA_WIDGETS if is_ours else ():
        widgets.add(session, registry, owner, hub, plugin, side, _extra(plugin, team["name"], settings))
    for page in team.get("pages", ()):
        _page(session, registry, owner, hub, page)


def _extra(plugin: str, team: str, settings: Settings) -> dict[str, Any]:
    """Return the settings of a widget beyond the default ones."""
    values: dict[str, dict[str, Any]] = {
        "issues": {"project": f"pagure:{team}"},
        "discourse": {"address": f"{settings.discourse_url}/tag/{team}"},
        "releases": {"projects": [{"name": name} for name in invented.PACKAGES[:4]]},
        "matrix": {"room": f"#{team}:example.org"},
        "weblate": {"address": f"{settings.weblate_url}/projects/{team}/"},
    }
    return values.get(plugin, {})


def _page(session: Session, registry: Registry, owner: Person, hub: Hub, page: dict[str, Any]) -> None:
    row = page_rows.add(session, owner, hub, page["slug"], page["title"])
    note = {"text": page["text"].strip()}
    widgets.add(session, registry, owner, hub, "sticky", "left", note, page["title"], page=row)
    widgets.add(session, registry, owner, hub, "members", "right", page=row)


def _project(settings: Settings) -> str:
    """Return the project whose tickets the teams' widgets show; the stand-ins of the demo have any project."""
    if "forgejo" in settings.demo_messages:
        return f"forgejo:{urlsplit(settings.forgejo_url).netloc}/{REPOSITORY}"
    if "gitlab" in settings.demo_messages:
        return f"gitlab:{urlsplit(settings.gitlab_url).netloc}/{REPOSITORY}"
    return f"github:{REPOSITORY}"


def _history(session: Session, chance: random.Random, usernames: list[str], settings: Settings) -> None:
    """Store a year of messages: more recent than old ones, more on weekdays, some people busier than others."""
    hubs = session.scalars(select(Hub).where(Hub.kind == "user"))
    directory = {alias: hub.name for hub in hubs for alias in aliases_of(hub)}
    extract = Extractor(directory, settings.service_accounts)

    def told(mark: str, topic: str, body: dict[str, Any], sent: datetime) -> Message:
        topic = f"{settings.topic_prefix}.{settings.environment}.{topic}"
        envelope = {"topic": topic, "msg": body, "timestamp": sent.timestamp(), "msg_id": f"demo-{SEED}-{mark}"}
        message = extract(parse(envelope))
        return replace(message, received_at=message.sent_at)

    history = []
    busy = [name for rank, name in enumerate(usernames) for _ in range(len(usernames) - rank)]
    for number in range(MESSAGES):
        sent = now() - timedelta(days=364 * chance.random() ** 1.6, minutes=chance.randint(20, 1400))
        if sent.weekday() > 4 and chance.random() < 0.6:
            continue
        first = chance.choice(busy)
        names = [first, chance.choice([name for name in usernames if name != first])]
        history.append(told(str(number), *invented.random_message(chance, names, settings.demo_messages), sent))
    teams = session.scalars(select(Hub.name).where(Hub.kind == "team", Hub.archived.is_(False)).order_by(Hub.name))
    for team in teams if _OURS in settings.demo_messages else ():
        for number in range(CLOSED):
            sent = now() - timedelta(days=27 * chance.random())
            history.append(told(f"{team}-{number}", *invented.closed_issue(chance, usernames, team), sent))
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
