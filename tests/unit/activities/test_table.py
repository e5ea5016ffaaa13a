"""The table of readers: expected activities of messages, including negative cases.

Shapes are those of the publishers' packages: pagure-messages 1.3, bodhi-messages 26.4, koji-fedoramessaging-messages
1.3, webhook-to-fedora-messaging 1.5, noggin-messages 1.1, journal-to-fedora-messaging 1.0, tahrir-messages 2.0,
maubot-fedora-messages 0.1, meetbot-messages 1.0, fedocal-messages 1.6, bugzilla2fedmsg-schema 1.1, copr-messaging 1.3,
anitya-schema 2.3, mediawiki-messages 1.0, fedora-planet-messages 1.2; and of the services of the old bus.
"""

from dataclasses import replace
from typing import Any

import pytest

from hubs.activities import table
from hubs.activities.sentences import VERBS, sentence

REPOSITORY = {"full_name": "Docs/Handbook", "html_url": "https://forge.example/Docs/Handbook"}
ISSUE = {"number": 12, "title": "Dead link", "html_url": "https://forge.example/i/12", "user": {"login": "rana-f"}}
HOOK = {"repository": REPOSITORY, "sender": {"login": "kofi-f"}}
GITLAB = {"project": {"path_with_namespace": "sea/tides", "web_url": "https://gitlab.example/sea/tides"}}
PAGURE = {"name": "otter", "namespace": "rpms", "fullname": "rpms/otter", "full_url": "https://src.example/rpms/otter"}
UPDATE = {"alias": "FEDORA-2026-1a", "builds": [{"nvr": "otter-1-2.fc43"}], "user": {"name": "otto"}}
BUG = {"id": 7, "summary": "Crash", "assigned_to": "o@x.example", "creator": "c@x.example", "product": "Fedora"}
NEW_BUG = BUG | {
    "product": {"name": "Fedora"},
    "component": {"name": "otter"},
    "assigned_to": {"login": "o@x.example"},
    "reporter": {"login": "c@x.example"},
}
IPA = {"IPA_API_ACTOR": "otto@X", "IPA_API_RESULT": "SUCCESS"}
PARAMETERS = '{"cn": "devel", "user": ["rana", "kofi"], "group": ["docs"]}'
MEETING = {"agent": "rana", "meeting": {"meeting_name": "Docs", "calendar_name": "Docs team", "meeting_id": 3}}

# name of the message, its fields, verb, actor, people, packages, groups, subjects
Row = tuple[str, dict[str, Any], str, str, set[str], set[str], set[str], set[str]]
ROWS: list[Row] = [
    # Logins at a forge are not accounts, unless the publisher knows the account.
    (
        "forgejo.issues",
        HOOK | {"action": "opened", "issue": ISSUE},
        "issue.opened",
        "forgejo:forge.example/kofi-f",
        {"forgejo:forge.example/kofi-f", "forgejo:forge.example/rana-f"},
        set(),
        set(),
        {
            "project:forgejo:forge.example/Docs/Handbook",
            "project:forgejo:forge.example/Docs",
            "account:forgejo:forge.example/rana-f",
        },
    ),
    (
        "github.issues",
        HOOK | {"action": "closed", "issue": ISSUE, "hook_agent": "kofi", "hook_group": "docs"},
        "issue.closed",
        "kofi",
        {"kofi", "github:rana-f"},
        set(),
        {"docs"},
        {"project:github:Docs/Handbook", "account:github:rana-f"},
    ),
    (
        "github.issue.comment",
        HOOK | {"action": "created", "issue": ISSUE, "fas_usernames": {"kofi-f": "kofi", "Docs": "github_org_Docs"}},
        "issue.commented",
        "kofi",
        {"kofi", "github:rana-f"},
        set(),
        set(),
        {"project:github:Docs/Handbook", "account:github:rana-f"},
    ),
    (
        "github.pull_request",
        HOOK | {"action": "closed", "pull_request": ISSUE | {"merged": True}},
        "pull.merged",
        "github:kofi-f",
        {"github:kofi-f", "github:rana-f"},
        set(),
        set(),
        {"project:github:Docs/Handbook", "account:github:rana-f"},
    ),
    (
        "gitlab.merge_request",
        GITLAB | {"user": {"username": "kofi"}, "object_attributes": {"iid": 3, "title": "Tide", "action": "open"}},
        "pull.opened",
        "gitlab:kofi",
        {"gitlab:kofi"},
        set(),
        set(),
        {"project:gitlab:sea/tides", "project:gitlab:sea", "account:gitlab:kofi"},
    ),
    # Names at Pagure are accounts; only what is under rpms/ is a package.
    (
        "pagure.issue.new",
        {"agent": "rana", "project": PAGURE, "issue": {"id": 4, "title": "Bug", "user": {"name": "kofi"}}},
        "issue.opened",
        "rana",
        {"rana", "kofi"},
        {"otter"},
        set(),
        {"project:pagure:rpms/otter", "project:pagure:src.example/rpms/otter", "account:pagure:kofi"},
    ),
    (
        "pagure.git.receive",
        {"agent": "rana", "repo": PAGURE | {"namespace": "docs", "fullname": "docs/otter"}, "branch": "main"},
        "code.pushed",
        "rana",
        {"rana"},
        set(),
        set(),
        {"project:pagure:docs/otter", "project:pagure:src.example/docs/otter"},
    ),
    (
        "bodhi.update.comment",
        {"comment": {"user": {"name": "sami"}, "karma": -1, "text": "See @rana.", "update": UPDATE}},
        "update.commented",
        "sami",
        {"sami", "otto", "rana"},
        {"otter"},
        set(),
        set(),
    ),
    (
        "bodhi.update.comment",
        {"comment": {"author": "sami", "anonymous": True, "update_title": "otter-1-2.fc43", "text": ""}},
        "update.commented",
        "",
        set(),
        {"otter"},
        set(),
        set(),
    ),
    (
        "bodhi.update.complete.stable",
        {"agent": "releng", "update": UPDATE},
        "update.pushed_to_stable",
        "otto",
        {"releng", "otto"},
        {"otter"},
        set(),
        set(),
    ),
    (
        "buildsys.build.state.change",
        {"name": "otter", "version": "1", "release": "2", "new": 3, "owner": "otto", "build_id": 5},
        "build.failed",
        "otto",
        {"otto"},
        {"otter"},
        set(),
        set(),
    ),
    ("buildsys.repo.done", {"tag": "f43-build"}, "repo.done", "", set(), set(), set(), set()),
    (
        "copr.build.end",
        {"user": "kofi", "owner": "@docs", "copr": "tools", "pkg": "otter-1.5-1", "version": "1.5-1", "status": 1},
        "build.complete",
        "kofi",
        {"kofi"},
        {"otter"},
        set(),
        set(),
    ),
    # Both forms of Bugzilla's messages tell the same.
    (
        "bugzilla.bug.new",
        {"bug": BUG | {"component": "otter"}, "event": {"who": "c@x.example"}},
        "bug.filed",
        "c@x.example",
        {"c@x.example", "o@x.example"},
        {"otter"},
        set(),
        {"project:bugzilla:Fedora/otter", "account:bugzilla:o@x.example", "account:bugzilla:c@x.example"},
    ),
    (
        "bugzilla.bug.new",
        {"bug": NEW_BUG, "event": {"user": {"login": "c@x.example"}}},
        "bug.filed",
        "c@x.example",
        {"c@x.example", "o@x.example"},
        {"otter"},
        set(),
        {"project:bugzilla:Fedora/otter", "account:bugzilla:o@x.example", "account:bugzilla:c@x.example"},
    ),
    (
        "bugzilla.bug.update",
        {"bug": BUG | {"component": "otter", "product": "Sea"}, "event": {"target": "comment", "who": "x@x.example"}},
        "bug.commented",
        "x@x.example",
        {"x@x.example", "c@x.example", "o@x.example"},
        set(),
        set(),
        {
            "project:bugzilla:Sea/otter",
            *(f"account:bugzilla:{name}@x.example" for name in "co"),
        },
    ),
    *(
        (
            f"{family}.badge.award",
            {"user": {"username": "rana", "badges_user_id": 7}, "badge": {"name": "Mugshot"}},
            "badge.earned",
            "rana",
            {"rana"},
            set(),
            set(),
            set(),
        )
        for family in ("badges", "fedbadges")
    ),
    (
        "maubot.cookie.give.v1",
        {"sender": "kofi", "recipient": "rana", "total": 3},
        "karma.given",
        "kofi",
        {"kofi", "rana"},
        set(),
        set(),
        set(),
    ),
    (
        "irc.karma",
        {"agent": "kofi", "recipient": "rana", "vote": -1},
        "karma.taken",
        "kofi",
        {"kofi", "rana"},
        set(),
        set(),
        set(),
    ),
    (
        "meetbot.meeting.complete",
        {
            "start_user": "a",
            "end_user": "b",
            "chairs": ["c"],
            "attendees": [{"name": "@d:x.example"}],
            "meeting_name": "Docs",
        },
        "meeting.finished",
        "b",
        {"a", "b", "c", "@d:x.example"},
        set(),
        set(),
        set(),
    ),
    (
        "meetbot.meeting.complete",
        {"owner": "a", "attendees": {"b": 2}, "chairs": {"c": True}, "meeting_topic": "Docs"},
        "meeting.finished",
        "a",
        {"a", "b", "c"},
        set(),
        set(),
        set(),
    ),
    ("fedocal.meeting.new", MEETING, "meeting.scheduled", "rana", {"rana"}, set(), set(), {"calendar:Docs team"}),
    (
        "planet.post.new",
        {"username": "rana", "post": {"title": "Hi"}},
        "post.published",
        "rana",
        {"rana"},
        set(),
        set(),
        set(),
    ),
    (
        "wiki.article.edit",
        {"user": "rana", "title": "User:Kofi"},
        "wiki.edited",
        "rana",
        {"rana", "Kofi"},
        set(),
        set(),
        set(),
    ),
    (
        "anitya.project.version.update.v2",
        {
            "message": {
                "agent": "anitya",
                "upstream_versions": ["2.0"],
                "packages": [
                    {"distro": "Fedora", "package_name": "otter"},
                    {"distro": "Debian", "package_name": "otters"},
                ],
            },
            "project": {"id": 4, "name": "Otter"},
        },
        "upstream.released",
        "",
        set(),
        {"otter"},
        set(),
        {"project:anitya:Otter"},
    ),
    (
        "hotness.update.bug.file",
        {"bug": {"bug_id": 7}, "trigger": {"msg": {"message": {"packages": [{"package_name": "otter"}]}}}},
        "hotness.filed",
        "",
        set(),
        {"otter"},
        set(),
        set(),
    ),
    # Who writes in a Discourse is known there only.
    (
        "discourse.post.post_created",
        {"post": {"username": "rana", "topic_title": "Hi"}, "hook_event": "post_created"},
        "topic.answered",
        "discourse:rana",
        set(),
        set(),
        set(),
        set(),
    ),
    *(
        (
            f"fas.group.member.{event}",
            {"agent": {"username": "otto"}, "user": "rana", "group": {"name": "docs"}},
            verb,
            "otto",
            {"otto", "rana"},
            set(),
            {"docs"},
            set(),
        )
        for event, verb in (("sponsor", "member.added"), ("remove", "member.removed"), ("removed", "member.removed"))
    ),
    *(
        (
            f"ipa.{command}.v1",
            IPA | {"IPA_API_COMMAND": command, "IPA_API_PARAMS": PARAMETERS},
            verb,
            "otto",
            {"otto", "rana", "kofi"},
            set(),
            {"devel", "docs"},
            set(),
        )
        for command, verb in (("group_add_member", "member.added"), ("group_remove_member", "member.removed"))
    ),
    (
        "hubs.user.role.removed",
        {"username": "rana", "role": "owner", "hub_name": "Docs"},
        "hub.owner_removed",
        "rana",
        {"rana"},
        set(),
        set(),
        set(),
    ),
]
#: What no reader understands, or what did not happen.
NO: list[tuple[str, dict[str, Any]]] = [
    ("tides.turned", {"agent": "rana"}),
    ("", {}),
    ("pagure.Test.notification", {"content": "Test message"}),
    ("github.webhook", {"hook": {}}),
    ("github.issues", {"action": "opened", "repository": REPOSITORY}),
    ("forgejo.issues", {"action": "opened", "issue": ISSUE, "repository": {"full_name": "a/b"}}),
    ("bodhi.something.new", {"agent": "rana"}),
    ("buildsys.build.state.change", {"name": "otter", "new": 9}),
    ("buildsys.build.state.change", {"name": ["otter"], "new": 1}),
    ("irc.karma", {"agent": "rana"}),
    ("bugzilla.bug.new", {"bug": None}),
    ("fas.group.member.sponsor", {"agent": "rana", "group": "docs"}),
    (
        "ipa.group_remove_member.v1",
        IPA | {"IPA_API_COMMAND": "group_remove_member", "IPA_API_RESULT": "ValidationError"},
    ),
    ("fedocal.meeting.unknown", MEETING),
    ("hubs.user.role.added", {"username": "rana", "role": "king"}),
]


@pytest.mark.parametrize(
    ("name", "body", "verb", "actor", "people", "packages", "groups", "subjects"),
    ROWS,
    ids=[f"{row[0]}-{number}" for number, row in enumerate(ROWS)],
)
def test_a_message_is_read_as_its_activity(
    name: str,
    body: dict[str, Any],
    verb: str,
    actor: str,
    people: set[str],
    packages: set[str],
    groups: set[str],
    subjects: set[str],
) -> None:
    activity = table.read(name, body)
    assert activity is not None
    assert (activity.verb, activity.actor) == (verb, actor)
    assert activity.people == people
    assert activity.packages == packages
    assert activity.groups == groups
    assert {f"{kind}:{value}" for kind, value in activity.subjects} == subjects
    assert verb in VERBS
    assert "None" not in sentence(activity)


@pytest.mark.parametrize(("name", "body"), NO, ids=[f"{name}-{number}" for number, (name, _) in enumerate(NO)])
def test_a_message_without_meaning_has_no_activity(name: str, body: dict[str, Any]) -> None:
    assert table.read(name, body) is None


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("bodhi.update.comment", {"update": {key: value for key, value in UPDATE.items() if key != "url"}}),
        ("buildsys.build.state.change", {"build_id": 7, "name": "otter", "new": 1, "old": 0, "owner": "otto"}),
        ("copr.build.end", {"build": 7, "copr": "tides", "owner": "otto", "user": "otto", "status": 1, "pkg": "otter"}),
        ("wiki.upload.complete", {"user_text": "otto", "title": {"mPrefixedText": "File:Map"}, "url": "/w/map.png"}),
    ],
)
def test_only_messages_of_fedora_are_linked_to_its_services(name: str, body: dict[str, Any]) -> None:
    fedoras, others = (
        table.read(name, body, f"{prefix}.prod.{name}") for prefix in ("org.fedoraproject", "org.centos")
    )
    assert fedoras is not None
    assert others is not None
    assert "fedora" in fedoras.thing.link
    assert others == replace(fedoras, thing=replace(fedoras.thing, link=""))
    link = "https://bodhi.fedoraproject.org/updates/FEDORA-2026-1a"
    named = table.read(
        "bodhi.update.comment", {"update": UPDATE | {"url": link}}, "org.centos.prod.bodhi.update.comment"
    )
    assert named is not None
    assert named.thing.link == link


#: Values that publishers, or strangers, put where something else is expected.
ODD: list[Any] = [
    None,
    "None",
    5,
    True,
    [],
    ["x"],
    {},
    {"name": None},
    {"name": {}},
    {"name": ["x"]},
    "\0",
    "x" * 9000,
    [[[]]],
]


@pytest.mark.parametrize("odd", ODD, ids=[str(odd)[:12] for odd in ODD])
def test_readers_never_fail_on_unexpected_fields(odd: Any, caplog: pytest.LogCaptureFixture) -> None:
    for name, body, *_ in ROWS:
        for field in body:
            activity = table.read(name, body | {field: odd})
            inner = body[field]
            if isinstance(inner, dict):
                for key in inner:
                    table.read(name, body | {field: inner | {key: odd}})
            assert activity is None or "None" not in sentence(activity), (name, field)
    assert not caplog.records, caplog.records[0].exc_info
