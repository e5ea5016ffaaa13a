"""Interests check themselves: a declaration that no message can match is an error that says what to write."""

import re
from typing import Any

import pytest

from hubs.kit.bench import BenchFragments
from hubs.models import Hub, Widget
from hubs.testing.plugin import Kit
from hubs.testing.sandbox import MemoryCache, sandbox
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.interests import misspelt_topics
from hubs.widgets.registry import Registry
from tests.unit.conftest import required_settings

ISSUE = ("pagure.issue",)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("pagure.issue", "any"), "write ('pagure.issue',) with a comma"),
        ((None, "any"), "are a tuple"),
        (((), "any"), '("*",)'),
        ((("pagure.*",), "any"), "write 'pagure' or '*'"),
        ((("pagure.issue.#",), "any"), "write 'pagure.issue' or '*'"),
        ((("",), "any"), "not the beginning of a topic"),
        (((7,), "any"), "not the beginning of a topic"),
        ((("org.fedoraproject.prod.pagure.issue",), "any"), "write only 'pagure.issue'"),
        ((ISSUE, "users", "amira"), "did you mean 'user'?"),
        ((ISSUE, "x"), "use one of user, package"),
        ((ISSUE, "user"), "needs a value"),
        ((ISSUE, "user", " "), "needs a value"),
        ((ISSUE, "any", "amira"), "takes no value"),
        ((ISSUE, "hub", 7), "write str(7)"),
        ((ISSUE, "team", "docs"), "needs the id of a hub"),
        ((ISSUE, "project", "owner/name"), "such as 'github:owner/name'"),
        ((ISSUE, "project", "github:"), "such as 'github:owner/name'"),
        ((ISSUE, "project", "github:Owner/Name"), "is written in lower case: 'github:owner/name'"),
        ((ISSUE, "account", "login"), "such as 'github:login'"),
        ((ISSUE, "calendar", "Docs"), "is written in lower case: 'docs'"),
    ],
)
def test_an_interest_that_cannot_match_is_refused_with_a_hint(arguments: tuple[Any, ...], hint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(hint)):
        Interest(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        (("*",), "any"),
        (ISSUE, "user", "amira"),
        ((*ISSUE, "the-new-hotness.update", "fedora_elections.election.new"), "package", "rust-Heron"),
        (ISSUE, "hub", "7"),
        (ISSUE, "project", "forgejo:forge.example.org:3000/docs/handbook"),
        (ISSUE, "project", "bugzilla:fedora/review request"),
        (ISSUE, "account", "bugzilla:amira@example.org"),
        (ISSUE, "calendar", "docs team"),
    ],
)
def test_interests_that_can_match_are_accepted(arguments: tuple[Any, ...]) -> None:
    assert Interest(*arguments).topics == arguments[0]


def test_a_list_of_topics_becomes_a_key_of_the_index() -> None:
    assert hash(Interest(list(ISSUE), "any")) == hash(Interest(ISSUE, "any"))  # type: ignore[arg-type]


def test_a_misspelt_family_is_reported_to_the_author_only() -> None:
    interest = Interest(("pagur.issue", "weather.report", "pagure.issue", "*"), "any")
    assert misspelt_topics([interest]) == ["no known message begins with 'pagur'; did you mean 'pagure'?"]


class GetNothing(CachedFunction):
    """Declares an interest with a misspelt topic."""

    def interests(self) -> list[Interest]:
        """Match nothing, by mistake."""
        return [Interest(("pagur.issue",), "any")]

    def execute(self) -> None:
        """Return nothing."""


def add_misspelt(registry: Registry, hub: Hub) -> Widget:
    builtin = registry.get("sticky")
    assert builtin is not None
    object.__setattr__(builtin, "functions", (GetNothing,))
    row = Widget(plugin="sticky", side="left", position=0, settings={}, version=1)
    hub.widgets.append(row)
    return row


def test_the_test_kit_fails_for_a_misspelt_topic() -> None:
    kit = Kit()
    with sandbox() as box:
        row = add_misspelt(box.registry, box.hub)
        kit.boxes[id(row)] = box
        with pytest.raises(ValueError, match=r"GetNothing.interests\(\): .* did you mean 'pagure'\?"):
            kit.check(row)


def test_the_workbench_shows_a_misspelt_topic_in_the_widget() -> None:
    with sandbox() as box:
        row = add_misspelt(box.registry, box.hub)
        box.session.flush()
        fragment = BenchFragments(box.registry, MemoryCache(), b"k" * 32, 3600).build(row)
        assert fragment.state == "failed"
        assert "did you mean &#39;pagure&#39;?" in fragment.html


def test_the_topics_of_the_built_in_widgets_are_known(registry: Registry) -> None:
    with sandbox() as box:
        for widget_type in registry:
            row = box.add(widget_type.name, **required_settings(widget_type.name))
            interests = [i for function in widget_type.bound_functions(row) for i in function.interests() or ()]
            assert misspelt_topics(interests) == [], widget_type.name
