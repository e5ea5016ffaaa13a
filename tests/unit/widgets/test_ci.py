"""Checks of branches on three forges, and which messages make them stale."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.backend.index.index import Index
from hubs.bus import Message, parse
from hubs.clients.forges.checks import Check, checked, state_of
from hubs.clients.forges.tickets import EVER
from hubs.demo.services.contract import answer, record
from hubs.errors import InvalidInput
from hubs.models import Hub, Widget
from hubs.widgets import ci
from hubs.widgets.ci import CI
from hubs.widgets.parameters import clean
from hubs.widgets.registry import Registry
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of
from tests.upstream import Reply, Upstream

GITHUB, FORGEJO = "/repos/harbour/boat/commits/main/check-runs", "/api/v1/repos/harbour/boat/commits/main/status"
GITLAB = "/api/v4/projects/harbour%2Fboat/pipelines"
BOAT = "github:harbour/boat"


def projects(*names: str, branch: str = "") -> list[dict[str, str]]:
    return [{"project": name, "branch": branch} for name in names]


def passed() -> dict[str, Any]:
    run = record("github", "check-runs", name="unit tests", status="completed", conclusion="success")
    return {"total_count": 1, "check_runs": [run]}


def test_the_state_of_each_project_and_what_has_not_passed_are_shown(upstream: Upstream, build: Build) -> None:
    host = upstream.url.removeprefix("http://")
    upstream.on(GITHUB, answer("github", "check-runs"))
    upstream.on(FORGEJO, answer("forgejo", "commit-status"))
    upstream.on(GITLAB, answer("gitlab", "pipelines"))
    fragment = build("ci", projects=projects(BOAT, f"forgejo:{host}/harbour/boat", f"gitlab:{host}/harbour/boat"))
    assert fragment.state == "live", fragment.error
    text = text_of(fragment.html)
    assert "failed harbour/boat main · ce587453ce · 2 checks" in text
    assert "failed unit tests running docs" in text
    assert "failed ci/woodpecker" in text
    assert "test.yml / unit" not in text, "it has passed"
    assert f"running {host}/harbour/boat main" in text
    assert 'href="https://ci.example.org/repos/7/pipeline/9"' in fragment.html
    assert {request.path: request.params.get("ref") for request in upstream.asked}[GITLAB] == ["main"]


def test_a_path_on_forgejo_leads_to_its_server(upstream: Upstream, build: Build) -> None:
    host = upstream.url.removeprefix("http://")
    body = answer("forgejo", "commit-status")
    body["statuses"] = [body["statuses"][0] | {"status": "error"}]
    upstream.on(FORGEJO, body)
    html = build("ci", projects=projects(f"forgejo:{host}/harbour/boat")).html
    assert f'href="{upstream.url}/harbour/boat/actions/runs/3/jobs/0"' in html


def test_only_pipelines_of_the_newest_commit_count(upstream: Upstream, build: Build) -> None:
    host = upstream.url.removeprefix("http://")
    new, old = (record("gitlab", "pipelines", id=9 - number, sha=str(number), status="success") for number in (0, 1))
    upstream.on(GITLAB, [new, old | {"status": "failed"}])
    text = text_of(build("ci", projects=projects(f"gitlab:{host}/harbour/boat")).html)
    assert "passed" in text
    assert "failed" not in text


def test_another_branch_is_asked_for(upstream: Upstream, build: Build) -> None:
    upstream.on("/repos/harbour/boat/commits/release%2F2.0/check-runs", passed())
    text = text_of(build("ci", projects=projects(BOAT, branch="release/2.0")).html)
    assert "passed harbour/boat release/2.0" in text


def test_without_checks_the_widget_says_so(upstream: Upstream, build: Build) -> None:
    upstream.on(GITHUB, {"total_count": 0, "check_runs": []})
    assert "No checks yet." in text_of(build("ci", projects=projects(BOAT)).html)


def test_without_projects_the_widget_says_what_to_do(upstream: Upstream, build: Build) -> None:
    fragment = build("ci")
    assert (fragment.state, "name them in this widget's settings" in fragment.error) == ("needs-setup", True)
    assert upstream.asked == []


def test_a_project_that_does_not_answer_is_named_and_the_others_are_shown(upstream: Upstream, build: Build) -> None:
    upstream.on(GITHUB, passed())
    fragment = build("ci", projects=projects(BOAT, "github:no/such"))
    assert (fragment.state, "Results from GitHub (no/such) are missing" in text_of(fragment.html)) == ("live", True)


def test_if_no_project_answers_the_widget_fails_with_the_reason(upstream: Upstream, build: Build) -> None:
    upstream.on(GITHUB, Reply("", 403))
    fragment = build("ci", projects=projects(BOAT))
    assert (fragment.state, "GitHub denied access" in fragment.error) == ("failed", True)


def test_after_the_budget_no_further_request_is_sent(
    upstream: Upstream, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ci, "BUDGET", -1.0)
    assert "The others took too long." in text_of(build("ci", projects=projects(BOAT)).html)
    assert upstream.asked == []


def test_texts_from_other_services_are_escaped(upstream: Upstream, build: Build) -> None:
    odd = {"name": "<script>alert(1)</script>", "html_url": "javascript:alert(1)", "conclusion": "failure"}
    upstream.on(GITHUB, {"check_runs": [record("github", "check-runs", **odd)]})
    html = build("ci", projects=projects(BOAT)).html
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "javascript:" not in html


@pytest.mark.parametrize(
    "names",
    [
        [f"github:a/b{number}" for number in range(9)],
        ["pagure:boat"],
        ["bugzilla:Fedora/boat"],
        ["forgejo:git.example.org/harbour"],
    ],
)
def test_projects_without_checks_and_too_many_are_refused(names: list[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        clean(CI.parameters, {"projects": projects(*names)})  # type: ignore[arg-type]
    assert "projects" in refused.value.fields


@pytest.mark.parametrize(
    ("states", "together"),
    [
        ([], ""),
        (["success", "skipped"], "passed"),
        (["success", "brand_new"], "running"),
        (["success", "queued", "timed_out"], "failed"),
        (["canceled", "manual"], "skipped"),
    ],
)
def test_one_failed_check_makes_all_failed(states: list[str], together: str) -> None:
    checks = checked("a", [Check(name, state_of(name), "", EVER) for name in states])
    assert checks.state == together


def message(topic: str, body: dict[str, Any]) -> Message:
    return parse({"topic": f"org.fedoraproject.prod.{topic}", "msg": body, "msg_id": "m"})


RUN = {"run": {"repository": {"full_name": "harbour/boat", "html_url": "https://git.example.org/harbour/boat"}}}


@pytest.mark.parametrize(
    ("told", "stale"),
    [
        (message("github.check_run", {"repository": {"full_name": "Harbour/Boat"}}), True),
        (message("github.push", {"repository": {"full_name": "harbour/boat"}}), True),
        (message("github.push", {"repository": {"full_name": "harbour/lamp"}}), False),
        (message("github.star", {"repository": {"full_name": "harbour/boat"}}), False),
        (message("forgejo.action_run_failure", RUN), True),
        (message("gitlab.pipeline", {"project": {"path_with_namespace": "tides/lamp"}}), True),
        (message("gitlab.note", {"project": {"path_with_namespace": "tides/lamp"}}), False),
    ],
)
def test_which_messages_make_checks_stale(
    session: Session, registry: Registry, team: Hub, told: Message, stale: bool
) -> None:
    named = projects(BOAT, "forgejo:git.example.org/harbour/boat", "gitlab:git.example.org/tides/lamp")
    row = Widget(plugin="ci", side="left", settings={"projects": named})
    team.widgets.append(row)
    session.commit()
    index = Index(registry)
    index.replace(team)
    assert (row.id in index.touched(told)) is stale


@pytest.mark.usefixtures("marked")
def test_every_text_of_the_widget_is_translated(upstream: Upstream, build: Build) -> None:
    upstream.on(GITHUB, {"check_runs": []})
    assert "⟦No checks yet" in build("ci", projects=projects(BOAT)).html
    upstream.on(GITHUB, answer("github", "check-runs"))
    assert "⟦failed⟧" in build("ci", projects=projects(BOAT)).html
    assert "⟦Which projects" in build("ci").html
