"""What authors of widgets test with: every state of a widget, and a check that finds what is in people's way."""

import hashlib
from typing import Any

import pytest

from hubs.testing.plugin import Kit, kit
from hubs.testing.reading import page_problems, problems
from hubs.testing.sandbox import STATES, sandbox
from hubs.widgets.library import Library
from hubs.widgets.registry import BUILT_IN
from tests.stack import ROOT

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
    assert "Say in the settings" in pages["needs-setup"]


def test_functions_answer_what_the_test_says() -> None:
    with sandbox() as box:
        row = box.add("rules")
        found = box.states(row, live={"GetOwners": [("zenobia", "Zenobia Fox")]}, empty={"GetOwners": []})
        assert "Zenobia Fox" in found["live"].html
        assert "Zenobia" not in found["empty"].html
        with pytest.raises(LookupError, match="GetNothing"):
            box.states(row, live={"GetNothing": 1})


@pytest.mark.parametrize("plugin", [origin.split(":")[0].rsplit(".", 1)[1] for origin in BUILT_IN])
def test_every_built_in_widget_fails_and_asks_for_setup_readably(plugin: str) -> None:
    with sandbox() as box:
        name = next(found.name for found in box.registry if found.cls.__module__ == f"hubs.widgets.{plugin}")
        row = box.add(name)
        found = box.states(row)
        for state in ("loading", "failed", "needs-setup"):
            fragment = found[state].fragment
            assert fragment is None or fragment.state == state, (state, fragment)
            assert page_problems(box.page(found[state])) == []


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
def test_what_is_in_the_way_is_found(html: str, problem: str) -> None:
    assert any(problem in found for found in problems(html)), problems(html)


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
def test_what_is_well_is_let_through(html: str) -> None:
    assert problems(html) == []


def test_a_page_has_a_language_a_title_and_one_heading() -> None:
    assert len(page_problems("<html><body></body></html>")) == 3
    assert page_problems("<html lang='en'><head><title>T</title></head><body><h1>T</h1></body></html>") == []


def test_a_widget_that_swallows_errors_is_told_so(kit: Kit) -> None:
    row = kit.add(Library)
    box = kit.boxes[id(row)]

    class Deaf(box.type("library").view):  # type: ignore[misc, name-defined]
        def render(self, *args: Any, **more: Any) -> str:
            return "<p>all is well</p>"

    found = box.type("library")
    object.__setattr__(found, "view", Deaf)
    with pytest.raises(AssertionError, match="swallowed"):
        kit.check(row)


def test_vendored_files_are_unchanged() -> None:
    folder = ROOT / "hubs" / "testing" / "vendor"
    for line in (folder / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0].endswith(".js"):
            assert hashlib.sha256((folder / cells[0]).read_bytes()).hexdigest() == cells[4]
            assert (folder / cells[0]).with_name("LICENSE").is_file()
