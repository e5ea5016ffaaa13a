"""The test kit for authors of widgets: every state of a widget, and the accessibility check."""

import hashlib
from typing import Any

import pytest

from hubs.testing.plugin import Kit, kit
from hubs.testing.reading import page_problems, problems
from hubs.testing.sandbox import STATES, sandbox
from hubs.widgets.library import Library
from hubs.widgets.registry import BUILT_IN
from tests.stack import ROOT
from tests.unit.conftest import required_settings

__all__ = ["kit"]


def test_a_widget_is_shown_in_every_state(kit: Kit) -> None:
    row = kit.add(Library, items=[{"title": "Tide tables", "link": "https://tides.example.org/", "note": ""}])
    pages = kit.check(row)
    assert tuple(pages) == STATES
    assert "Tide tables" in pages["live"]
    assert 'data-state="loading"' in pages["loading"]
    assert "refreshing" in pages["refreshing"]
    assert "out of date" in pages["stale"]
    assert "could not be built" in pages["failed"]
    assert "An owner can choose" in pages["needs-setup"]


def test_cached_functions_can_be_overridden() -> None:
    with sandbox() as box:
        row = box.add("rules")
        states = box.states(row, live={"GetOwners": [("zenobia", "Zenobia Fox")]}, empty={"GetOwners": []})
        assert "Zenobia Fox" in states["live"].html
        assert "Zenobia" not in states["empty"].html
        with pytest.raises(LookupError, match="GetNothing"):
            box.states(row, live={"GetNothing": 1})


@pytest.mark.parametrize("plugin", [origin.split(":")[0].rsplit(".", 1)[1] for origin in BUILT_IN])
def test_every_built_in_widget_is_readable_when_it_fails_or_needs_setup(plugin: str) -> None:
    with sandbox() as box:
        name = next(known.name for known in box.registry if known.cls.__module__ == f"hubs.widgets.{plugin}")
        row = box.add(name, **required_settings(name))
        states = box.states(row)
        for state in ("loading", "failed", "needs-setup"):
            fragment = states[state].fragment
            assert fragment is None or fragment.state == state, (state, fragment)
            assert page_problems(box.page(states[state])) == []


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ("<a href='/x'></a>", "without a name"),
        ("<button><svg aria-hidden='true'></svg></button>", "without a name"),
        ("<img src='/x'>", "no alt"),
        ("<h2>a</h2><h4>b</h4>", "follows a heading of level 2"),
        ("<table><tr><td>1</td></tr></table>", "no headings"),
        ("<p id='a'></p><p id='a'></p>", "there twice"),
        ("<input name='q'>", "has no label"),
        ("<label for='b'>B</label><input id='q'>", "has no label"),
        ("<li>x</li>", "outside a list"),
        ("<p style='color: red'>x</p>", "style or a script"),
        ("<a href='javascript:x'>x</a>", "leads to"),
        ("<p>", "never closed"),
    ],
)
def test_problems_are_detected(html: str, problem: str) -> None:
    assert any(problem in reported for reported in problems(html)), problems(html)


@pytest.mark.parametrize(
    "html",
    [
        "<label for='q'>Q</label><input id='q'>",
        "<label>Q <input></label>",
        "<table><tr><th scope='row'>a</th><td>1</td></tr></table>",
        "<h2>a</h2><h3>b</h3><h2>c</h2>",
        "<a href='/x' aria-label='X'></a>",
    ],
)
def test_correct_html_has_no_problems(html: str) -> None:
    assert problems(html) == []


def test_a_page_needs_a_language_a_title_and_a_single_heading() -> None:
    assert len(page_problems("<html><body></body></html>")) == 3
    assert page_problems("<html lang='en'><head><title>T</title></head><body><h1>T</h1></body></html>") == []


def test_a_widget_that_swallows_errors_fails_the_check(kit: Kit) -> None:
    row = kit.add(Library)
    box = kit.boxes[id(row)]

    class Deaf(box.type("library").view):  # type: ignore[misc, name-defined]
        def render(self, *args: Any, **more: Any) -> str:
            return "<p>all is well</p>"

    widget_type = box.type("library")
    object.__setattr__(widget_type, "view", Deaf)
    with pytest.raises(AssertionError, match="swallowed"):
        kit.check(row)


def test_vendored_files_are_unchanged() -> None:
    folder = ROOT / "hubs" / "testing" / "vendor"
    for line in (folder / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0].endswith(".js"):
            assert hashlib.sha256((folder / cells[0]).read_bytes()).hexdigest() == cells[4]
            assert (folder / cells[0]).with_name("LICENSE").is_file()
