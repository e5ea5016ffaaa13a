"""Stand-ins for upstream services, so that the demo's widgets work without a network: one local server.

It answers in the services' published formats (`hubs.demo.services.contract`). Answers about the same person, project or
calendar are always the same, except that a few entries are added over time. All data is fictional.
"""

import random
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from hubs.demo import builds, calendars, checks, community_services, packager
from hubs.demo import messages as invented
from hubs.demo.services.contract import answer as documented
from hubs.demo.services.contract import record
from hubs.demo.services.server import Asked, Reply, Upstream
from hubs.demo.shape import TITLES, login
from hubs.settings import Settings

HOST = "127.0.0.1"
#: The services with a stand-in: the setting of each, and its path on the server.
SERVICES = {"badges_url": "badges", "bodhi_url": "bodhi", "bugzilla_url": "bugzilla", "fedocal_url": "fedocal"}
SERVICES |= {"pagure_url": "pagure", "github_api_url": "github", "forgejo_url": "forgejo", "gitlab_url": "gitlab"}
SERVICES |= {"discourse_url": "discourse", "weblate_url": "weblate", "status_url": "status", "matrix_url": "matrix"}
SERVICES |= {"anitya_url": "anitya", "packager_dashboard_url": "packager"}
SERVICES |= {"koji_url": "koji", "copr_url": "copr"}
#: Seconds after which a person gets another badge.
GROWTH = 120
_STARTED = time.time()

Query = dict[str, list[str]]


def environment(port: int, absent: Collection[str] = ()) -> dict[str, str]:
    """Return the settings with the addresses of the stand-ins; those in ``absent`` are left out.

    Calendars are read from addresses that people type, which otherwise must not lead to this machine.
    """
    present = {name: folder for name, folder in SERVICES.items() if name not in absent}
    addresses = {f"HUBS_{name.upper()}": f"http://{HOST}:{port}/{folder}" for name, folder in present.items()}
    return {"HUBS_ALLOWED_PRIVATE_NETWORKS": f"{HOST}/32", **addresses}


def calendar(settings: Settings, team: str) -> str:
    """Return the address of a team's calendar on the stand-ins; empty if the settings name other services."""
    parts = urlsplit(settings.forgejo_url)
    return f"http://{parts.netloc}/calendar/{team}.ics" if parts.hostname == HOST else ""


def answer(path: str, query: Query) -> Any:
    """Return the answer of a stand-in as a JSON value; None if there is nothing at this path."""
    for pattern, respond in _ANSWERS:
        match = re.fullmatch(pattern, path)
        if match:
            return respond(query, *match.groups())
    return None


@contextmanager
def server(port: int) -> Iterator[Upstream]:
    """Run the server of the stand-ins for the block."""
    running = Upstream(HOST, port, _reply)
    try:
        yield running
    finally:
        running.stop()


def serve(port: int) -> None:
    """Serve until stopped."""
    with server(port):
        threading.Event().wait()


def _reply(asked: Asked) -> Reply:
    """Answer API requests with JSON, calls of Koji with XML, and browsers that follow a link with a sentence."""
    if match := re.fullmatch(r"/calendar/([a-z0-9-]+)\.ics", asked.path):
        return Reply(calendars.file(match[1]), headers={"Content-Type": "text/calendar; charset=utf-8"})
    if asked.path == "/koji/kojihub":
        return Reply(builds.koji(asked.body), headers={"Content-Type": "text/xml"})
    content = answer(asked.path, asked.params)
    if content is not None:
        return Reply(content)
    if "text/html" in asked.headers.get("accept", ""):
        text = "In the demo, this stands for a page of another service."
        return Reply(text, headers={"Content-Type": "text/plain; charset=utf-8"})
    return Reply({"error": "There is nothing here."}, 404)


def _ago(**more: float) -> datetime:
    return datetime.now(UTC) - timedelta(**more)


def _badges(query: Query, username: str) -> Any:
    chance = random.Random(f"badges {username}")
    number = chance.randint(6, 30) + int(time.time() - _STARTED) // GROWTH
    earned = []
    for index in range(number):
        name = f"{chance.choice(invented.BADGES)} {chance.choice(('I', 'II', 'III', 'IV', 'V'))}"
        issued = time.time() - chance.randint(1, 900) * 86400.0 if index < 30 else _STARTED + (index - 30) * GROWTH
        key, text = f"{name.lower().replace(' ', '-')}-{index}", f"Earned as “{name}”."
        badge = record("badges", "person", id=key, issued=issued, name=name, description=text)
        earned.append(badge | {"rarity": chance.choice("SABBCCDD")})
    page = {"user": username, "rank": chance.randint(20, 4000), "user_count": 9200, "assertions": earned}
    return documented("badges", "person") | page


def _updates(query: Query) -> Any:
    chance = random.Random(f"updates {query.get('user', [''])[0]}")
    updates = []
    for _ in range(chance.randint(0, 5)):
        title = f"{chance.choice(invented.PACKAGES)}-{chance.randint(0, 9)}.{chance.randint(0, 20)}-1.fc43"
        karma, since = chance.randint(-1, 4), _ago(days=chance.randint(0, 12))
        updates.append(
            record(
                "bodhi",
                "updates",
                alias=f"FEDORA-2026-{chance.getrandbits(40):010x}",
                title=title,
                url="",
                karma=karma,
                meets_testing_requirements=karma >= 3 or since < _ago(days=7),
                date_testing=since.strftime("%Y-%m-%d %H:%M:%S"),
            )
        )
    return documented("bodhi", "updates") | {"updates": updates, "total": len(updates)}


def _reviews(query: Query) -> Any:
    chance = random.Random(f"reviews {query.get('creator', [''])[0]}")
    bugs = []
    for _ in range(chance.randint(1, 4)):
        flag = chance.choice(("", "?", "+"))
        bugs.append(
            record(
                "bugzilla",
                "bugs",
                id=chance.randint(2_000_000, 2_400_000),
                summary=f"Review Request: {chance.choice(invented.PACKAGES)} - A tool of our own",
                status="ASSIGNED" if flag else "NEW",
                creation_time=_ago(days=40).isoformat(),
                last_change_time=_ago(days=chance.randint(0, 30)).isoformat(),
                flags=[{"name": "fedora-review", "status": flag}] if flag else [],
            )
        )
    return {"bugs": bugs}


def _meetings(query: Query) -> Any:
    calendar = query.get("calendar", [""])[0]
    chance = random.Random(f"meetings {calendar}")
    hour, weekday = chance.randint(7, 20), chance.randint(0, 4)
    first = datetime.now(UTC) + timedelta(days=(weekday - datetime.now(UTC).weekday()) % 7)
    meetings = []
    for week in range(4):
        day = (first + timedelta(weeks=week)).date().isoformat()
        meetings.append(
            record(
                "fedocal",
                "meetings",
                meeting_id=week + 1,
                meeting_name=chance.choice(invented.TOPICS),
                calendar_name=calendar,
                meeting_date=day,
                meeting_date_end=day,
                meeting_time_start=f"{hour:02d}:00:00",
                meeting_time_stop=f"{hour + 1:02d}:00:00",
                meeting_location=f"#{calendar}",
                meeting_manager=[],
            )
        )
    return {"meetings": meetings}


def _releases(query: Query) -> Any:
    name = query.get("name", [""])[0]
    chance = random.Random(f"releases {name}")
    versions = [f"{chance.randint(1, 4)}.{minor}" for minor in range(chance.randint(1, 12), 0, -1)]
    changed = _ago(days=chance.randint(0, 60)).timestamp()
    fields = {"version": versions[0], "versions": versions, "stable_versions": versions, "updated_on": changed}
    project = record("anitya", "projects", id=chance.randint(1, 9000), name=name, **fields)
    return documented("anitya", "projects") | {"items": [project], "total_items": 1}


def _asked_labels(query: Query) -> list[str]:
    """Return the labels that a list is limited to; Pagure calls them tags."""
    return [*query.get("labels", ()), *query.get("tags", ())]


def _tickets(query: Query, project: str, kind: str) -> Any:
    chance, tags = random.Random(f"{kind} {project} {_asked_labels(query)}"), _asked_labels(query)
    tickets = []
    for number in range(chance.randint(1, 3) if tags else chance.randint(3, 14)):
        assignee = None if tags else chance.choice((None, {"name": "elowen"}, {"name": "kaveri"}))
        person = {"name": chance.choice(("adalind", "bramvk", "farrukh"))}
        tickets.append(
            record(
                "pagure",
                kind,
                id=900 - number * 7,
                title=chance.choice(TITLES),
                user=person,
                assignee=assignee,
                last_updated=str(int(_ago(hours=chance.randint(1, 400)).timestamp())),
                full_url="",
                **({"tags": tags} if kind == "issues" else {}),
            )
            | {"project": {"fullname": project}}
        )
    key = "issues" if kind == "issues" else "requests"
    return {key: tickets, f"total_{key}": len(tickets)}


def _forge_tickets(service: str) -> Callable[..., Any]:
    """Return a function for the lists of a repository on GitHub or Forgejo, which have the same fields."""

    def respond(query: Query, project: str, kind: str) -> Any:
        labels = _asked_labels(query)
        chance, tickets = random.Random(f"{service} {kind} {project} {labels}"), []
        for number in range(chance.randint(1, 3) if labels else chance.randint(3, 14)):
            person, assignee = (
                {"login": login(chance.choice(("adalind", "bramvk", "elowen", "kaveri")))} for _ in range(2)
            )
            tickets.append(
                record(
                    service,
                    kind,
                    id=9000 - number,
                    number=900 - number * 7,
                    title=chance.choice(TITLES),
                    user=person,
                    assignees=[assignee] if chance.random() < 0.5 and not labels else [],
                    labels=[{"id": 7, "name": label} for label in labels],
                    updated_at=_ago(hours=chance.randint(1, 400)).isoformat(),
                    html_url="",
                )
            )
        return tickets

    return respond


def _gitlab_tickets(query: Query, path: str, kind: str) -> Any:
    project, sign = unquote(path), "#" if kind == "issues" else "!"
    labels = _asked_labels(query)
    chance, tickets = random.Random(f"gitlab {kind} {project} {labels}"), []
    for index in range(chance.randint(1, 3) if labels else chance.randint(3, 14)):
        author, assignee = ({"username": login(chance.choice(("adalind", "bramvk", "elowen")))} for _ in range(2))
        tickets.append(
            record(
                "gitlab",
                kind.replace("_", "-"),
                iid=900 - index * 7,
                title=chance.choice(TITLES),
                author=author,
                assignees=[assignee] if chance.random() < 0.5 and not labels else [],
                labels=labels,
                updated_at=_ago(hours=chance.randint(1, 400)).isoformat(),
                web_url="",
                **({"draft": False} if kind == "merge_requests" else {}),
                references={"full": f"{project}{sign}{900 - index * 7}"},
            )
        )
    return tickets


_ANSWERS: tuple[tuple[str, Callable[..., Any]], ...] = (
    (r"/badges/user/([^/]+)/json", _badges),
    (r"/bodhi/updates/", _updates),
    (r"/bugzilla/rest/bug", _reviews),
    (r"/copr/api_3/project/list", builds.copr_projects),
    (r"/copr/api_3/build/list", builds.copr_builds),
    (r"/anitya/api/v2/projects/", _releases),
    (r"/packager/api/v2/packager_dashboard", packager.answer),
    (r"/fedocal/api/meetings/", _meetings),
    (r"/pagure/api/0/([\w.-]+(?:/[\w.-]+)?)/(issues|pull-requests)", _tickets),
    (r"/github/repos/([\w.-]+/[\w.-]+)/(issues|pulls)", _forge_tickets("github")),
    (r"/github/repos/([\w.-]+/[\w.-]+)/commits/[^/]+/check-runs", lambda _query, project: checks.github(project)),
    (r"/forgejo/api/v1/repos/([\w.-]+/[\w.-]+)/commits/[^/]+/status", lambda _query, project: checks.forgejo(project)),
    (r"/gitlab/api/v4/projects/([\w.%-]+)/pipelines", lambda _query, path: checks.gitlab(unquote(path))),
    (r"/gitlab/api/v4/(?:projects|groups)/([\w.%-]+)/(issues|merge_requests)", _gitlab_tickets),
    (r"/forgejo/api/v1/repos/([\w.-]+/[\w.-]+)/(issues|pulls)", _forge_tickets("forgejo")),
    *community_services.ANSWERS,
)
