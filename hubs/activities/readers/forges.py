"""GitHub, Forgejo and GitLab."""

from urllib.parse import urlsplit

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, address, first, get, items, text
from hubs.activities.readers import forge

_GITLAB_ACTIONS = {
    "open": "opened",
    "close": "closed",
    "reopen": "reopened",
    "merge": "merged",
    "approved": "approved",
    "approval": "approved",
    "unapproved": "changes_requested",
    "update": "edited",
}
_PIPELINES = {"success": "passed", "failed": "failed"}


def github(name: str, body: Body) -> Activity | None:
    """Read an event of GitHub, of today (``github.issues``) or of the old bus (``github.issue.opened``)."""
    return forge.read(forge.Hook(name.partition(".")[2], body, "github:"))


def forgejo(name: str, body: Body) -> Activity | None:
    """Read an event of Forgejo or Gitea; accounts and projects are prefixed with the host."""
    event = name.partition(".")[2]
    run = get(body, "run", "repository")
    link = address(get(body, "repository", "html_url"), get(run, "html_url"), get(body, "sender", "html_url"))
    try:
        host = urlsplit(link).netloc
    except ValueError:
        host = ""
    if not host:
        return None
    return forge.read(forge.Hook(event, body, f"forgejo:{host}/"))


def gitlab(name: str, body: Body) -> Activity | None:
    """Read an event of GitLab."""
    project = text(body, "project", "path_with_namespace")
    logins = {text(user, "username") for user in items(body, "assignees") + items(body, "reviewers")} - {""}
    sender = first(text(body, "user", "username"), text(body, "user_username"))
    actor = first(text(body, "hook_agent"), f"gitlab:{sender}" if sender else "")
    verb, thing, detail = _gitlab_event(name.partition(".")[2], body)
    return Activity(
        verb,
        actor=actor,
        thing=thing,
        project=project,
        detail=detail,
        people=names(actor, (f"gitlab:{login}" for login in logins)),
        groups=names(text(body, "hook_group")),
        subjects=frozenset(
            {("account", f"gitlab:{login}") for login in logins | {sender} if login}
            | {("project", f"gitlab:{path}") for path in forge.with_owners(project)}
        ),
    )


def _gitlab_event(event: str, body: Body) -> tuple[str, Thing, str]:
    """Return the verb, the thing and the detail of an event."""
    attributes = get(body, "object_attributes")
    link = address(get(attributes, "url"), get(attributes, "web_url"), get(body, "project", "web_url"))
    if event in ("issue", "merge_request", "work_item", "confidential_issue"):
        kind, sign = ("pull", "!") if event == "merge_request" else ("issue", "#")
        action = _GITLAB_ACTIONS.get(text(attributes, "action"), "edited")
        return f"{kind}.{action}", _gitlab_thing(kind, sign, attributes, link), ""
    if event in ("note", "confidential_note"):
        kind = "pull" if get(body, "merge_request") is not None else "issue"
        about = get(body, "merge_request") or get(body, "issue")
        verb = f"{kind}.commented" if about is not None else "commit.commented"
        return verb, _gitlab_thing(kind, "!" if kind == "pull" else "#", about, link), ""
    if event in ("push", "tag_push"):
        branch = text(body, "ref").removeprefix("refs/heads/").removeprefix("refs/tags/")
        commits = items(body, "commits")
        link = address(get(commits[-1], "url") if commits else None, link)
        thing = Thing("commits", number=f" ({branch})" if branch else "", link=link)
        return "tag.created" if event == "tag_push" else "code.pushed", thing, ""
    if event == "pipeline":
        detail = first(text(attributes, "detailed_status"), text(attributes, "status"))
        verb = f"checks.{_PIPELINES.get(text(attributes, 'status'), 'state')}"
        return verb, Thing("project", link=link), detail
    if event == "release":
        link = address(get(body, "url"), link)
        return "release.published", Thing("release", title=text(body, "name"), link=link), ""
    return "project.changed", Thing("project", link=link), ""


def _gitlab_thing(kind: str, sign: str, about: object, link: str) -> Thing:
    number = text(about, "iid")
    return Thing(kind, title=text(about, "title"), number=f"{sign}{number}" if number else "", link=link)
