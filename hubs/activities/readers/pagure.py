"""Pagure, the general forge and dist-git. Its usernames are accounts of the community."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, address, first, get, person, text

_EVENTS = {
    "issue.new": "issue.opened",
    "issue.edit": "issue.edited",
    "issue.drop": "issue.deleted",
    "issue.comment.added": "issue.commented",
    "issue.comment.edited": "issue.comment_edited",
    "issue.assigned.added": "issue.assigned",
    "issue.assigned.reset": "issue.unassigned",
    "issue.tag.added": "issue.labeled",
    "issue.tag.removed": "issue.labeled",
    "issue.dependency.added": "issue.linked",
    "issue.dependency.removed": "issue.linked",
    "pull-request.new": "pull.opened",
    "pull-request.comment.added": "pull.commented",
    "pull-request.comment.edited": "pull.comment_edited",
    "pull-request.initial_comment.edited": "pull.edited",
    "pull-request.assigned.added": "pull.assigned",
    "pull-request.assigned.reset": "pull.unassigned",
    "pull-request.tag.added": "pull.labeled",
    "pull-request.tag.removed": "pull.labeled",
    "pull-request.rebased": "pull.updated",
    "pull-request.updated": "pull.updated",
    "pull-request.reopened": "pull.reopened",
    "pull-request.flag.added": "checks.state",
    "pull-request.flag.updated": "checks.state",
    "commit.flag.added": "checks.state",
    "commit.flag.updated": "checks.state",
    "project.new": "project.created",
    "project.edit": "project.edited",
    "project.deleted": "project.deleted",
    "project.forked": "project.forked",
    "project.user.added": "project.member_added",
    "project.user.removed": "project.member_removed",
    "project.user.access.updated": "project.member_changed",
    "project.group.added": "project.team_added",
    "project.group.removed": "project.changed",
    "project.group.access.updated": "project.changed",
    "project.tag.edited": "project.changed",
    "project.tag.removed": "project.changed",
    "git.receive": "code.pushed",
    "git.branch.creation": "branch.created",
    "git.branch.deletion": "branch.deleted",
    "git.tag.creation": "tag.created",
    "git.tag.deletion": "tag.deleted",
    "group.edit": "group.edited",
}


def read(name: str, body: Body) -> Activity | None:
    """Read a message of Pagure."""
    event = name.partition(".")[2]
    verb = _EVENTS.get(event)
    if event == "pull-request.closed":
        verb = "pull.merged" if body.get("merged") else "pull.closed"
    if (
        event == "issue.edit"
        and text(body, "issue", "status").lower() == "closed"
        and "status" in (body.get("fields") or ())
    ):
        verb = "issue.closed"
    if verb is None:
        return None
    actor = person(body, "agent")
    about = next((body[key] for key in ("issue", "pullrequest", "pull_request") if body.get(key)), None)
    place = get(about, "project") or body.get("project") or body.get("repo") or get(body, "commit", "repo")
    project = _path(place)
    thing = _thing(event, body, about, place)
    if verb == "project.forked":
        actor = first(actor, person(place, "user"))
    filed, assigned = person(about, "user"), person(about, "assignee")
    return Activity(
        verb,
        actor=actor,
        thing=thing,
        project="" if event.startswith("group.") else project,
        target=_target(verb, body, about),
        detail=first(text(body, "flag", "status"), text(body, "new_group")),
        people=names(actor, filed, assigned),
        packages=names(_package(place)),
        subjects=frozenset(
            {("project", f"pagure:{path}") for path in _with_host(project, place)}
            | {("account", f"pagure:{account}") for account in (filed, assigned) if account}
        ),
    )


def _target(verb: str, body: Body, about: object) -> str:
    """Return the person that something was done to."""
    if verb in ("issue.assigned", "pull.assigned"):
        return person(about, "assignee")
    if verb.startswith("project.member"):
        return first(person(body, "new_user"), person(body, "removed_user"))
    return ""


def _thing(event: str, body: Body, about: object, place: object) -> Thing:
    kind = event.partition(".")[0]
    link = address(get(about, "full_url"), get(place, "full_url"))
    path = _path(place)
    if not link and path:
        link = f"https://pagure.io/{path}"
        if about is not None and (number := text(about, "id")):
            link += f"/{'issue' if 'issue' in body else 'pull-request'}/{number}"
    if about is not None:
        number = text(about, "id")
        shown = f"#{number}" if number else ""
        comment = text(body, "comment", "id")
        if comment and link:
            link = f"{link}#comment-{comment}"
        return Thing("pull" if kind == "pull-request" else "issue", text(about, "title"), shown, link)
    if kind == "group":
        name = text(body, "group", "name")
        return Thing(
            "group",
            title=first(text(body, "group", "display_name"), name),
            link=address(get(body, "group", "full_url")),
        )
    if kind == "git":
        branch = first(text(body, "branch"), text(body, "tag")).removeprefix("refs/heads/")
        return Thing("branch", number=f" ({branch})" if branch else "", link=link)
    if kind == "commit":
        commit = first(text(body, "flag", "commit_hash"), text(body, "commit", "id"))[:10]
        return Thing("commit", number=f"@{commit}" if commit else "", link=link)
    return Thing("project", link=link)


def _with_host(project: str, place: object) -> Iterator[str]:
    """Yield the path of a project, also behind the name of its server if the message states its address."""
    if not project:
        return
    yield project
    try:
        host = urlsplit(address(get(place, "full_url"))).netloc
    except ValueError:
        return
    if host:
        yield f"{host}/{project}"


def _path(place: object) -> str:
    """Return the path of a project; early messages have no ``fullname``."""
    if full := text(place, "fullname"):
        return full
    name = text(place, "name")
    if not name:
        return ""
    if get(place, "parent"):
        return f"forks/{person(place, 'user')}/{name}"
    namespace = text(place, "namespace")
    return f"{namespace}/{name}" if namespace else name


def _package(place: object) -> str:
    return text(place, "name") if text(place, "namespace") == "rpms" else ""
