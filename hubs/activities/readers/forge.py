"""The common format of GitHub's and Forgejo's webhooks, which were also bridged to the old bus."""

from collections.abc import Callable, Iterator, Mapping

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, address, first, get, items, text

#: Verbs of events about an issue or a pull request, by action.
_ACTIONS = {
    "opened": "opened",
    "closed": "closed",
    "reopened": "reopened",
    "edited": "edited",
    "assigned": "assigned",
    "unassigned": "unassigned",
    "labeled": "labeled",
    "unlabeled": "labeled",
    "label_updated": "labeled",
    "label_cleared": "labeled",
    "milestoned": "edited",
    "demilestoned": "edited",
    "deleted": "deleted",
    "review_requested": "review_requested",
    "synchronize": "updated",
    "synchronized": "updated",
    "ready_for_review": "edited",
    "converted_to_draft": "edited",
}
_REVIEWS = {"approved": "approved", "changes_requested": "changes_requested", "rejected": "changes_requested"}


#: Most groups around a project.
_GROUPS = 10


def with_owners(path: str) -> Iterator[str]:
    """Yield the path of a project and of its owner or its groups, since widgets may list all their projects."""
    for _group in range(_GROUPS):
        if not path:
            return
        yield path
        path = path.rpartition("/")[0]


class Hook:
    """One event of a forge; ``forge`` is the prefix of its accounts and projects: ``github:``, ``forgejo:host/``."""

    def __init__(self, event: str, body: Body, forge: str) -> None:
        self.body = body
        # On the old bus the action was part of the topic: github.issue.opened
        self.event, _dot, action = event.partition(".")
        self.action = first(text(body, "action"), action)
        #: The action in the topic.
        self.topic_action, self.forge = action, forge
        accounts = get(body, "fas_usernames")
        self._accounts: Mapping[str, object] = accounts if isinstance(accounts, Mapping) else {}
        self.sender = self.account(get(body, "sender")) or self.account(get(body, "pusher"))
        if agent := text(body, "hook_agent"):
            self.sender = agent

    def account(self, user: object) -> str:
        """Return the account of a user if the publisher knows it, else the login with the prefix of the forge."""
        login = first(text(user), text(user, "login"), text(user, "username"), text(user, "name"))
        account = self._accounts.get(login)
        if isinstance(account, str) and account and account != "github_org_" + login:
            return account
        return f"{self.forge}{login}" if login else ""

    @property
    def repository(self) -> str:
        """The path of the repository."""
        repository = get(self.body, "repository") or get(self.body, "run", "repository")
        thing = get(self.body, "pull_request") or get(self.body, "issue")
        return first(text(repository, "full_name"), text(thing, "base", "repo", "full_name"))

    @property
    def link(self) -> str:
        """The address of the repository."""
        repository = get(self.body, "repository") or get(self.body, "run", "repository")
        return address(get(repository, "html_url"), get(repository, "url"))

    def logins(self) -> Iterator[str]:
        """Yield the logins of the people concerned by the issue or pull request."""
        for thing in (get(self.body, "issue"), get(self.body, "pull_request")):
            users = [get(thing, "user"), get(thing, "assignee"), get(self.body, "requested_reviewer")]
            users += items(thing, "assignees") + items(thing, "requested_reviewers")
            users += [get(self.body, "assignee"), get(self.body, "comment", "user"), get(self.body, "review", "user")]
            for user in users:
                if login := first(text(user, "login"), text(user, "username")):
                    yield login

    def people(self) -> frozenset[str]:
        """Return the people concerned by the event."""
        fas = (name for name in self._accounts.values() if isinstance(name, str) and not name.startswith("github_org_"))
        return names(self.sender, fas, (self.account(login) for login in self.logins()))

    def subjects(self) -> frozenset[tuple[str, str]]:
        """Return the project and the accounts concerned by the event, on Forgejo also the owner of the project."""
        repository = self.repository
        # No widget lists all projects of an owner on GitHub.
        paths = filter(None, [repository]) if self.forge == "github:" else with_owners(repository)
        return frozenset(
            {("account", f"{self.forge}{login}") for login in self.logins()}
            | {("project", f"{self.forge}{path}") for path in paths}
        )

    def activity(self, verb: str, thing: Thing, target: str = "", detail: str = "") -> Activity:
        """Return an activity with the fields common to all events."""
        return Activity(
            verb,
            actor=self.sender,
            thing=thing,
            project=self.repository,
            target=target,
            detail=detail,
            people=self.people(),
            groups=names(text(self.body, "hook_group")),
            subjects=self.subjects(),
        )


def read(hook: Hook) -> Activity | None:
    """Read an event of a forge."""
    if hook.event.startswith(("issue", "pull_request")):
        return _ticket(hook)
    event = "action_run" if hook.event.startswith("action_run") else hook.event
    return _EVENTS.get(event, _project)(hook)


def _ref(hook: Hook) -> str:
    name = text(hook.body, "ref").removeprefix("refs/heads/").removeprefix("refs/tags/")
    return f" ({name})" if name else ""


def _push(hook: Hook) -> Activity:
    body = hook.body
    link = address(get(body, "compare"), get(body, "compare_url"), get(body, "head_commit", "url"), hook.link)
    return hook.activity("code.pushed", Thing("commits", number=_ref(hook), link=link))


def _branch(hook: Hook) -> Activity:
    kind = "tag" if text(hook.body, "ref_type") == "tag" else "branch"
    done = "created" if hook.event == "create" else "deleted"
    return hook.activity(f"{kind}.{done}", Thing(kind, number=_ref(hook), link=hook.link))


def _release(hook: Hook) -> Activity:
    release = get(hook.body, "release")
    name = first(text(release, "name"), text(release, "tag_name"))
    return hook.activity("release.published", Thing("release", name, link=address(get(release, "html_url"), hook.link)))


def _run(hook: Hook) -> Activity:
    """Read the result of a run of Forgejo Actions."""
    run = get(hook.body, "run")
    state = "failed" if "failure" in hook.event else "passed"
    link = address(get(run, "html_url"), hook.link)
    return hook.activity(f"checks.{state}", Thing("run", title=text(run, "title"), link=link))


def _commit_comment(hook: Hook) -> Activity:
    comment = get(hook.body, "comment")
    commit = text(comment, "commit_id")[:10]
    thing = Thing("commit", number=f"@{commit}" if commit else "", link=address(get(comment, "html_url"), hook.link))
    return hook.activity("commit.commented", thing)


def _status(hook: Hook) -> Activity:
    link = address(get(hook.body, "commit", "html_url"), get(hook.body, "target_url"), hook.link)
    return hook.activity("checks.state", Thing("commit", link=link), detail=text(hook.body, "state"))


def _project(hook: Hook) -> Activity | None:
    if not hook.repository:
        return None
    thing, target = Thing("project", link=hook.link), ""
    verb = _PROJECT_EVENTS.get(hook.event, "changed")
    if hook.event == "repository" and hook.action in ("created", "deleted"):
        verb = hook.action
    elif hook.event == "member":
        target = hook.account(get(hook.body, "member"))
    return hook.activity(f"project.{verb}", thing, target=target, detail=text(hook.body, "team", "name"))


_PROJECT_EVENTS = {
    "fork": "forked",
    "repository": "edited",
    "member": "member_added",
    "star": "starred",
    "watch": "starred",
    "team_add": "team_added",
}
_EVENTS: Mapping[str, Callable[[Hook], Activity | None]] = {
    "push": _push,
    "create": _branch,
    "delete": _branch,
    "release": _release,
    "action_run": _run,
    "commit_comment": _commit_comment,
    "status": _status,
}


def _ticket(hook: Hook) -> Activity | None:
    body = hook.body
    thing = get(body, "pull_request") or get(body, "issue")
    if not isinstance(thing, Mapping):
        return None
    # A comment on a pull request is sent as a comment on the issue of the same number.
    pull = get(thing, "pull_request")  # contains `merged` at Forgejo, addresses at GitHub
    is_pull = hook.event.startswith("pull_request") or bool(text(pull, "url") or text(pull, "html_url"))
    is_pull = is_pull or get(pull, "merged") is not None
    kind, comment = ("pull" if is_pull else "issue"), get(body, "comment") or get(body, "review")
    number = first(text(thing, "number"), text(body, "number"))
    shown = Thing(
        kind,
        title=text(thing, "title"),
        number=f"#{number}" if number else "",
        link=address(get(comment, "html_url"), get(thing, "html_url")),
    )
    commented = hook.event in ("issue_comment", "pull_request_comment", "pull_request_review_comment")
    if commented or hook.topic_action == "comment":
        verb = {"edited": "comment_edited", "deleted": "comment_deleted"}.get(hook.action, "commented")
        return hook.activity(f"{kind}.{verb}", shown)
    review = first(text(body, "review", "state"), text(body, "review", "type").removeprefix("pull_request_review_"))
    if hook.event.startswith("pull_request_") and (review or "review" in hook.event):
        outcome = _REVIEWS.get(first(review, hook.event.removeprefix("pull_request_review_")).lower(), "reviewed")
        return hook.activity(f"pull.{outcome}", shown)
    verb = _ACTIONS.get(hook.action, "edited")
    if kind == "pull" and verb == "closed" and get(thing, "merged") is True:
        verb = "merged"
    target = hook.account(get(body, "assignee") or get(body, "requested_reviewer") or get(thing, "assignee"))
    return hook.activity(f"{kind}.{verb}", shown, target=target if verb in ("assigned", "review_requested") else "")
