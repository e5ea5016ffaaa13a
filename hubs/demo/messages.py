"""Demo messages in the shapes of the real bus: a mix of categories, each with the fields that its service sends."""

import random
from collections.abc import Mapping, Sequence

from hubs.demo import forges
from hubs.demo.shape import COMMENTS, TITLES, Body, Shape

_PROJECTS = ("hubs", "websites", "release-notes", "wallpapers", "test-days", "ansible-roles", "installer-guide")
PACKAGES = ("nethogs", "python-sunpath", "rust-heron", "lantern-icons", "wordgarden", "libquokka", "tidepool")
BADGES = ("Nuancier", "Bug Squasher", "Speak Up!", "Helping Hand", "Associate Editor", "Patch Hero")
_REQUESTS = (
    "Somebody to review the new style guide",
    "We need testers for the live image on old laptops",
    "Looking for a translator for the release notes",
    "Help triage the backlog before Thursday",
)
TOPICS = ("Freeze exceptions", "Open floor", "Wallpaper vote", "Release blockers", "Docs sprint")


def _repository(chance: random.Random, name: str = "") -> Body:
    name = name or chance.choice(_PROJECTS)
    return {
        "name": name,
        "fullname": name,
        "url_path": name,
        "namespace": None,
        "parent": None,
        "full_url": f"https://forge.example.org/{name}",
    }


def _issue(chance: random.Random, agent: str, other: str) -> Body:
    project, number = _repository(chance), chance.randint(10, 900)
    issue = {
        "id": number,
        "title": chance.choice(TITLES),
        "status": chance.choice(("Open", "Closed")),
        "user": {"name": other, "fullname": other.title()},
        "assignee": {"name": agent},
        "full_url": f"{project['full_url']}/issue/{number}",
        "comments": [{"id": number, "comment": chance.choice(COMMENTS), "user": {"name": agent}}],
    }
    return {"agent": agent, "issue": issue, "project": project}


def _pull_request(chance: random.Random, agent: str, other: str) -> Body:
    project, number = _repository(chance), chance.randint(10, 900)
    request = {
        "id": number,
        "title": chance.choice(TITLES),
        "branch": "main",
        "status": "Open",
        "user": {"name": other},
        "project": project,
        "full_url": f"{project['full_url']}/pull-request/{number}",
        "comments": [{"id": number, "comment": chance.choice(COMMENTS), "user": {"name": agent}}],
    }
    return {"agent": agent, "pullrequest": request}


def _update(chance: random.Random, agent: str, other: str) -> Body:
    build = f"{chance.choice(PACKAGES)}-{chance.randint(1, 9)}.{chance.randint(0, 20)}-{chance.randint(1, 5)}.fc44"
    alias = f"FEDORA-2026-{chance.randrange(16**8):08x}"
    update = {
        "alias": alias,
        "title": build,
        "user": {"name": agent},
        "builds": [{"nvr": build}],
        "status": "testing",
        "url": f"https://updates.example.org/updates/{alias}",
    }
    return {"agent": agent, "update": update, "comment": {"user": {"name": agent}, "text": chance.choice(COMMENTS)}}


def _build(chance: random.Random, agent: str, other: str) -> Body:
    name, number = chance.choice(PACKAGES), chance.randint(100_000, 999_999)
    state = chance.choice((1, 1, 1, 3))
    return {
        "attribute": "state",
        "build_id": number,
        "instance": "primary",
        "name": name,
        "version": f"{chance.randint(1, 9)}.{chance.randint(0, 20)}",
        "release": f"{chance.randint(1, 5)}.fc44",
        "new": state,
        "old": 0,
        "owner": agent,
        "url": f"https://builds.example.org/build/{number}",
    }


def _badge(chance: random.Random, agent: str, other: str) -> Body:
    name = chance.choice(BADGES)
    return {
        "badge": {"name": name, "description": f"You earned {name}", "badge_id": name.lower().replace(" ", "-")},
        "user": {"username": agent, "badges_user_id": chance.randint(1, 999)},
    }


def _meeting(chance: random.Random, agent: str, other: str) -> Body:
    return {
        "owner": agent,
        "chairs": {agent: True, other: True},
        "attendees": {agent: chance.randint(1, 40), other: chance.randint(1, 40)},
        "meeting_topic": chance.choice(TOPICS),
        "channel": "#demo-meeting",
        "url": "https://meetings.example.org/demo/latest",
    }


def _request(chance: random.Random, agent: str, other: str) -> Body:
    details = {"line": chance.choice(_REQUESTS), "linenum": chance.randint(4, 90), "nick": agent, "time_": 0.0}
    log = {"url": "https://meetings.example.org/demo/latest.log.html", "topic": ""}
    return {**_meeting(chance, agent, other), **log, "details": details}


def _karma(chance: random.Random, agent: str, other: str) -> Body:
    return {"agent": agent, "recipient": other, "channel": "#demo", "line": f"thank you {other}++", "vote": 1}


def _copr(chance: random.Random, agent: str, other: str) -> Body:
    version = f"{chance.randint(1, 9)}.{chance.randint(0, 20)}-1.fc44"
    return {
        "build": chance.randint(100_000, 999_999),
        "chroot": chance.choice(("fedora-44-x86_64", "fedora-44-aarch64")),
        "copr": "nightly",
        "pkg": f"{chance.choice(PACKAGES)}-{version}",
        "version": version,
        "status": chance.choice((1, 1, 0)),
        "user": agent,
        "who": "worker-1",
    }


def _commit(chance: random.Random, agent: str, other: str) -> Body:
    name = chance.choice(PACKAGES)
    commit = {
        "name": agent.title(),
        "username": agent,
        "email": f"{agent}@fedoraproject.org",
        "summary": chance.choice(TITLES),
        "repo": name,
        "branch": chance.choice(("main", "f44")),
        "rev": f"{chance.randrange(16**12):012x}",
        "stats": {"files": {}, "total": {"lines": chance.randint(1, 90)}},
    }
    return {"agent": agent, "commit": commit}


def _page(chance: random.Random, agent: str, other: str) -> Body:
    title = chance.choice(("QA/Test days", "Design/Wallpapers", "Docs/Style", "Infrastructure/Onboarding"))
    return {
        "user": agent,
        "title": title,
        "url": f"https://wiki.example.org/{title.replace(' ', '_')}",
        "minor_edit": 0,
    }


def _question(chance: random.Random, agent: str, other: str) -> Body:
    thread = {"title": chance.choice(TITLES), "pk": chance.randint(1, 9999), "tagnames": ["demo"]}
    return {"agent": agent, "thread": thread, "url": "https://ask.example.org/questions/1", "summary": "…"}


SHAPES: Sequence[Shape] = (
    Shape("pagure.issue.new", 5, _issue),
    Shape("pagure.issue.comment.added", 7, _issue),
    Shape("pagure.pull-request.new", 4, _pull_request),
    Shape("pagure.pull-request.comment.added", 5, _pull_request),
    Shape("bodhi.update.request.testing", 4, _update),
    Shape("bodhi.update.comment", 4, _update),
    Shape("buildsys.build.state.change", 7, _build),
    Shape("copr.build.end", 2, _copr),
    Shape("git.receive", 6, _commit),
    Shape("fedbadges.badge.award", 2, _badge),
    Shape("meetbot.meeting.complete", 1, _meeting),
    Shape("meetbot.meeting.item.help", 1, _request),
    Shape("irc.karma", 2, _karma),
    Shape("wiki.article.edit", 3, _page),
    Shape("askbot.post.edit", 2, _question),
)


#: The messages of a demo by the setting ``demo_messages``.
FAMILIES: Mapping[str, Sequence[Shape]] = {
    "fedora": SHAPES,
    "github": forges.GITHUB,
    "gitlab": forges.GITLAB,
    "forgejo": forges.FORGEJO,
    "pagure": tuple(shape for shape in SHAPES if shape.topic.startswith("pagure.")),
    "wiki": tuple(shape for shape in SHAPES if shape.topic in ("wiki.article.edit", "meetbot.meeting.complete")),
}


def random_message(
    chance: random.Random, usernames: Sequence[str], families: Sequence[str] = ("fedora",)
) -> tuple[str, Body]:
    """Return the topic (after the environment) and the body of a message about two of ``usernames``."""
    shapes = [shape for family in families for shape in FAMILIES[family]]
    shape = chance.choices(shapes, [shape.weight for shape in shapes])[0]
    agent, other = chance.sample(list(usernames), 2)
    return shape.topic, shape.make(chance, agent, other)


def closed_issue(chance: random.Random, usernames: Sequence[str], project: str) -> tuple[str, Body]:
    """Return the topic and the body of a message about an issue that one of ``usernames`` closed on Pagure."""
    body, repository = _issue(chance, *chance.sample(list(usernames), 2)), _repository(chance, project)
    link = f"{repository['full_url']}/issue/{body['issue']['id']}"
    issue = {**body["issue"], "status": "Closed", "full_url": link}
    return "pagure.issue.edit", {**body, "issue": issue, "project": repository, "fields": ["status"]}
