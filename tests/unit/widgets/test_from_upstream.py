"""Badges, updates, reviews, feeds and tables: all states, and answers of hostile services."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.fragments.store import FragmentStore
from hubs.models import Hub, Widget
from hubs.widgets.registry import Registry
from tests.unit.clients.test_badges import badge, person
from tests.unit.clients.test_bodhi import page, update
from tests.unit.clients.test_bugzilla import bug
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of
from tests.upstream import Reply, Upstream

ROOT = Path(__file__).parents[3]
EVIL = '<script>alert(1)</script><img src=x onerror="alert(1)">'
JS = "javascript:alert(1)"
EMAIL = {"email": "rana@example.org"}


def rss(*items: tuple[str, str]) -> str:
    """Write a feed of (title, link) items, both escaped as feeds do."""
    elements = "".join(f"<item><title>{_xml(title)}</title><link>{_xml(link)}</link></item>" for title, link in items)
    return f'<rss version="2.0"><channel><title>{_xml(EVIL)}News</title><link>{JS}</link>{elements}</channel></rss>'


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


@dataclass
class Case:
    """One widget: the path of its data, sample answers, and the name of the service.

    ``answer`` creates an answer from (text, address) pairs.
    """

    path: str
    answer: Callable[..., Any]
    empty: Any
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    limit: str = "limit"


def _badges(*pairs: tuple[str, str]) -> Any:
    return person(*[badge(text, 1.7e9 - number, id=link or "x") for number, (text, link) in enumerate(pairs)])


def _updates(*pairs: tuple[str, str]) -> Any:
    return page(*[update(text, url=link, alias=f"F-{number}") for number, (text, link) in enumerate(pairs)])


def _reviews(*pairs: tuple[str, str]) -> Any:
    return {"bugs": [bug(9, id=number, summary=f"Review Request: {text}") for number, (text, _) in enumerate(pairs)]}


def _rows(*pairs: tuple[str, str]) -> Any:
    return {"data": [{"name": text, "url": link, "tags": [text]} for text, link in pairs]}


COLUMNS = [{"title": "Name", "path": "name", "link": "url"}, {"title": "", "path": "tags"}]
CASES = {
    "badges": Case("/user/member/json", _badges, person(), "Badges"),
    "updates": Case("/updates/", _updates, page(), "Bodhi"),
    "package_reviews": Case("/rest/bug", _reviews, {"bugs": []}, "Bugzilla", EMAIL),
    "rss": Case("/feed", rss, rss(), "127.0.0.1", {"url": "/feed"}, "count"),
    "json": Case("/data", _rows, {"data": []}, "127.0.0.1", {"url": "/data", "rows": "data", "columns": COLUMNS}),
}
PLUGINS = list(CASES)
#: What the services write themselves, in no language of ours.
DATA = "thing|You did: |NEW|News|Fedora 43|Name|tags|UTC"


@dataclass
class Kit:
    """A widget of one case on the hub of a person."""

    case: Case
    plugin: str
    upstream: Upstream
    build: Build
    hub: Hub

    def settings(self, **more: Any) -> dict[str, Any]:
        settings = {**self.case.settings, **more}
        return {**settings, "url": self.upstream.url + settings["url"]} if "url" in settings else settings

    def show(self, body: Any, **more: Any):  # type: ignore[no-untyped-def]
        self.upstream.on(self.case.path, body if isinstance(body, Reply) else Reply(body))
        return self.build(self.plugin, self.hub, **self.settings(**more))


@pytest.fixture(params=PLUGINS)
def kit(request: pytest.FixtureRequest, upstream: Upstream, build: Build, member: Hub) -> Kit:
    return Kit(CASES[request.param], request.param, upstream, build, member)


def test_content_is_shown_with_its_link(kit: Kit) -> None:
    fragment = kit.show(
        kit.case.answer(("first thing", "https://e.example/1"), ("second thing", "https://e.example/2"))
    )
    assert fragment.state == "live", fragment.error
    text = text_of(fragment.html)
    assert "first thing" in text
    assert "second thing" in text
    assert len(re.findall(r'<a href="https?://', fragment.html)) >= 2


def test_an_empty_widget_explains_what_will_appear(kit: Kit) -> None:
    fragment = kit.show(kit.case.empty)
    assert fragment.state == "live"
    assert 'class="empty"' in fragment.html
    assert len(text_of(fragment.html)) > 60


def test_an_unreachable_service_is_reported(kit: Kit) -> None:
    fragment = kit.show(Reply("", 500))
    assert fragment.state == "failed"
    assert f"{kit.case.name} reported an error (500)" in text_of(fragment.html)
    assert "fills in by itself" in text_of(fragment.html)
    assert fragment.error.startswith(kit.case.name)


@pytest.mark.parametrize("body", ["<!doctype html><title>Login</title>", "[[[", '"text"', "7", "null"])
def test_an_answer_of_an_unexpected_shape_does_not_crash(kit: Kit, body: str) -> None:
    fragment = kit.show(body)
    assert fragment.state in ("failed", "needs-setup")
    assert "Error" not in text_of(fragment.html)


def test_the_last_good_content_stays_when_the_service_is_unavailable(
    kit: Kit, session: Session, fragments: FragmentStore
) -> None:
    kit.show(kit.case.answer(("first thing", "https://e.example/1")))
    row = kit.hub.widgets[-1]
    kit.upstream.on(kit.case.path, Reply("", 503))
    again = fragments.build(row, stale=fragments.registry.get(kit.plugin).functions)  # type: ignore[union-attr]
    assert again.state == "stale"
    assert "first thing" in text_of(again.html)
    assert kit.case.name in again.error


def test_a_missing_setting_is_named(kit: Kit, build: Build, team: Hub) -> None:
    fragment = build(kit.plugin, team)
    assert fragment.state == "needs-setup"
    assert "settings" in text_of(fragment.html)
    assert kit.upstream.asked == []


def test_hostile_texts_and_addresses_are_harmless(kit: Kit) -> None:
    fragment = kit.show(kit.case.answer((f"{EVIL}good", JS), (f"x{EVIL}", f'https://e.example/"onclick="{JS}')))
    assert fragment.state == "live", fragment.error
    assert "good" in text_of(fragment.html)
    for bad in ("<script", "<img", 'href="javascript', '"onclick="', "onerror=&#34;alert(1)&#34;>"):
        assert bad not in fragment.html.replace("&lt;img src=x onerror=&#34;alert(1)&#34;&gt;", "")


def test_long_lists_are_truncated_and_complete_on_their_own_page(kit: Kit, fragments: FragmentStore) -> None:
    pairs = [(f"thing-{number:03d}", f"https://e.example/{number}") for number in range(120)]
    fragment = kit.show(kit.case.answer(*pairs), **{kit.case.limit: 2})
    row = kit.hub.widgets[-1]
    assert set(re.findall(r"thing-\d+", text_of(fragment.html))) == {"thing-000", "thing-001"}
    assert f'href="/w/{row.id}/more?page=1"' in fragment.html
    asked = len(kit.upstream.asked)
    names = {name for number in (1, 2, 3) for name in re.findall(r"thing-\d{3}", fragments.page(row, number))}
    assert len(names) == 120
    assert len(kit.upstream.asked) == asked, "pages are made from the data that is there"


def test_huge_answers_are_refused(kit: Kit) -> None:
    fragment = kit.show("[" + "1," * 9_000_000)
    assert fragment.state == "failed"
    # A feed is read up to the limit, so that one with too many entries is shown; this one has none.
    reason = "cannot be read" if kit.case is CASES["rss"] else "is larger than"
    assert reason in text_of(fragment.html)


@pytest.mark.usefixtures("marked")
def test_every_text_is_translated(kit: Kit) -> None:
    for body in (kit.case.answer(("thing", "https://e.example/1")), kit.case.empty, Reply("", 500)):
        fragment = kit.show(body)
        text = text_of(re.sub(r"<h2.*?</h2>", "", fragment.html)).replace(kit.case.name, "")
        while "⟦" in text:  # one text may stand in another
            text = re.sub(r"⟦[^⟦⟧]*⟧", "", text)
        assert re.findall(r"[^\W\d_]{2,}", re.sub(DATA, "", text)) == []


def test_each_has_an_icon_help_and_a_lifetime(registry: Registry) -> None:
    for plugin in PLUGINS:
        widget_type = registry.get(plugin)
        assert widget_type is not None
        assert widget_type.cls.lifetime
        assert all(parameter.label for parameter in widget_type.parameters)
        assert widget_type.parameters[0].help


def test_the_documentation_says_when_each_service_is_asked(registry: Registry) -> None:
    asking = {kind.name: kind.cls.lifetime or 0 for kind in registry if "self.clients" in source_of(kind.folder)}
    written = {
        name: f"{seconds // 60} min" if seconds < 3600 else f"{seconds // 3600} h" for name, seconds in asking.items()
    }
    rows = re.findall(r"^\| (\w+) \| (\d+ (?:min|h)) \|", (ROOT / "docs" / "widgets.md").read_text(), re.MULTILINE)
    assert dict(rows) == written


def source_of(folder: Path) -> str:
    return (folder / "__init__.py").read_text()


MINE = {"username": "member", "badges_user_id": 1}
OTHER = {"username": "stranger", "badges_user_id": 2}
REVIEW = {"component": "Package Review", "product": "Fedora", "creator": "rana@example.org"}


@pytest.mark.parametrize(
    ("plugin", "topic", "msg", "stale"),
    [
        ("badges", "fedbadges.badge.award", {"user": MINE, "badge": {"name": "x"}}, True),
        ("badges", "fedbadges.badge.award", {"user": OTHER, "badge": {"name": "x"}}, False),
        ("badges", "fedbadges.badge.award", {"user": "member", "badge": {}}, False),
        ("updates", "bodhi.update.request.testing", {"agent": "x", "update": {"submitter": "member"}}, True),
        ("updates", "bodhi.update.eject", {"update": {"submitter": {"name": "member"}}}, True),
        ("updates", "bodhi.update.complete.stable", {"update": {"user": {"name": "member"}}}, True),
        ("updates", "bodhi.update.comment", {"comment": {"author": "member", "update_title": "x"}}, True),
        ("updates", "bodhi.update.comment", {"comment": {}, "update": {"user": {"name": "stranger"}}}, False),
        ("package_reviews", "bugzilla.bug.update", {"bug": REVIEW}, True),
        ("package_reviews", "bugzilla.bug.new", {"bug": {**REVIEW, "component": ["Package Review"]}}, True),
        ("package_reviews", "bugzilla.bug.update", {"bug": {**REVIEW, "component": "otter"}}, False),
        ("package_reviews", "bugzilla.bug.update", {"bug": None}, False),
        ("package_reviews", "hubs.hub.updated", {"changed_keys": ["bugzilla_email"]}, True),
        ("package_reviews", "hubs.hub.updated", {"changed_keys": ["summary"]}, False),
    ],
)
def test_exactly_the_relevant_messages_make_it_stale(
    registry: Registry, member: Hub, plugin: str, topic: str, msg: dict[str, Any], stale: bool
) -> None:
    widget_type = registry.get(plugin)
    assert widget_type is not None
    function = widget_type.bound_functions(Widget(plugin=plugin, settings={}, hub=member))[0]
    message = {"topic": f"org.fedoraproject.prod.{topic}", "msg": msg, "msg_id": "1", "timestamp": 1}
    assert function.should_invalidate(message) is stale


def test_the_interests_of_each_widget(registry: Registry, member: Hub, team: Hub) -> None:
    def heard(plugin: str, hub: Hub, **settings: Any) -> list[tuple[str, str, str]]:
        widget_type = registry.get(plugin)
        assert widget_type is not None
        functions = widget_type.bound_functions(Widget(plugin=plugin, settings=settings, hub=hub))
        return [(i.topics[0], i.kind, i.value) for function in functions for i in function.interests() or ()]

    hub_changed = ("hubs.hub.updated", "hub", str(member.id))
    member.extras = {"bugzilla_email": "Rana@example.org"}
    assert heard("badges", member) == [("badges.badge.award", "user", "member")]
    assert heard("badges", team) == []
    assert heard("updates", team, username="rana") == [("bodhi.update", "user", "rana")]
    assert heard("updates", team) == []
    mine = ("bugzilla.bug", "account", "bugzilla:rana@example.org")
    assert heard("package_reviews", member) == [mine, hub_changed]
    assert heard("package_reviews", team, **EMAIL) == [mine]
    assert heard("rss", member, url="https://e.example/") == []
    assert heard("json", member, url="https://e.example/") == []


def test_owners_are_told_of_entries_that_could_not_be_read(
    upstream: Upstream, build: Build, session: Session, fragments: FragmentStore
) -> None:
    upstream.on("/updates/", page(update("otter-1"), None, {"title": 7}))
    fragment = build("updates", username="member")
    assert (fragment.state, fragment.error) == ("live", "2 of 3 entries of Bodhi could not be read.")
    assert "otter-1" in text_of(fragment.html)
    assert "could not be read" not in fragment.html
    # Also when it is built from the cached value, in another process.
    row = session.get_one(Widget, fragment.widget)
    assert fragments.build(row).error == fragment.error
    upstream.on("/updates/", page(update("otter-1")))
    assert fragments.build(row, stale=[row_function(fragments, row)]).error == ""


def row_function(fragments: FragmentStore, row: Widget) -> Any:
    """Return the cached function of a widget."""
    widget_type = fragments.registry.get(row.plugin)
    assert widget_type is not None
    return widget_type.functions[0]
