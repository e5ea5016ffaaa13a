"""Demo messages of GitHub, Forgejo and GitLab, in the form in which webhook-to-fedora-messaging publishes webhooks.

The payload is in ``body``. ``agent`` is null: the account system knows no login at these forges, only people's hubs do.
"""

import random
from collections.abc import Callable

from hubs.demo.shape import COMMENTS, FORGE, REPOSITORY, TITLES, Body, Shape, login

#: Owners and names of repositories.
_REPOSITORIES = (REPOSITORY, "harbour/handbook", "tides/compass", "tides/website", "tides/wordgarden")
_GITHUB, _GITLAB = "https://github.example.org", "https://gitlab.example.org"

Payload = Callable[[random.Random, str, str], Body]


def _published(service: str, event: str, payload: Payload) -> Payload:
    """Return a function for the published body of a webhook."""

    def make(chance: random.Random, agent: str, other: str) -> Body:
        headers = {"content-type": "application/json", f"x-{service}-event": event}
        return {"agent": None, "headers": headers, "body": payload(chance, login(agent), login(other))}

    return make


class _Forge:
    """Payloads of GitHub and of Forgejo, which has the same fields and a few of its own."""

    def __init__(self, site: str, pulls: str) -> None:
        self._site, self._pulls = site, pulls

    def _user(self, name: str) -> Body:
        return {"id": sum(name.encode()), "login": name, "username": name, "html_url": f"{self._site}/{name}"}

    def _common(self, chance: random.Random, agent: str) -> Body:
        path = chance.choice(_REPOSITORIES)
        owner, _slash, name = path.partition("/")
        repository = {
            "id": sum(path.encode()),
            "name": name,
            "full_name": path,
            "private": False,
            "fork": False,
            "html_url": f"{self._site}/{path}",
            "owner": self._user(owner),
            "default_branch": "main",
        }
        return {"repository": repository, "sender": self._user(agent)}

    def _ticket(self, chance: random.Random, common: Body, path: str, author: str, assignee: str) -> Body:
        number = chance.randint(10, 900)
        return {
            "id": 10_000 + number,
            "number": number,
            "title": chance.choice(TITLES),
            "body": "",
            "state": "open",
            "user": self._user(author),
            "labels": [],
            "assignee": self._user(assignee),
            "assignees": [self._user(assignee)],
            "html_url": f"{common['repository']['html_url']}/{path}/{number}",
        }

    def issue(self, chance: random.Random, agent: str, other: str) -> Body:
        """Return an event about an issue."""
        common, action = self._common(chance, agent), chance.choice(("opened", "opened", "closed", "assigned"))
        issue = self._ticket(chance, common, "issues", agent, other)
        issue["state"] = "closed" if action == "closed" else "open"
        return {"action": action, "number": issue["number"], "issue": issue, **common}

    def comment(self, chance: random.Random, agent: str, other: str) -> Body:
        """Return an event about a comment on an issue."""
        common = self._common(chance, agent)
        issue, number = self._ticket(chance, common, "issues", other, agent), chance.randint(1000, 9999)
        link = f"{issue['html_url']}#issuecomment-{number}"
        comment = {"id": number, "html_url": link, "body": chance.choice(COMMENTS), "user": self._user(agent)}
        return {"action": "created", "issue": issue, "comment": comment, **common}

    def pull_request(self, chance: random.Random, agent: str, other: str) -> Body:
        """Return an event about a pull request."""
        common, action = self._common(chance, agent), chance.choice(("opened", "closed", "synchronize"))
        pull = self._ticket(chance, common, self._pulls, agent, other)
        pull |= {"draft": False, "merged": action == "closed", "requested_reviewers": [self._user(other)]}
        pull |= {"head": {"ref": "change"}, "base": {"ref": "main", "repo": common["repository"]}}
        pull["state"] = "closed" if action == "closed" else "open"
        return {"action": action, "number": pull["number"], "pull_request": pull, **common}

    def review(self, chance: random.Random, agent: str, other: str) -> Body:
        """Return GitHub's event about the review of a pull request."""
        common = self._common(chance, agent)
        pull, number = self._ticket(chance, common, self._pulls, other, agent), chance.randint(1000, 9999)
        link = f"{pull['html_url']}#pullrequestreview-{number}"
        state = chance.choice(("approved", "changes_requested"))
        review = {"id": number, "user": self._user(agent), "body": "", "state": state, "html_url": link}
        return {"action": "submitted", "review": review, "pull_request": pull, **common}

    def push(self, chance: random.Random, agent: str, other: str) -> Body:
        """Return an event about commits."""
        common, sha = self._common(chance, agent), f"{chance.randrange(16**40):040x}"
        site = common["repository"]["html_url"]
        author = {"name": agent.title(), "email": f"{agent}@noreply.example.org", "username": agent}
        commit = {"id": sha, "message": chance.choice(TITLES), "url": f"{site}/commit/{sha}", "author": author}
        pusher = {"name": agent, "email": author["email"], "login": agent}
        compare = f"{site}/compare/main...{sha[:10]}"
        link = {"compare": compare, "compare_url": compare}
        return {"ref": "refs/heads/main", "after": sha, **link, "commits": [commit], "pusher": pusher, **common}

    def release(self, chance: random.Random, agent: str, other: str) -> Body:
        """Return an event about a release."""
        common, tag = self._common(chance, agent), f"v{chance.randint(1, 9)}.{chance.randint(0, 20)}"
        link = f"{common['repository']['html_url']}/releases/tag/{tag}"
        release = {"id": chance.randint(1, 9999), "tag_name": tag, "name": tag, "html_url": link}
        return {"action": "published", "release": {**release, "author": self._user(agent)}, **common}


def _gitlab_user(name: str) -> Body:
    return {"id": sum(name.encode()), "name": name.title(), "username": name, "email": "[REDACTED]"}


def _gitlab_project(chance: random.Random) -> Body:
    path = chance.choice(_REPOSITORIES)
    namespace, _slash, name = path.partition("/")
    link = {"path_with_namespace": path, "web_url": f"{_GITLAB}/{path}"}
    return {"id": sum(path.encode()), "name": name, "namespace": namespace, "default_branch": "main", **link}


def _gitlab_ticket(kind: str, folder: str, actions: tuple[str, ...]) -> Payload:
    def make(chance: random.Random, agent: str, other: str) -> Body:
        project, number, action = _gitlab_project(chance), chance.randint(10, 900), chance.choice(actions)
        state = {"open": "opened", "close": "closed", "merge": "merged"}.get(action, "opened")
        attributes = {
            "id": 10_000 + number,
            "iid": number,
            "title": chance.choice(TITLES),
            "state": state,
            "action": action,
            "url": f"{project['web_url']}/-/{folder}/{number}",
        }
        people = {"user": _gitlab_user(agent), "assignees": [_gitlab_user(other)], "reviewers": []}
        return {"object_kind": kind, "event_type": kind, "project": project, "object_attributes": attributes, **people}

    return make


def _gitlab_note(chance: random.Random, agent: str, other: str) -> Body:
    project, number, note = _gitlab_project(chance), chance.randint(10, 900), chance.randint(1000, 9999)
    link = f"{project['web_url']}/-/issues/{number}"
    attributes = {"id": note, "note": chance.choice(COMMENTS), "noteable_type": "Issue", "action": "create"}
    issue = {"id": 10_000 + number, "iid": number, "title": chance.choice(TITLES), "state": "opened", "url": link}
    return {
        "object_kind": "note",
        "event_type": "note",
        "user": _gitlab_user(agent),
        "project": project,
        "object_attributes": {**attributes, "url": f"{link}#note_{note}"},
        "issue": issue,
    }


def _gitlab_push(chance: random.Random, agent: str, other: str) -> Body:
    project, sha, title = _gitlab_project(chance), f"{chance.randrange(16**40):040x}", chance.choice(TITLES)
    commit = {"id": sha, "message": title, "title": title, "url": f"{project['web_url']}/-/commit/{sha}"}
    return {
        "object_kind": "push",
        "event_name": "push",
        "after": sha,
        "ref": "refs/heads/main",
        "user_name": agent.title(),
        "user_username": agent,
        "project": project,
        "commits": [{**commit, "author": {"name": agent.title(), "email": "[REDACTED]"}}],
        "total_commits_count": 1,
    }


def _gitlab_pipeline(chance: random.Random, agent: str, other: str) -> Body:
    project, number = _gitlab_project(chance), chance.randint(10_000, 99_999)
    status = chance.choice(("success", "success", "failed"))
    attributes = {"id": number, "ref": "main", "status": status, "detailed_status": "passed", "source": "push"}
    attributes |= {"detailed_status": "failed"} if status == "failed" else {}
    link = {"url": f"{project['web_url']}/-/pipelines/{number}"}
    user = _gitlab_user(agent)
    return {"object_kind": "pipeline", "object_attributes": {**attributes, **link}, "user": user, "project": project}


def _family(service: str, *events: tuple[str, int, Payload]) -> tuple[Shape, ...]:
    return tuple(
        Shape(f"{service}.{event}", weight, _published(service, event, payload)) for event, weight, payload in events
    )


_github, _forgejo = _Forge(_GITHUB, "pull"), _Forge(f"https://{FORGE}", "pulls")
GITHUB = _family(
    "github",
    ("issues", 5, _github.issue),
    ("issue_comment", 7, _github.comment),
    ("pull_request", 5, _github.pull_request),
    ("pull_request_review", 3, _github.review),
    ("push", 6, _github.push),
    ("release", 1, _github.release),
)
FORGEJO = _family(
    "forgejo",
    ("issues", 5, _forgejo.issue),
    ("issue_comment", 7, _forgejo.comment),
    ("pull_request", 5, _forgejo.pull_request),
    ("push", 6, _forgejo.push),
    ("release", 1, _forgejo.release),
)
GITLAB = _family(
    "gitlab",
    ("issue", 5, _gitlab_ticket("issue", "issues", ("open", "open", "close"))),
    ("note", 7, _gitlab_note),
    ("merge_request", 5, _gitlab_ticket("merge_request", "merge_requests", ("open", "merge", "approved"))),
    ("push", 6, _gitlab_push),
    ("pipeline", 3, _gitlab_pipeline),
)
