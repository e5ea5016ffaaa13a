"""Typed parameters: the declaration validates input of people and programs."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubs.errors import InvalidInput
from hubs.parameters.kinds import KINDS
from hubs.parameters.tables import CELLS, cells
from hubs.widgets.parameters import Parameter, clean, declare, defaults, document
from hubs.widgets.view import markdown
from tests.stack import ROOT

ROWS = Parameter("p", kind="rows", fields=[Parameter("title", required=True), Parameter("link", kind="url")])
NUMBER = Parameter("p", kind="number", default=5, minimum=1, maximum=10)
MANY = Parameter("p", kind="many", choices=[("a", "A"), ("b", "B"), ("c", "C")])
CHOICE = Parameter("p", kind="choice", default="a", choices=[("a", "A"), ("b", "B")])


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        (Parameter("p"), "  words \r\n more ", "words \n more"),
        (Parameter("p", kind="markdown"), "x" * 20_000, "x" * 20_000),
        (NUMBER, "7", 7),
        (NUMBER, "", 5),
        (CHOICE, "b", "b"),
        (CHOICE, None, "a"),
        (Parameter("p", kind="switch", default=False), "on", True),
        (Parameter("p", kind="switch", default=True), False, False),
        (Parameter("p", kind="url"), "https://example.org/a?b=c", "https://example.org/a?b=c"),
        (Parameter("p", kind="url"), "webcal://example.org/team.ics", "https://example.org/team.ics"),
        (Parameter("p", kind="url"), "WebCals://example.org/?u=webcal://x", "https://example.org/?u=webcal://x"),
        (Parameter("p", kind="url"), "", ""),
        (Parameter("p", kind="username"), "ottoline", "ottoline"),
        (MANY, ["c", "a"], ["a", "c"]),
        (MANY, [], []),
        (MANY, None, []),
        (Parameter("p", kind="package"), "gtk4-devel+x_1.0", "gtk4-devel+x_1.0"),
        (Parameter("p", kind="hub"), "docs", "t/docs"),
        (Parameter("p", kind="hub"), "u/ottoline", "u/ottoline"),
        (Parameter("p", kind="hub"), "https://hubs.example.org/t/docs/", "t/docs"),
        (Parameter("p", kind="project"), "GitHub: octo/repo.js ", "github:octo/repo.js"),
        (Parameter("p", kind="project"), "https://github.com/octo/repo.git", "github:octo/repo"),
        (Parameter("p", kind="project"), "https://github.com/octo/repo/issues?q=1", "github:octo/repo"),
        (Parameter("p", kind="project"), "https://pagure.io/fedora-docs/site", "pagure:fedora-docs/site"),
        (Parameter("p", kind="project"), "pagure:forks/ottoline/docs/site", "pagure:forks/ottoline/docs/site"),
        (Parameter("p", kind="project"), "https://src.fedoraproject.org/rpms/x", "pagure:src.fedoraproject.org/rpms/x"),
        (Parameter("p", kind="project"), "pagure:localhost:5000/x", "pagure:localhost:5000/x"),
        (Parameter("p", kind="project"), "pagure:src.example/forks/ada/rpms/x", "pagure:src.example/forks/ada/rpms/x"),
        (Parameter("p", kind="project"), "https://gitlab.com/a/b/c/-/issues/3", "gitlab:gitlab.com/a/b/c"),
        (Parameter("p", kind="project"), "gitlab:git.example.org/group", "gitlab:git.example.org/group"),
        (Parameter("p", kind="project"), "https://codeberg.org/a/b", "forgejo:codeberg.org/a/b"),
        (Parameter("p", kind="project"), "forgejo:git.example.org:3000/a/b", "forgejo:git.example.org:3000/a/b"),
        (Parameter("p", kind="project"), "bugzilla:Fedora EPEL/kernel", "bugzilla:Fedora EPEL/kernel"),
        (Parameter("p", kind="project"), "", ""),
        (Parameter("p", kind="secret"), " s3cret ", "s3cret"),
        (ROWS, [{"title": "T", "link": ""}, {"title": "", "link": " "}], [{"title": "T", "link": ""}]),
        (ROWS, [], []),
        (Parameter("p", validator=lambda value: value.upper()), "a", "A"),
    ],
)
def test_good_values_are_stored_clean(parameter: Parameter, value: Any, expected: Any) -> None:
    assert parameter.clean(value) == expected


def _refuse(value: Any) -> Any:
    raise ValueError("Not on Mondays.")


@pytest.mark.parametrize(
    ("parameter", "value", "hint"),
    [
        (Parameter("p", required=True), "", "fill in"),
        (Parameter("p"), 5, "must be a text"),
        (Parameter("p"), [], "must be a text"),
        (CHOICE, [], "choose one of"),
        (Parameter("p"), "x" * 501, "at most 500"),
        (Parameter("p"), "a\x00b", "control characters"),
        (NUMBER, "eleven", "whole number from 1 to 10"),
        (NUMBER, "11", "whole number from 1 to 10"),
        (NUMBER, True, "whole number"),
        (NUMBER, [1], "whole number"),
        (CHOICE, "c", "one of: A, B"),
        (CHOICE, ["a"], "one of"),
        (Parameter("p", kind="switch"), "perhaps", "on or off"),
        (Parameter("p", kind="url"), "javascript:alert(1)", "https://"),
        (Parameter("p", kind="url"), "webcal:example.org", "https://"),
        (Parameter("p", kind="url"), "//example.org", "https://"),
        (Parameter("p", kind="url"), "https://exa mple.org", "https://"),
        (Parameter("p", kind="url"), "https://[::1", "https://"),
        (Parameter("p", kind="username"), "../etc", "letters"),
        (MANY, ["a", "x"], "choose among: A, B, C"),
        (MANY, "a", "choose among"),
        (NUMBER, 5.5, "whole number"),
        (Parameter("p", kind="package"), "a b", "package's name"),
        (Parameter("p", kind="hub"), "x/docs", "t/docs for a team"),
        (Parameter("p", kind="hub"), "javascript:alert(1)", "t/docs for a team"),
        (Parameter("p", kind="project"), "octo/repo", "github:owner/name"),
        (Parameter("p", kind="project"), "github:octo", "github:owner/name"),
        (Parameter("p", kind="project"), "github:../etc/passwd", "github:owner/name"),
        (Parameter("p", kind="project"), "https://[::1", "github:owner/name"),
        (Parameter("p", kind="secret"), "x" * 1001, "at most 1000"),
        (ROWS, [{"title": "t", "colour": "red"}], "Row 1 has an unknown field"),
        (ROWS, "x", "list of rows"),
        (ROWS, [5], "list of rows"),
        (ROWS, [{"link": "https://e.example/"}], "Row 1, Title"),
        (ROWS, [{"title": "t", "link": "ftp://e"}], "Row 1, Link"),
        (ROWS, [{"title": "t"}] * 101, "At most 100"),
        (Parameter("p", validator=_refuse), "x", "Not on Mondays"),
    ],
)
def test_bad_values_are_refused_with_a_sentence(parameter: Parameter, value: Any, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint):
        parameter.clean(value)


def test_all_problems_are_reported_at_once_including_unknown_names() -> None:
    with pytest.raises(InvalidInput) as error:
        clean([NUMBER, Parameter("q", required=True)], {"p": "x", "r": 1})
    assert set(error.value.fields) == {"p", "q", "r"}


def test_missing_values_keep_their_default() -> None:
    assert clean([NUMBER, Parameter("q", default="d")], {}) == {"p": 5, "q": "d"}


def test_declarations_as_mappings_are_accepted() -> None:
    email, count = declare([{"name": "email", "label": "E-mail", "help": "Yours"}, Parameter("count", default=1)])
    assert (email.label, email.help, email.kind) == ("E-mail", "Yours", "text")
    assert defaults([email, count]) == {"email": None, "count": 1}


def test_a_kind_that_does_not_exist_is_named() -> None:
    with pytest.raises(InvalidInput, match="colourful"):
        Parameter("p", kind="colourful")


def test_every_kind_has_a_case_above_and_a_summary() -> None:
    said = ("text", "markdown", "choice", "many", "number", "switch", "url")
    named = ("username", "hub", "package", "project", "rows", "secret")
    assert tuple(KINDS) == said + named
    assert all(kind.summary for kind in KINDS.values())


def test_rows_with_only_a_choice_are_blank() -> None:
    rows = Parameter("p", kind="rows", fields=[Parameter("title"), CHOICE])
    assert rows.clean([{"title": "", "p": "b"}, {"title": "x"}]) == [{"title": "x", "p": "a"}]


@pytest.mark.parametrize(
    "declared",
    [
        {"name": "p", "kind": "rows", "fields": [Parameter("q", kind="secret")]},
        {"name": "p", "kind": "secret", "default": "in the code"},
    ],
)
def test_a_secret_cannot_be_in_rows_or_have_a_default(declared: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        declare([declared])


def test_an_empty_list_is_not_shared_between_widgets() -> None:
    clean([MANY], {"p": []})["p"].append("x")
    assert clean([MANY], {"p": []}) == {"p": []}


def test_the_documentation_is_generated_from_the_declaration() -> None:
    table = document([NUMBER, CHOICE, ROWS, Parameter("q", help="a | b", required=True)])
    assert "| `p` | number from 1 to 10 | `5` | P. |" in table
    assert "choice: `a`, `b`" in table
    assert "rows of `title` (text), `link` (url)" in table
    assert "Q. Must be given. a \\| b" in table
    assert document([]) == "It has no settings.\n"


def test_every_kind_is_in_the_documentation() -> None:
    documented = (ROOT / "docs" / "widgets.md").read_text().split("## Settings", 1)[1].split("## What is cached", 1)[0]
    named = {
        name.strip()
        for line in documented.splitlines()
        if line.startswith("| ")
        for name in line.split("|")[1].split(",")
    }
    assert set(KINDS) <= named


WIDE = "|a" * 3_000 + "|\n" + "|-" * 3_000 + "|\n" + "a\n" * 3_000
LONG = "|a" * 50 + "|\n" + "|-" * 50 + "|\n" + "a\n" * 9_000


@pytest.mark.parametrize("text", [WIDE, LONG, "> " + LONG.replace("\n", "\n> ")[:19_000], LONG.replace("a\n", "1\n")])
def test_huge_tables_in_markdown_are_refused_with_their_limit(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"at most {CELLS} are possible"):
        Parameter("p", kind="markdown").clean(text)
    start = time.process_time()
    assert len(markdown(text)) < 60_000, "a text that was stored before is shown without tables"
    assert time.process_time() - start < 1


def test_ordinary_tables_in_markdown_are_accepted() -> None:
    table = "| day | tide |\n|---|---|\n" + "| Monday | high |\n" * 200
    assert Parameter("p", kind="markdown").clean(table) == table.strip()
    assert markdown(table).count("<td>") == 400


@given(st.lists(st.sampled_from(["|", "-", "a", "\n", " ", "> ", "- ", ":", "1. ", "\\|", "`", "\n|-|-|\n", "\n\n"])))
def test_table_cells_are_never_underestimated(pieces: list[str]) -> None:
    html = markdown("".join(pieces))
    assert html.count("<td") + html.count("<th") - html.count("<thead") <= cells("".join(pieces))
