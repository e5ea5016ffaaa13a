"""The projects, accounts and calendars of messages as the real bus has them, and of malformed ones."""

from typing import Any

import pytest

from hubs.backend.index.index import Index
from hubs.backend.index.subjects import subjects
from hubs.bus import Message, parse
from hubs.widgets.caching import Interest
from hubs.widgets.registry import Registry


def message_of(topic: str, body: dict[str, Any]) -> Message:
    return parse({"topic": topic, "msg": body, "msg_id": "m"})


def person(name: str) -> dict[str, Any]:
    return {"name": name, "fullname": name.title(), "emails": [f"{name}@example.org"]}


PAGURE_OLD = {"id": 7, "name": "foo", "parent": None, "user": person("anna")}
PAGURE_FORK = PAGURE_OLD | {"parent": {"name": "foo"}}
PAGURE_NEW = {"name": "rpm", "namespace": "rpms", "fullname": "rpms/Bear", "url_path": "rpms/Bear", "parent": None}
ISSUE = {"id": 4, "title": "bug", "user": person("bert"), "assignee": person("Cleo")}
REPOSITORY = {"name": "Boat", "full_name": "Harbour/Boat", "html_url": "https://forge.example:8443/Harbour/Boat"}
PULL = {
    "number": 3,
    "user": {"login": "bertil"},
    "assignee": None,
    "assignees": [{"login": "cleo"}],
    "requested_reviewers": [{"login": "Dora"}],
    "base": {"repo": REPOSITORY},
}
BUG = {"id": 1, "product": "Fedora", "component": "python-Boat", "assigned_to": "A@example.org", "creator": "b@e.org"}
MEETING = {"calendar_name": "Docs", "meeting_name": "weekly", "meeting_id": 42}


@pytest.mark.parametrize(
    ("topic", "body", "expected"),
    [
        (
            "io.pagure.prod.pagure.issue.assigned.added",
            {"agent": "anna", "issue": ISSUE, "project": PAGURE_OLD},
            {("project", "pagure:foo"), ("account", "pagure:bert"), ("account", "pagure:cleo")},
        ),
        (
            "io.pagure.prod.pagure.issue.new",
            {"issue": ISSUE | {"assignee": None}, "project": PAGURE_NEW},
            {("project", "pagure:rpms/bear"), ("account", "pagure:bert"), ("package", "rpm")},
        ),
        (
            "io.pagure.prod.pagure.pull-request.new",
            {"pullrequest": {"id": 1, "user": person("bert"), "project": PAGURE_FORK}},
            {("project", "pagure:forks/anna/foo"), ("account", "pagure:bert")},
        ),
        (
            "io.pagure.prod.pagure.issue.comment.edited",
            {"issue": {"user": person("bert")}},
            {("account", "pagure:bert")},
        ),
        (
            "org.fedoraproject.prod.github.issue.reopened",
            {"issue": {"user": {"login": "bertil"}, "assignee": None}, "repository": REPOSITORY},
            {("project", "github:harbour/boat"), ("account", "github:bertil")},
        ),
        (
            "org.fedoraproject.prod.github.pull_request_review_comment",
            {"pull_request": PULL},
            {
                ("project", "github:harbour/boat"),
                ("account", "github:bertil"),
                ("account", "github:cleo"),
                ("account", "github:dora"),
            },
        ),
        (
            "org.fedoraproject.prod.forgejo.issues",
            {"issue": {"user": {"login": "bertil"}}, "repository": REPOSITORY},
            {
                ("project", "forgejo:forge.example:8443/harbour/boat"),
                ("project", "forgejo:forge.example:8443/harbour"),
                ("account", "forgejo:forge.example:8443/bertil"),
            },
        ),
        (
            "org.fedoraproject.prod.gitlab.issue",
            {"project": {"path_with_namespace": "Harbour/north/boat"}},
            {("project", f"gitlab:{path}") for path in ("harbour/north/boat", "harbour/north", "harbour")},
        ),
        (
            "org.fedoraproject.prod.pagure.issue.new",
            {"issue": {}, "project": PAGURE_NEW | {"full_url": "https://src.example/rpms/Bear"}},
            {("project", "pagure:rpms/bear"), ("project", "pagure:src.example/rpms/bear"), ("package", "rpm")},
        ),
        (
            "org.fedoraproject.prod.pagure.issue.new",
            {"issue": {}, "project": PAGURE_OLD | {"full_url": "https://[broken"}},
            {("project", "pagure:foo")},
        ),
        (
            "org.fedoraproject.prod.bugzilla.bug.update",
            {"bug": BUG, "event": {"who": "c@example.org"}},
            {
                ("project", "bugzilla:fedora/python-boat"),
                ("account", "bugzilla:a@example.org"),
                ("account", "bugzilla:b@e.org"),
                ("package", "python-Boat"),
            },
        ),
        ("org.fedoraproject.prod.fedocal.meeting.new", {"meeting": MEETING}, {("calendar", "docs")}),
        (
            "org.fedoraproject.prod.fedocal.calendar.clear",
            {"calendar": {"calendar_name": "Docs", "calendar_status": "Enabled"}},
            {("calendar", "docs")},
        ),
        ("org.fedoraproject.prod.wiki.article.edit", {"meeting": MEETING, "issue": ISSUE}, set()),
    ],
)
def test_subjects_are_read_from_each_service(topic: str, body: dict[str, Any], expected: set[Any]) -> None:
    assert set(subjects(message_of(topic, body))) == expected


@pytest.mark.parametrize("category", ["pagure", "github", "forgejo", "bugzilla", "fedocal"])
@pytest.mark.parametrize("odd", [None, 7, "text", [], [None], {}, {"name": 5}, {"full_name": []}, {"user": [1]}])
def test_odd_shapes_have_no_subjects(category: str, odd: object) -> None:
    names = ("issue", "pullrequest", "pull_request", "project", "repository", "bug", "meeting", "calendar")
    assert list(subjects(message_of(f"a.b.c.{category}.x", dict.fromkeys(names, odd)))) == []


def test_an_invalid_address_has_no_subject() -> None:
    broken = {"repository": {"full_name": "a/b", "html_url": "https://[broken"}}
    assert list(subjects(message_of("a.b.c.forgejo.issues", broken))) == []


@pytest.mark.parametrize(
    ("interest", "expected"),
    [
        (Interest(("pagure.issue",), "project", "pagure:rpms/bear"), True),
        (Interest(("pagure.pull-request",), "project", "pagure:rpms/bear"), False),
        (Interest(("pagure.issue",), "project", "github:rpms/bear"), False),
        (Interest(("pagure.issue",), "project", "pagure:bear"), False),
        (Interest(("pagure.issue",), "account", "pagure:cleo"), True),
        (Interest(("pagure.issue",), "calendar", "pagure:rpms/bear"), False),
    ],
)
def test_the_index_finds_widgets_by_project_and_account(registry: Registry, interest: Interest, expected: bool) -> None:
    message = message_of("io.pagure.prod.pagure.issue.new", {"issue": ISSUE, "project": PAGURE_NEW})
    index = Index(registry)
    keys = set(index.keys(message))
    assert (f"{interest.kind}:{interest.value}" in keys and message.name.startswith(interest.topics[0])) is expected
