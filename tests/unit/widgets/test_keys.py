"""Widgets use the keys of their hub: only of their own, only for the host, and only as they were entered."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from hubs.backend.index.index import Index
from hubs.bus import parse
from hubs.clients.http.service import HostKey
from hubs.demo.services.contract import answer
from hubs.models import Hub, HubKey, Widget
from hubs.widgets.keys import key_for, seal
from hubs.widgets.registry import Registry
from hubs.widgets.secrets import SecretBox
from tests.unit.conftest import KEY
from tests.unit.widgets.conftest import Build
from tests.upstream import Upstream

#: Plugins with the settings and the path of a request, and the header of a key there.
CASES: list[tuple[str, Any, str, Any, tuple[str, str]]] = [
    ("discourse", lambda u: {"address": f"{u}/c/docs/5"}, "/c/docs/5.json", "topics", ("api-key", "k3y")),
    (
        "weblate",
        lambda u: {"address": f"{u}/projects/docs/"},
        "/api/projects/docs/languages/",
        "languages",
        ("authorization", "Token k3y"),
    ),
    (
        "weblate",
        lambda u: {"address": f"{u}/projects/docs/handbook/"},
        "/api/components/docs/handbook/statistics/",
        "statistics",
        ("authorization", "Token k3y"),
    ),
]


def enter(session: Session, hub: Hub, origin: str, entered_for: str = "") -> None:
    secret = seal(SecretBox(KEY), hub.id, entered_for or origin, "k3y")
    session.add(HubKey(hub_id=hub.id, origin=origin, secret=secret, created_by="owner"))
    session.commit()


@pytest.mark.parametrize(("plugin", "settings", "path", "name", "header"), CASES)
def test_the_key_of_the_hub_is_sent_to_its_host(
    session: Session,
    upstream: Upstream,
    build: Build,
    team: Hub,
    plugin: str,
    settings: Any,
    path: str,
    name: str,
    header: tuple[str, str],
) -> None:
    upstream.on(path, answer(plugin, name))
    enter(session, team, upstream.url)
    fragment = build(plugin, **settings(upstream.url))
    assert fragment.state == "live", fragment.error
    assert upstream.asked[0].headers[header[0]] == header[1]
    assert "k3y" not in fragment.html


@pytest.mark.parametrize(
    ("plugin", "settings", "path", "name"),
    [
        ("issues", lambda project: {"project": project}, "issues", "issues"),
        ("pulls", lambda project: {"project": project}, "merge_requests", "merge-requests"),
        ("tasks", lambda project: {"projects": [{"project": project}], "labels": "bug"}, "issues", "issues"),
        ("ci", lambda project: {"projects": [{"project": project, "branch": ""}]}, "pipelines", "pipelines"),
    ],
)
def test_projects_on_gitlab_are_read_with_the_key(
    session: Session,
    upstream: Upstream,
    build: Build,
    team: Hub,
    monkeypatch: pytest.MonkeyPatch,
    plugin: str,
    settings: Any,
    path: str,
    name: str,
) -> None:
    # Typed projects on GitLab are read over https, which this server does not speak.
    monkeypatch.setattr("hubs.widgets.shared.trackers.key_for", _over_http)
    upstream.on(f"/api/v4/projects/a%2Fb/{path}", answer("gitlab", name))
    enter(session, team, upstream.url)
    fragment = build(plugin, **settings(f"gitlab:{upstream.url.removeprefix('http://')}/a/b"))
    assert fragment.state == "live", fragment.error
    assert upstream.asked[0].headers["private-token"] == "k3y"


def _over_http(row: Widget, address: str) -> HostKey | None:
    return key_for(row, address.replace("https://", "http://"))


def test_the_key_of_another_hub_or_host_is_not_used(
    session: Session, upstream: Upstream, build: Build, team: Hub, member: Hub
) -> None:
    upstream.on("/latest.json", answer("discourse", "topics"))
    enter(session, member, upstream.url)
    enter(session, team, "https://discuss.example")
    build("discourse", address=upstream.url)
    assert "api-key" not in upstream.asked[0].headers


def test_a_key_whose_row_was_changed_is_not_sent_elsewhere(
    session: Session, upstream: Upstream, build: Build, team: Hub
) -> None:
    upstream.on("/latest.json", answer("discourse", "topics"))
    enter(session, team, upstream.url, entered_for="https://discuss.example")
    fragment = build("discourse", address=upstream.url)
    assert (fragment.state, "cannot be read" in fragment.error) == ("needs-setup", True)
    assert upstream.asked == []


def test_a_key_whose_row_was_moved_to_another_hub_is_not_sent(
    session: Session, upstream: Upstream, build: Build, team: Hub, member: Hub
) -> None:
    enter(session, member, upstream.url)
    session.execute(update(HubKey).values(hub_id=team.id))
    session.commit()
    assert build("discourse", address=upstream.url).state == "needs-setup"
    assert upstream.asked == []


def test_a_key_sealed_with_another_key_of_the_instance_is_reported(
    session: Session, upstream: Upstream, build: Build, team: Hub
) -> None:
    enter(session, team, upstream.url)
    session.execute(update(HubKey).values(secret=seal(SecretBox(b"x" * 40), team.id, upstream.url, "k3y")))
    session.commit()
    assert build("discourse", address=upstream.url).state == "needs-setup"
    assert upstream.asked == []


@pytest.mark.parametrize(
    ("plugin", "settings"),
    [
        ("discourse", {"address": "https://discuss.example"}),
        ("weblate", {"address": "https://weblate.example/projects/docs/"}),
        ("issues", {"project": "gitlab:git.example/a/b"}),
        ("pulls", {"project": "gitlab:git.example/a/b"}),
        ("tasks", {"projects": [{"project": "gitlab:git.example/a/b"}], "labels": "bug"}),
        ("ci", {"projects": [{"project": "gitlab:git.example/a/b", "branch": ""}]}),
    ],
)
def test_a_change_of_the_keys_makes_the_widget_stale(
    session: Session, registry: Registry, team: Hub, plugin: str, settings: dict[str, Any]
) -> None:
    row = Widget(plugin=plugin, side="left", settings=settings)
    team.widgets.append(row)
    session.commit()
    index = Index(registry)
    index.replace(team)
    message = parse({"topic": "org.fedoraproject.prod.hubs.hub.updated", "msg": {"hub_id": team.id}, "msg_id": "m"})
    assert row.id in index.touched(message)
