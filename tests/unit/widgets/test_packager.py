"""The packager dashboard's widget: whose packages, what needs attention first, and what it says without any."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.backend.index.index import Index
from hubs.backend.ingest.extract import Extractor
from hubs.bus import Message, parse
from hubs.demo.services.contract import answer
from hubs.errors import InvalidInput
from hubs.models import Hub, Widget
from hubs.widgets.packager import Packager
from hubs.widgets.parameters import clean
from hubs.widgets.registry import Registry
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of
from tests.upstream import Reply, Upstream

PATH = "/api/v2/packager_dashboard"


def packages(*names: str, **lists: list[Any]) -> dict[str, Any]:
    data = {"bzs": [], "prs": [], "updates": [], "overrides": [], "koschei": [], "fails_to_install": [], **lists}
    return {"status": 200, "packages": {name: {"data": data} for name in names}}


def test_the_most_urgent_work_is_listed_first(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, answer("packager_dashboard", "dashboard"))
    fragment = build("packager", username="rana")
    assert fragment.state == "live", fragment.error
    text = text_of(fragment.html)
    assert "2 failures 2 open bugs 1 open pull request" in text
    assert "needs orphaned packages kettle libwick · 2026-11-05" in text
    assert "fails to build kettle Fedora Rawhide · 2026-10-29" in text
    assert "urgent bug The lantern reads files beyond its folder lantern · Fedora 44 · NEW · 2026-11-20" in text
    assert "pull request Build with the system's wick lantern · Fedora Rawhide · bramvk · 2026-11-18" in text
    order = [
        "needs orphaned",
        "to build",
        "to install",
        "urgent bug",
        "Build with",
        "override lantern",
        "update lantern",
    ]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert text.index("update lantern") < text.index("bug lantern-2.1 is available")
    assert f'href="{upstream.url}/dashboard?users=rana"' in fragment.html
    assert upstream.asked[0].params == {"users": ["rana"]}


def test_the_person_of_the_hub_and_a_group_are_asked_for(upstream: Upstream, build: Build, member: Hub) -> None:
    upstream.on(PATH, packages())
    build("packager", hub=member)
    build("packager", hub=member, group="harbour-sig")
    assert [asked.params for asked in upstream.asked] == [{"users": ["member"]}, {"groups": ["harbour-sig"]}]


def test_without_a_person_or_a_group_it_says_what_to_do(upstream: Upstream, build: Build) -> None:
    fragment = build("packager")
    assert (fragment.state, "name a person or a group" in fragment.error) == ("needs-setup", True)
    assert upstream.asked == []


def test_packages_in_order_and_no_packages_are_told_apart(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, packages("lantern", "kettle"))
    assert "Nothing needs attention in 2 packages of rana." in text_of(build("packager", username="rana").html)
    upstream.on(PATH, packages())
    assert "rana maintains no packages." in text_of(build("packager", username="rana").html)


def test_data_that_is_still_gathered_is_shown_as_far_as_it_goes(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, Reply(answer("packager_dashboard", "dashboard") | {"status": 202}, 202))
    text = text_of(build("packager", username="rana").html)
    assert "The lantern reads files" in text
    assert "still gathering data; more shows up here by itself" in text


def test_data_that_is_not_there_yet_is_no_empty_list(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, packages("lantern") | {"status": 202})
    fragment = build("packager", username="rana")
    assert (fragment.state, "is still gathering data" in fragment.error) == ("failed", True)


def test_a_failure_fails_the_widget_with_the_reason(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, {"status": 500, "error": "no"})
    fragment = build("packager", username="rana")
    assert (fragment.state, "Packager dashboard reported an error (500)" in fragment.error) == ("failed", True)


def test_owners_read_how_many_entries_could_not_be_read(upstream: Upstream, build: Build) -> None:
    pull = answer("packager_dashboard", "dashboard")["packages"]["lantern"]["data"]["prs"][0]
    upstream.on(PATH, packages("lantern", prs=[pull, None, {"author": "x"}]))
    fragment = build("packager", username="rana")
    assert "Build with the system" in fragment.html
    assert fragment.error == "2 of 3 entries of Packager dashboard could not be read."


def test_texts_from_the_service_are_escaped(upstream: Upstream, build: Build) -> None:
    evil = "<script>alert(1)</script>"
    bug = {"bug_id": 1, "title": evil, "status": evil, "release": evil, "url": "javascript:alert(1)"}
    upstream.on(PATH, packages(evil, bzs=[bug]))
    html = build("packager", username="rana").html
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert 'href="javascript' not in html


def test_the_sign_before_the_name_of_a_group_is_left_out() -> None:
    values = clean(Packager.parameters, {"group": "@harbour-sig"})  # type: ignore[arg-type]
    assert values["group"] == "harbour-sig"


@pytest.mark.parametrize("group", ["a b", "../x", "x" * 65])
def test_a_bad_name_of_a_group_is_refused(group: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        clean(Packager.parameters, {"group": group})  # type: ignore[arg-type]
    assert "group" in refused.value.fields


def said(topic: str, name: str) -> Message:
    bodies: dict[str, dict[str, Any]] = {
        "bodhi.update.request.testing": {"agent": name, "update": {"title": "lantern-2", "user": {"name": name}}},
        "pagure.pull-request.new": {"agent": name, "pullrequest": {"id": 7, "title": "x", "user": {"name": name}}},
        "wiki.article.edit": {"user": name, "title": "x"},
    }
    message = parse({"topic": f"org.fedoraproject.prod.{topic}", "msg": bodies[topic], "msg_id": "m"})
    return Extractor({}, ())(message)


@pytest.mark.parametrize(
    ("topic", "name", "stale"),
    [
        ("bodhi.update.request.testing", "rana", True),
        ("pagure.pull-request.new", "rana", True),
        ("pagure.pull-request.new", "elowen", False),
        ("wiki.article.edit", "rana", False),
    ],
)
def test_which_messages_make_it_stale(
    session: Session, registry: Registry, team: Hub, topic: str, name: str, stale: bool
) -> None:
    row = Widget(plugin="packager", side="left", settings={"username": "rana"})
    team.widgets.append(row)
    session.commit()
    index = Index(registry)
    index.replace(team)
    assert (row.id in index.touched(said(topic, name))) is stale


@pytest.mark.usefixtures("marked")
def test_every_text_of_the_widget_is_translated(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, answer("packager_dashboard", "dashboard") | {"status": 202})
    html = build("packager", username="rana").html
    for text in ("fails to build", "open bugs", "urgent bug", "Open the packager dashboard"):
        assert f"⟦{text}⟧" in html
    assert "⟦Whose packages" in build("packager").html
