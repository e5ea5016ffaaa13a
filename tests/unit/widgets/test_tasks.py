"""Open tasks: issues with chosen labels across forges, and which messages make them stale."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.backend.index.index import Index
from hubs.bus import Message, parse
from hubs.demo.services.contract import answer, record
from hubs.errors import InvalidInput
from hubs.models import Hub, Widget
from hubs.widgets import tasks
from hubs.widgets.parameters import clean
from hubs.widgets.registry import Registry
from hubs.widgets.tasks import Tasks
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of
from tests.upstream import Asked, Reply, Upstream

GITHUB, FORGEJO = "/repos/harbour/boat/issues", "/api/v1/repos/harbour/boat/issues"
GITLAB, PAGURE = "/api/v4/projects/harbour%2Fboat/issues", "/api/0/boat/issues"


def projects(*names: str) -> list[dict[str, str]]:
    return [{"project": name} for name in names]


def host(upstream: Upstream) -> str:
    return upstream.url.removeprefix("http://")


def labelled(number: int, *labels: str, **more: Any) -> dict[str, Any]:
    fields = {"title": f"Task {number}", "assignees": [], "labels": [{"name": label} for label in labels], **more}
    link = f"https://github.example/harbour/boat/issues/{number}"
    return record("github", "issues", number=number, html_url=link, **fields)


def test_issues_of_all_forges_are_listed_with_the_chosen_labels(upstream: Upstream, build: Build) -> None:
    upstream.on(GITHUB, [labelled(3, "easyfix")])
    upstream.on(FORGEJO, [record("forgejo", "issues", title="On Forgejo", assignees=[], labels=[{"name": "easyfix"}])])
    upstream.on(GITLAB, [record("gitlab", "issues", title="On GitLab", assignees=[], labels=["easyfix"])])
    ticket = record("pagure", "issues", title="On Pagure", assignee=None, tags=["easyfix"])
    upstream.on(PAGURE, {**answer("pagure", "issues"), "issues": [ticket]})
    named = projects(
        "github:harbour/boat",
        f"forgejo:{host(upstream)}/harbour/boat",
        f"gitlab:{host(upstream)}/harbour/boat",
        "pagure:boat",
    )
    fragment = build("tasks", projects=named, labels="easyfix")
    assert fragment.state == "live", fragment.error
    for title in ("Task 3", "On Forgejo", "On GitLab", "On Pagure"):
        assert title in text_of(fragment.html)
    asked = {request.path: request.params for request in upstream.asked}
    assert [asked[path]["labels"] for path in (GITHUB, FORGEJO, GITLAB)] == [["easyfix"]] * 3
    assert asked[PAGURE]["tags"] == ["easyfix"]


def test_an_issue_with_several_of_the_labels_is_listed_once(upstream: Upstream, build: Build) -> None:
    upstream.on(GITHUB, [labelled(3, "easyfix", "help wanted")])
    html = build("tasks", projects=projects("github:harbour/boat"), labels="easyfix, help wanted").html
    assert html.count('class="row-item"') == 1
    assert [request.params["labels"] for request in upstream.asked] == [["easyfix"], ["help wanted"]]


def test_tickets_without_the_label_are_left_out(upstream: Upstream, build: Build) -> None:
    upstream.on(
        GITHUB, [labelled(3, "Easyfix"), labelled(4), labelled(5, "bug"), labelled(6) | {"labels": ["easyfix"]}]
    )
    text = text_of(build("tasks", projects=projects("github:harbour/boat"), labels="easyfix").html)
    assert [f"Task {number}" in text for number in (3, 4, 5, 6)] == [True, False, False, True]


@pytest.mark.parametrize("unassigned", [True, False])
def test_assigned_issues_are_shown_on_request(upstream: Upstream, build: Build, unassigned: bool) -> None:
    upstream.on(GITHUB, [labelled(3, "easyfix", assignees=[{"login": "bo"}])])
    named = projects("github:harbour/boat")
    text = text_of(build("tasks", projects=named, labels="easyfix", unassigned=unassigned).html)
    assert ("Task 3" in text) is not unassigned
    assert ("No open issue has one of these labels: easyfix." in text) is unassigned


def test_a_project_that_does_not_answer_is_named_and_the_others_are_shown(upstream: Upstream, build: Build) -> None:
    upstream.on(GITHUB, [labelled(3, "easyfix")])
    fragment = build("tasks", projects=projects("github:harbour/boat", "pagure:no/such"), labels="easyfix")
    assert fragment.state == "live"
    assert "Results from Pagure (no/such) are missing" in text_of(fragment.html)


def test_if_no_project_answers_the_widget_fails_with_the_reason(upstream: Upstream, build: Build) -> None:
    upstream.on(GITHUB, Reply("", 403))
    fragment = build("tasks", projects=projects("github:harbour/boat"))
    assert (fragment.state, "GitHub denied access" in fragment.error) == ("failed", True)


def test_after_the_budget_no_further_request_is_sent(
    upstream: Upstream, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BUDGET", 0.0)
    upstream.on(GITHUB, [labelled(3, "easyfix")])
    fragment = build("tasks", projects=projects("github:harbour/boat"), labels="easyfix")
    assert upstream.asked == []
    assert "The others took too long." in text_of(fragment.html)


@pytest.mark.parametrize("settings", [{}, {"projects": [{"project": "github:a/b"}], "labels": " , "}])
def test_without_projects_or_labels_the_widget_says_what_to_do(build: Build, settings: dict[str, Any]) -> None:
    fragment = build("tasks", **settings)
    assert fragment.state == "needs-setup"
    assert "An owner can name them in this widget's settings" in text_of(fragment.html)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"projects": projects(*(f"github:a/b{number}" for number in range(7)))}, "projects"),
        ({"projects": projects("bugzilla:Fedora/boat")}, "projects"),
        ({"labels": "a,b,c,d,e"}, "labels"),
    ],
)
def test_more_than_a_budget_of_requests_is_refused(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        clean(Tasks.parameters, settings)  # type: ignore[arg-type]
    assert field in refused.value.fields


def message(topic: str, body: dict[str, Any]) -> Message:
    return parse({"topic": f"org.fedoraproject.prod.{topic}", "msg": body, "msg_id": "m"})


@pytest.mark.parametrize(
    ("told", "stale"),
    [
        (message("github.issues", {"issue": {"number": 3}, "repository": {"full_name": "Harbour/Boat"}}), True),
        (message("github.issues", {"issue": {"number": 3}, "repository": {"full_name": "harbour/lamp"}}), False),
        (message("github.push", {"repository": {"full_name": "harbour/boat"}}), False),
        (message("gitlab.issue", {"project": {"path_with_namespace": "tides/lamp"}}), True),
    ],
)
def test_which_messages_make_tasks_stale(
    session: Session, registry: Registry, team: Hub, told: Message, stale: bool
) -> None:
    named = projects("github:harbour/boat", "gitlab:git.example.org/tides/lamp")
    row = Widget(plugin="tasks", side="left", settings={"projects": named})
    team.widgets.append(row)
    session.commit()
    index = Index(registry)
    index.replace(team)
    assert (row.id in index.touched(told)) is stale


@pytest.mark.usefixtures("marked")
def test_every_text_of_the_widget_is_translated(upstream: Upstream, build: Build) -> None:
    upstream.on(GITHUB, [])
    assert "⟦No open issue has one of these labels" in build("tasks", projects=projects("github:harbour/boat")).html
    assert "⟦Which projects" in build("tasks").html


def test_forges_get_each_label_by_itself_since_several_mean_all_of_them(upstream: Upstream, build: Build) -> None:
    def reply(request: Asked) -> Reply:
        (label,) = request.params["labels"]
        return Reply([labelled(len(label), label)])

    upstream.on(GITHUB, reply)
    text = text_of(build("tasks", projects=projects("github:harbour/boat"), labels="a, bb").html)
    assert "Task 1" in text
    assert "Task 2" in text
