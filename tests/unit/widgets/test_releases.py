"""Upstream releases: the newest versions of projects, and which messages make them stale."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.backend.index.index import Index
from hubs.bus import Message, parse
from hubs.demo.services.contract import answer, record
from hubs.errors import InvalidInput
from hubs.models import Hub, Widget
from hubs.widgets import releases
from hubs.widgets.parameters import clean
from hubs.widgets.registry import Registry
from hubs.widgets.releases import Releases
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of
from tests.upstream import Asked, Reply, Upstream

PATH = "/api/v2/projects/"


def named(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


def page(*projects: dict[str, Any]) -> dict[str, Any]:
    return answer("anitya", "projects") | {"items": list(projects), "total_items": len(projects)}


def project(name: str, version: str, updated: float = 1482495004.0, **more: Any) -> dict[str, Any]:
    versions = {"version": version, "versions": [version], "stable_versions": [version]}
    return record("anitya", "projects", name=name, updated_on=updated, **{**versions, **more})


def test_the_newest_stable_version_is_shown_with_a_newer_one_that_is_not(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, answer("anitya", "projects"))
    fragment = build("releases", projects=named("lantern"))
    assert fragment.state == "live", fragment.error
    text = text_of(fragment.html)
    assert "lantern 2.0 pypi · before the release of 2.1rc1 · 2016-12-23" in text
    assert "no version yet" in text
    assert f'href="{upstream.url}/project/1/"' in fragment.html
    assert upstream.asked[0].params["name"] == ["lantern"]


def test_projects_are_ordered_by_their_last_change(upstream: Upstream, build: Build) -> None:
    known = {"old": page(project("old", "1.0")), "new": page(project("new", "2.0", 1700000000.0))}
    upstream.on(PATH, lambda request: Reply(known[request.params["name"][0]]))
    text = text_of(build("releases", projects=named("old", "new", "old")).html)
    assert text.index("new 2.0") < text.index("old 1.0")
    assert text.count("old 1.0") == 1


def test_a_name_that_is_not_known_is_reported(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, page())
    text = text_of(build("releases", projects=named("lamtern")).html)
    assert "None of these projects has a version yet." in text
    assert "Release monitoring does not know lamtern;" in text


def test_without_projects_the_widget_says_what_to_do(upstream: Upstream, build: Build) -> None:
    fragment = build("releases")
    assert (fragment.state, "name them in this widget's settings" in fragment.error) == ("needs-setup", True)
    assert upstream.asked == []


def test_a_failure_fails_the_widget_with_the_reason(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, Reply("", 403))
    fragment = build("releases", projects=named("lantern"))
    assert (fragment.state, "Release monitoring denied access" in fragment.error) == ("failed", True)


def test_a_failure_after_the_first_project_keeps_what_is_known(upstream: Upstream, build: Build) -> None:
    def reply(request: Asked) -> Reply:
        return Reply(page(project("a", "1.0"))) if request.params["name"] == ["a"] else Reply("", 403)

    upstream.on(PATH, reply)
    text = text_of(build("releases", projects=named("a", "b")).html)
    assert "a 1.0" in text
    assert "Some projects are missing" in text


def test_after_the_budget_no_further_request_is_sent(
    upstream: Upstream, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "BUDGET", -1.0)
    assert "Some projects are missing" in text_of(build("releases", projects=named("a")).html)
    assert upstream.asked == []


def test_texts_from_other_services_are_escaped(upstream: Upstream, build: Build) -> None:
    evil = "<script>alert(1)</script>"
    upstream.on(PATH, page(project(evil, evil, ecosystem=evil)))
    fragment = build("releases", projects=named("a"))
    assert fragment.state == "live", fragment.error
    assert "&lt;script&gt;" in fragment.html
    assert "<script" not in fragment.html


def test_more_than_a_budget_of_requests_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        clean(Releases.parameters, {"projects": named(*(f"p{number}" for number in range(13)))})  # type: ignore[arg-type]
    assert "projects" in refused.value.fields


def said(topic: str, name: str) -> Message:
    body = {"message": {"agent": "anitya"}, "project": {"id": 4, "name": name}}
    return parse({"topic": f"org.release-monitoring.prod.anitya.{topic}", "msg": body, "msg_id": "m"})


@pytest.mark.parametrize(
    ("message", "stale"),
    [
        (said("project.version.update", "Lantern"), True),
        (said("project.version.update.v2", "lantern"), True),
        (said("project.version.update.v2", "lanterns"), False),
    ],
)
def test_which_messages_make_releases_stale(
    session: Session, registry: Registry, team: Hub, message: Message, stale: bool
) -> None:
    row = Widget(plugin="releases", side="left", settings={"projects": named("Lantern")})
    team.widgets.append(row)
    session.commit()
    index = Index(registry)
    index.replace(team)
    assert (row.id in index.touched(message)) is stale


@pytest.mark.usefixtures("marked")
def test_every_text_of_the_widget_is_translated(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, answer("anitya", "projects"))
    assert "⟦no version yet⟧" in build("releases", projects=named("lantern")).html
    assert "⟦Which projects" in build("releases").html
