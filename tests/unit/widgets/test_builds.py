"""Builds: from messages of Koji and Copr to a list, and which messages make it stale."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.actions import messages
from hubs.backend.index.index import Index
from hubs.backend.ingest.extract import Extractor
from hubs.bus import Message, parse
from hubs.models import Hub, Visibility, Widget, now
from hubs.widgets.registry import Registry
from tests.unit.clients.test_builds import copr_build, koji_build, set_copr, set_koji
from tests.unit.conftest import user_of
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of
from tests.upstream import Reply, Upstream

KOJI = "org.fedoraproject.prod.buildsys.build.state.change"
COPR = "org.fedoraproject.prod.copr.build.end"


def koji(number: int, state: Any, /, ago: float = 1, **more: Any) -> Message:
    body = {
        "attribute": "state",
        "build_id": number,
        "instance": "primary",
        "name": "tidepool",
        "version": "1.51",
        "release": "1.fc44",
        "new": state,
        "old": 0,
        "owner": "member",
        "task_id": 9,
    }
    return said(KOJI, body | more, ago)


def copr(number: int, status: Any, chroot: str = "fedora-44-x86_64", /, ago: float = 1, **more: Any) -> Message:
    body = {
        "build": number,
        "chroot": chroot,
        "copr": "tides",
        "pkg": "tidepool-1.5-1.fc44",
        "version": "1.5-1.fc44",
        "status": status,
        "user": "member",
        "who": "worker-2",
        "what": "build end",
    }
    return said(COPR, body | more, ago)


def said(topic: str, body: dict[str, Any], ago: float = 1) -> Message:
    sent = (now() - timedelta(hours=ago)).timestamp()
    return Extractor()(parse({"topic": topic, "msg": body, "timestamp": sent}))


def test_the_newest_state_of_each_build_is_shown(
    session: Session, build: Build, upstream: Upstream, member: Hub
) -> None:
    messages.store(session, [koji(1, 0, ago=3), koji(1, 1, ago=2), koji(2, 3), koji(3, 0, ago=9)])
    fragment = build("builds", member)
    assert fragment.state == "live"
    text = text_of(fragment.html)
    assert re.findall("Complete|Failed|Building", text) == ["Failed", "Complete", "Building"]
    assert text.count("tidepool-1.51-1.fc44") == 3
    assert "Koji · member" in text
    assert f'href="{upstream.url}/koji/buildinfo?buildID=1"' in fragment.html
    assert upstream.asked == []


@pytest.mark.parametrize(
    ("state", "word"),
    [(0, "Building"), (1, "Complete"), (2, "Deleted"), (3, "Failed"), (4, "Canceled"), (77, "Unknown")],
)
def test_each_koji_state_has_a_label_and_an_icon(
    session: Session, build: Build, member: Hub, state: int, word: str
) -> None:
    messages.store(session, [koji(1, state)])
    html = build("builds", member).html
    assert word in text_of(html)
    assert '<svg class="icon"' in html


def test_a_copr_build_fails_if_one_chroot_fails(session: Session, build: Build, member: Hub) -> None:
    stored = [
        copr(7, 1, "fedora-44-x86_64"),
        copr(7, 0, "fedora-44-aarch64", ago=2),
        copr(7, 3, "fedora-44-aarch64", ago=3),
    ]
    messages.store(session, stored)
    text = text_of(build("builds", member).html)
    assert text.count("tidepool-1.5-1.fc44") == 1
    assert text.index("Failed") < text.index("tidepool")
    assert "2 chroots" in text
    assert "Complete fedora-44-x86_64" in text


def test_the_builds_of_a_package_include_all_owners(session: Session, build: Build, team: Hub) -> None:
    stored = [koji(1, 1, owner="stranger"), koji(2, 1, name="otherpool"), copr(3, 1, user="stranger")]
    messages.store(session, stored)
    text = text_of(build("builds", team, package="tidepool").html)
    assert "tidepool-1.51" in text
    assert "tidepool-1.5-1" in text
    assert "otherpool" not in text


def test_a_team_shows_the_builds_of_its_members(session: Session, build: Build, team: Hub) -> None:
    messages.store(session, [koji(1, 1), koji(2, 1, owner="stranger", name="otherpool")])
    text = text_of(build("builds", team).html)
    assert "tidepool" in text
    assert "otherpool" not in text


def test_long_lists_are_truncated(session: Session, build: Build, member: Hub) -> None:
    messages.store(session, [koji(number, 1, ago=number / 10) for number in range(1, 30)])
    assert build("builds", member, limit=3).html.count('class="row-item"') == 3


def test_without_build_messages_koji_and_copr_are_queried(
    session: Session, build: Build, upstream: Upstream, member: Hub
) -> None:
    set_koji(upstream, [koji_build(7, state=3, nvr="boat-2-1")])
    set_copr(upstream, copr_build(9, submitted_on=1_400_000_000))
    fragment = build("builds", member)
    text = text_of(fragment.html)
    assert text.index("Failed boat-2-1 Koji · rana") < text.index("Complete boat-1.5-1 Copr · rana")
    messages.store(session, [koji(1, 1)])
    assert "boat" not in build("builds", member).html


def test_a_service_that_does_not_answer_is_named(build: Build, upstream: Upstream, member: Hub) -> None:
    upstream.on("/kojihub", Reply("", 403))
    text = text_of(build("builds", member).html)
    assert "No builds yet" in text
    assert "Results from Koji are missing: Koji denied access." in text


def test_services_are_not_queried_for_the_builds_of_a_team(build: Build, upstream: Upstream, team: Hub) -> None:
    assert "No builds yet" in build("builds", team).html
    assert upstream.asked == []


def test_without_builds_the_widget_explains_what_will_appear(build: Build, upstream: Upstream, member: Hub) -> None:
    set_koji(upstream, [])
    fragment = build("builds", member)
    assert 'class="empty"' in fragment.html
    assert "Koji or Copr builds something for member" in text_of(fragment.html)


ODD: Sequence[Any] = (None, "1", 1.5, True, [], {"a": 1}, 10**40, "<script>alert(1)</script>")


@pytest.mark.parametrize("odd", ODD)
def test_malformed_fields_are_ignored(session: Session, build: Build, member: Hub, odd: Any) -> None:
    fields = ("build_id", "name", "version", "release", "new", "instance")
    stored = [koji(5, 1, **{field: odd}) for field in fields]
    stored += [copr(6, 1, **{field: odd}) for field in ("build", "chroot", "copr", "pkg", "version", "status")]
    messages.store(session, stored)
    fragment = build("builds", member)
    assert fragment.state == "live", fragment.error
    assert "<script" not in fragment.html


def test_script_links_are_dropped(session: Session, build: Build, member: Hub) -> None:
    messages.store(session, [koji(1, 1, url="javascript:alert(1)")])
    assert "javascript" not in build("builds", member).html


def test_every_text_of_the_widget_is_translated(session: Session, build: Build, member: Hub, marked: None) -> None:
    assert "⟦No builds yet" in build("builds", member).html
    messages.store(session, [koji(1, 1)])
    assert "⟦Complete⟧" in build("builds", member).html


@pytest.mark.parametrize(
    ("message", "person", "on_team", "package"),
    [
        (koji(1, 1), True, True, True),
        (koji(1, 1, name="otherpool"), True, True, False),
        (koji(1, 1, owner="stranger"), False, False, True),
        (koji(1, 1, owner=None), False, False, True),
        (copr(1, 1), True, True, True),
        (copr(1, 1, user="stranger", pkg="otherpool-1"), False, False, False),
        (
            said(KOJI.replace("build.state.change", "tag"), {"owner": "member", "package": "tidepool"}),
            False,
            False,
            False,
        ),
        (said(KOJI.replace("build.", "task."), {"owner": "member", "package": "tidepool"}), False, False, False),
        (said("org.fedoraproject.prod.wiki.article.edit", {"user": "member"}), False, False, False),
    ],
)
def test_which_messages_make_builds_stale(
    session: Session,
    registry: Registry,
    team: Hub,
    member: Hub,
    message: Message,
    person: bool,
    on_team: bool,
    package: bool,
) -> None:
    rows = [Widget(plugin="builds", side="left", settings=settings) for settings in ({}, {}, {"package": "tidepool"})]
    for hub, row in zip((member, team, team), rows, strict=True):
        hub.widgets.append(row)
    session.commit()
    index = Index(registry)
    for hub in (member, team):
        index.replace(hub)
    touched = index.touched(message)
    assert [row.id in touched for row in rows] == [person, on_team, package]


def test_services_are_not_queried_for_people_who_hide_activity(
    session: Session, build: Build, upstream: Upstream, team: Hub
) -> None:
    user_of(session, "member").activity = Visibility.OWNERS
    messages.store(session, [koji(1, 1)])
    assert "No builds yet" in build("builds", team, username="member").html
    assert upstream.asked == []
