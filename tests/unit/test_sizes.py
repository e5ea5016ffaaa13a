"""Sizes of the sources: a file or a function that grows beyond them does more than one thing."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2] / "hubs"
#: Most lines of a file, and of a function without its decorators.
FILE, FUNCTION = 300, 40
#: Longer files, each with the reason why it is not split.
EXCEPTIONS: dict[str, str] = {}


def is_long(source: str) -> bool:
    """Return whether a file is too long."""
    return len(source.splitlines()) > FILE


def long_functions(source: str) -> list[str]:
    """Return the names of functions that are too long."""
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION
    ]


def test_files_and_functions_are_small() -> None:
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in sorted(ROOT.rglob("*.py"))}
    assert len(sources) > 400
    assert [name for name, source in sources.items() if is_long(source)] == sorted(EXCEPTIONS)
    assert [(name, function) for name, source in sources.items() for function in long_functions(source)] == []


def test_a_long_file_is_seen() -> None:
    assert not is_long("x = 1\n" * FILE)
    assert is_long("x = 1\n" * FILE + "x = 1")


def test_a_long_function_is_seen() -> None:
    body = "    x = 1\n" * (FUNCTION - 1)
    assert long_functions(f"def f():\n{body}") == []
    assert long_functions(f"class A:\n  def f(self):\n    y = 2\n{body}") == ["f"]
