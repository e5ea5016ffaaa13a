"""Typed parameters: one declaration checks what people and programs send."""

from typing import Any

import pytest

from hubs.errors import InvalidInput
from hubs.widgets.parameters import KINDS, Parameter, clean, declare, defaults

ROWS = Parameter("p", kind="rows", fields=[Parameter("title", required=True), Parameter("link", kind="url")])
NUMBER = Parameter("p", kind="number", default=5, minimum=1, maximum=10)
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
        (Parameter("p", kind="url"), "", ""),
        (Parameter("p", kind="username"), "ottoline", "ottoline"),
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
        (Parameter("p", kind="url"), "//example.org", "https://"),
        (Parameter("p", kind="url"), "https://exa mple.org", "https://"),
        (Parameter("p", kind="url"), "https://[::1", "https://"),
        (Parameter("p", kind="username"), "../etc", "letters"),
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


def test_all_problems_are_told_at_once_and_unknown_names_are_problems() -> None:
    with pytest.raises(InvalidInput) as error:
        clean([NUMBER, Parameter("q", required=True)], {"p": "x", "r": 1})
    assert set(error.value.fields) == {"p", "q", "r"}


def test_what_is_not_sent_keeps_its_default() -> None:
    assert clean([NUMBER, Parameter("q", default="d")], {}) == {"p": 5, "q": "d"}


def test_declarations_of_the_published_form_are_read() -> None:
    one, two = declare([{"name": "email", "label": "E-mail", "help": "Yours"}, Parameter("count", default=1)])
    assert (one.label, one.help, one.kind) == ("E-mail", "Yours", "text")
    assert defaults([one, two]) == {"email": None, "count": 1}


def test_a_kind_that_does_not_exist_is_named() -> None:
    with pytest.raises(InvalidInput, match="colourful"):
        Parameter("p", kind="colourful")


def test_every_kind_has_a_case_above() -> None:
    assert set(KINDS) == {"text", "markdown", "choice", "number", "switch", "url", "username", "rows"}
