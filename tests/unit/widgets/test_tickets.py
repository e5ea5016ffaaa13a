"""Issues and pull requests of a project or of a hub's accounts, and which messages make them stale."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy.orm import Session

from hubs.actions import messages
from hubs.backend.index.index import Index
from hubs.bus import Message, parse
from hubs.clients.forges.gitlab import GitLab
from hubs.clients.forges.tickets import PAGE
from hubs.clients.http.response import LARGE
from hubs.demo.services.contract import answer
from hubs.fragments.store import FragmentStore
from hubs.models import Hub, Widget
from hubs.widgets.registry import Registry
from tests.unit.clients.test_bugzilla import bug
from tests.unit.clients.test_trackers import item, pagure_ticket
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of
from tests.unit.widgets.shared.test_closed import forge
from tests.upstream import Reply, Upstream

BOAT = "github:harbour/boat"
ISSUES, PULLS = "/repos/harbour/boat/issues", "/repos/harbour/boat/pulls"


def test_issues_are_counted_and_sorted_by_last_change(upstream: Upstream, build: Build) -> None:
    upstream.on(ISSUES, [item(3), item(7, assignees=[{"login": "bo"}]), item(5)])
    fragment = build("issues", project=BOAT)
    text = text_of(fragment.html)
    assert fragment.state == "live", fragment.error
    assert "3 open 2 unassigned" in text
    assert text.index("Item 7") < text.index("Item 5") < text.index("Item 3")
    assert "#7 · by rana · assigned to bo ·" in text
    assert 'href="https://github.example/harbour/boat/issues/7"' in fragment.html


def test_closed_issues_are_shown_where_they_are_known(upstream: Upstream, build: Build, session: Session) -> None:
    upstream.on(ISSUES, [item(3)])
    assert "closed" not in build("issues", project=BOAT).html
    messages.store(session, [forge(number, days) for number, days in enumerate((0, 1, 2, 12))])
    fragment = build("issues", project=BOAT)
    assert "3 closed this week" in text_of(fragment.html)
    assert "Closed in the last 13 days: 4, at most 1 on one day</title>" in fragment.html
    assert 'role="img"' in fragment.html
    upstream.on(ISSUES, [])
    text = text_of(build("issues", project=BOAT).html)
    assert "0 open 0 unassigned 3 closed this week" in text
    assert "No open issues." in text


def test_only_unassigned_issues_are_shown_on_request(upstream: Upstream, build: Build) -> None:
    upstream.on(ISSUES, [item(3), item(7, assignees=[{"login": "bo"}])])
    text = text_of(build("issues", project=BOAT, unassigned=True).html)
    assert "Item 3" in text
    assert "Item 7" not in text


def test_the_hubs_accounts_are_queried_if_no_project_is_named(upstream: Upstream, build: Build, member: Hub) -> None:
    member.extras = {"pagure_username": "rana", "github_username": "ranahub"}
    assigned = pagure_ticket(3, project={"fullname": "rpms/boat"})
    upstream.on("/api/0/user/rana/issues", {"issues_assigned": [assigned], "issues_created": []})
    upstream.on("/search/issues", {"total_count": 1, "items": [item(5, user={"login": "RanaHub"})]})
    fragment = build("issues", member)
    text = text_of(fragment.html)
    assert "2 open" in text
    assert "rpms/boat#3" in text
    assert "harbour/boat#5" in text
    assert text.count("mine") == 2


@pytest.mark.parametrize(("plugin", "name"), [("issues", "issues"), ("pulls", "pulls-of-owner")])
def test_an_account_on_forgejo_stands_for_the_projects_of_the_person(
    upstream: Upstream, build: Build, member: Hub, plugin: str, name: str
) -> None:
    host = upstream.url.removeprefix("http://")
    member.extras = {"forgejo_username": f" {host}/rana "}
    upstream.on("/api/v1/repos/issues/search", answer("forgejo", name))
    fragment = build(plugin, member)
    assert fragment.state == "live", fragment.error
    assert 'class="row-item"' in fragment.html
    assert upstream.asked[0].params["owner"] == ["rana"]
    member.extras = {"forgejo_username": "rana"}  # on which server?
    assert build(plugin, member).state == "needs-setup"


def test_a_forge_that_does_not_answer_is_named_and_the_others_are_shown(
    upstream: Upstream, build: Build, member: Hub
) -> None:
    member.extras = {"pagure_username": "rana", "github_username": "ranahub"}
    upstream.on("/api/0/user/rana/issues", Reply("", 403))
    upstream.on("/search/issues", {"total_count": 1, "items": [item(5)]})
    fragment = build("issues", member)
    assert fragment.state == "live"
    assert "Results from Pagure are missing: Pagure denied access." in text_of(fragment.html)


def test_pull_requests_are_split_into_waiting_and_own(upstream: Upstream, build: Build, member: Hub) -> None:
    member.extras = {"github_username": "Rana"}
    theirs = {"user": {"login": "bo"}}
    upstream.on(PULLS, [item(3), item(7, **theirs), item(8, draft=True, **theirs)])
    text = text_of(build("pulls", member, project=BOAT).html)
    assert text.index("Waiting for review") < text.index("Item 7") < text.index("Mine") < text.index("Item 3")
    assert "Item 8" not in text


def test_bugs_are_shown_without_mail_addresses(upstream: Upstream, build: Build) -> None:
    upstream.on("/rest/bug", {"bugs": [bug(3, status="ASSIGNED", assigned_to="kofi@example.org")]})
    text = text_of(build("issues", project="bugzilla:Fedora/otter").html)
    assert "#3 · by rana · assigned to kofi ·" in text
    assert "example.org" not in text


@pytest.mark.parametrize("plugin", ["issues", "pulls"])
def test_without_project_and_accounts_the_widget_says_what_to_do(upstream: Upstream, build: Build, plugin: str) -> None:
    fragment = build(plugin)
    assert fragment.state == "needs-setup"
    assert "name one in this widget's settings, or tracker accounts in the hub's" in text_of(fragment.html)
    assert upstream.asked == []


@pytest.mark.parametrize("with_token", [False, True])
def test_the_gitlab_account_is_queried_only_with_a_token(
    upstream: Upstream, build: Build, fragments: FragmentStore, member: Hub, with_token: bool
) -> None:
    member.extras = {"gitlab_username": "rana"}
    upstream.on("/api/v4/merge_requests", answer("gitlab", "merge-requests"))
    token = SecretStr("s3cret" if with_token else "")
    fragments.clients.gitlab = GitLab(fragments.clients.http, upstream.url, token)
    fragment = build("pulls", member)
    # Without a token GitLab refuses to list anything by person.
    assert (fragment.state, bool(upstream.asked)) == (("live", True) if with_token else ("needs-setup", False))


def forgejo(topic: str, repository: str, host: str = "git.example.org") -> Message:
    place = {"full_name": repository, "html_url": f"https://{host}/{repository}"}
    body = {"issue": {"number": 3}, "repository": place}
    return parse({"topic": f"org.fedoraproject.prod.forgejo.{topic}", "msg": body, "msg_id": "m"})


@pytest.mark.parametrize(
    ("message", "stale"),
    [
        (forgejo("issues", "Harbour/Boat"), True),
        (forgejo("issue_comment", "harbour/lamp"), True),
        (forgejo("issues", "harbourside/boat"), False),
        (forgejo("issues", "harbour/boat", "other.example.org"), False),
        (forgejo("push", "harbour/boat"), False),
    ],
)
def test_which_messages_of_forgejo_make_all_issues_of_an_owner_stale(
    session: Session, registry: Registry, team: Hub, message: Message, stale: bool
) -> None:
    row = Widget(plugin="issues", side="left", settings={"project": "forgejo:git.example.org/Harbour"})
    team.widgets.append(row)
    session.commit()
    index = Index(registry)
    index.replace(team)
    assert (row.id in index.touched(message)) == stale
    # A webhook of the hub reports the same, and one of another hub touches nothing here.
    assert (row.id in index.touched(replace(message, hub_id=team.id))) == stale
    assert row.id not in index.touched(replace(message, hub_id=team.id + 1))


def gitlab(topic: str, project: str) -> Message:
    body = {"project": {"path_with_namespace": project}, "user": {"username": "rana"}, "object_attributes": {"iid": 3}}
    return parse({"topic": f"org.fedoraproject.prod.gitlab.{topic}", "msg": body, "msg_id": "m"})


@pytest.mark.parametrize(
    ("message", "stale"),
    [
        (gitlab("issue", "Harbour/Boat"), True),
        (gitlab("note", "harbour/boat"), True),
        (gitlab("merge_request", "harbour/boat"), False),
        (gitlab("issue", "harbour/lamp"), False),
    ],
)
def test_which_messages_of_gitlab_make_issues_stale(
    session: Session, registry: Registry, team: Hub, message: Message, stale: bool
) -> None:
    row = Widget(plugin="issues", side="left", settings={"project": "gitlab:git.example.org/Harbour/Boat"})
    team.widgets.append(row)
    session.commit()
    index = Index(registry)
    index.replace(team)
    assert (row.id in index.touched(message)) == stale


def test_bugzilla_has_no_pull_requests(build: Build) -> None:
    fragment = build("pulls", project="bugzilla:Fedora/boat")
    assert (fragment.state, "Bugzilla has none of these" in fragment.error) == ("needs-setup", True)


@pytest.mark.parametrize(("plugin", "path"), [("issues", ISSUES), ("pulls", PULLS)])
def test_without_tickets_the_widget_says_so(upstream: Upstream, build: Build, plugin: str, path: str) -> None:
    upstream.on(path, [])
    fragment = build(plugin, project=BOAT)
    assert 'class="empty"' in fragment.html
    assert "New ones show up here by themselves" in text_of(fragment.html)


@pytest.mark.parametrize(("plugin", "path"), [("issues", ISSUES), ("pulls", PULLS)])
def test_long_lists_are_truncated_with_a_link_to_the_rest(
    upstream: Upstream, build: Build, session: Session, fragments: FragmentStore, plugin: str, path: str
) -> None:
    upstream.on(path, [item(1) | {"number": n} for n in range(PAGE)])
    fragment = build(plugin, project=BOAT, limit=4)
    assert fragment.html.count('class="row-item"') == 4
    assert f"Show {PAGE - 4} more" in text_of(fragment.html)
    whole = fragments.page(session.get_one(Widget, fragment.widget), 1)
    assert whole.count('class="row-item"') == PAGE
    assert plugin == "pulls" or f"{PAGE}+ open" in text_of(fragment.html)


HOSTILE: list[dict[str, Any]] = [
    {"title": "<script>alert(1)</script>"},
    {"html_url": "javascript:alert(1)"},
    {"html_url": 'https://x.example/" onclick="alert(1)'},
    {"user": {"login": "<img src=x onerror=alert(1)>"}},
    {"assignees": [{"login": "</small><script>alert(1)</script>"}]},
    {"title": ""},
]


@pytest.mark.parametrize(("plugin", "path"), [("issues", ISSUES), ("pulls", PULLS)])
@pytest.mark.parametrize("more", HOSTILE)
def test_texts_from_other_services_are_escaped(
    upstream: Upstream, build: Build, plugin: str, path: str, more: dict[str, Any]
) -> None:
    upstream.on(path, [item(1, **more)])
    fragment = build(plugin, project=BOAT)
    assert fragment.state == "live", fragment.error
    assert "<script" not in fragment.html
    assert "<img" not in fragment.html


@pytest.mark.parametrize("body", [{}, [1], "<html>", [{"title": "x"}], [item(1, body="x" * LARGE)]])
def test_an_unexpected_shape_or_a_giant_response_fails_only_its_own_widget(
    upstream: Upstream, build: Build, body: Any
) -> None:
    upstream.on(ISSUES, body)
    fragment = build("issues", project=BOAT)
    assert fragment.state == "failed"
    assert "GitHub" in fragment.error


def test_an_unknown_project_fails_with_the_reason(build: Build) -> None:
    fragment = build("issues", project="pagure:no/such")
    assert (fragment.state, "Pagure returned “Not Found”" in fragment.error) == ("failed", True)


@pytest.mark.usefixtures("marked")
def test_every_text_of_the_widgets_is_translated(upstream: Upstream, build: Build) -> None:
    upstream.on(ISSUES, [item(1)])
    upstream.on(PULLS, [])
    assert "⟦unassigned⟧" in build("issues", project=BOAT).html
    assert "⟦No open pull requests" in build("pulls", project=BOAT).html
    assert "⟦Which project?" in build("pulls").html


def github(topic: str, project: str = "Harbour/Boat", **person: Any) -> Message:
    kind = "pull_request" if "pull" in topic else "issue"
    body = {kind: {"user": {"login": "x"}, **person}, "repository": {"full_name": project}}
    return parse({"topic": f"org.fedoraproject.prod.github.{topic}", "msg": body, "msg_id": "m"})


def pagure(topic: str, project: str = "boat", user: str = "x", server: str = "") -> Message:
    kind = "pullrequest" if "pull" in topic else "issue"
    repository: dict[str, Any] = {"name": project, "fullname": project, "namespace": None, "parent": None}
    repository |= {"full_url": f"https://{server}/{project}"} if server else {}
    body = {"agent": "x", kind: {"id": 1, "user": {"name": user}, "project": repository}, "project": repository}
    return parse({"topic": f"io.pagure.prod.pagure.{topic}", "msg": body, "msg_id": "m"})


def bugzilla(product: str = "Fedora", component: str = "boat", assignee: str = "x@e.org") -> Message:
    bug = {"product": product, "component": component, "assigned_to": assignee, "creator": "y@e.org"}
    return parse({"topic": "org.fedoraproject.prod.bugzilla.bug.update", "msg": {"bug": bug}, "msg_id": "m"})


@pytest.mark.parametrize(
    ("plugin", "project", "message", "stale"),
    [
        ("issues", BOAT, github("issue.reopened"), True),
        ("issues", BOAT, github("issue.comment"), True),
        ("issues", BOAT, github("issue.reopened", "harbour/boathouse"), False),
        ("issues", BOAT, github("pull_request.closed"), False),
        ("issues", BOAT, github("push"), False),
        ("issues", BOAT, pagure("issue.new", "harbour/boat"), False),
        ("issues", "pagure:boat", pagure("issue.comment.added"), True),
        ("issues", "pagure:boat", pagure("issue.new", "rpms/boat"), False),
        ("issues", "pagure:boat", pagure("pull-request.new"), False),
        ("issues", "pagure:src.example/rpms/boat", pagure("issue.new", "rpms/boat", server="src.example"), True),
        ("issues", "pagure:src.example/rpms/boat", pagure("issue.new", "rpms/boat", server="pagure.io"), False),
        ("issues", "pagure:rpms/boat", pagure("issue.new", "rpms/boat", server="src.example"), True),
        ("issues", "bugzilla:Fedora/boat", bugzilla(), True),
        ("issues", "bugzilla:Fedora/boat", bugzilla(component="boathouse"), False),
        ("issues", "bugzilla:Fedora/boat", bugzilla("Fedora EPEL"), False),
        ("issues", "", github("issue.reopened", user={"login": "RanaHub"}), True),
        ("issues", "", github("issue.reopened", assignee={"login": "ranahub"}), True),
        ("issues", "", github("issue.reopened", user={"login": "rana"}), False),
        ("issues", "", pagure("issue.new", user="rana"), True),
        ("issues", "", pagure("issue.new", user="ranahub"), False),
        ("issues", "", bugzilla(assignee="rana@e.org"), True),
        ("issues", "", bugzilla(), False),
        ("pulls", BOAT, github("pull_request.opened"), True),
        ("pulls", BOAT, github("pull_request_review"), True),
        ("pulls", BOAT, github("pull_request.opened", "harbour/boathouse"), False),
        ("pulls", BOAT, github("issue.reopened"), False),
        ("pulls", "pagure:boat", pagure("pull-request.flag.added"), True),
        ("pulls", "pagure:boat", pagure("issue.new"), False),
        ("pulls", "", github("pull_request.opened", requested_reviewers=[{"login": "ranahub"}]), True),
        ("pulls", "", github("pull_request.opened"), False),
    ],
)
def test_which_messages_make_tickets_stale(
    session: Session, registry: Registry, team: Hub, plugin: str, project: str, message: Message, stale: bool
) -> None:
    team.extras = {"pagure_username": "rana", "github_username": "ranahub", "bugzilla_email": "Rana@e.org"}
    row = Widget(plugin=plugin, side="left", settings={"project": project} if project else {})
    team.widgets.append(row)
    session.commit()
    index = Index(registry)
    index.replace(team)
    assert (row.id in index.touched(message)) is stale
