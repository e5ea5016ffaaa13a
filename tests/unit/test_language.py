"""Plain English: no variables that only say how a value came, and none of the phrases that nobody else uses."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Say what a value holds instead: `hub`, `entries`, `token`.
NAMES = {"found", "made", "one"}
PHRASES = re.compile(r"who (?:asks|looks|reads|has|is|was)\b|\banew\b|Tell whether|\bis away\b")
#: Ordinary relative clauses with an antecedent ("somebody who has installed"), by their file.
ORDINARY = {
    "README.md": 2,
    "hubs/activities/sentences.py": 1,
    "hubs/demo/people.toml": 1,
    "hubs/widgets/shared/person.py": 1,
}
#: Names of tests are plain statements: their subject is a noun, not a relative clause.
CLAUSES = re.compile(r"^test_(?:who|what)_|_(?:about|beside|but|by|from|of|then|to)_(?:who|what)_")
TEXTS = {".html", ".js", ".md", ".py", ".toml", ".txt"}


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of each variable, parameter, keyword, function and class."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                yield from ((node.lineno, alias.asname or alias.name) for alias in aliases)
            case _:
                pass


def test_names_say_what_a_value_holds() -> None:
    paths = sorted((ROOT / "hubs").rglob("*.py"))
    assert len(paths) > 100
    places = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in paths
        for line, name in names(ast.parse(path.read_text()))
        if name.strip("_") in NAMES
    ]
    assert places == []


def test_each_form_of_a_name_is_seen() -> None:
    code = 'def f(one, *, made): return g(found=f"{one}")\nself.made = [found for found in x]\nimport a as one'
    assert sorted(name for _, name in names(ast.parse(code)) if name in NAMES) == sorted(
        ["one", "made", "found", "one", "made", "found", "found", "one"]
    )


def test_names_of_tests_are_statements() -> None:
    paths = [path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]
    tests = [(path, name) for path in paths for _line, name in names(ast.parse(path.read_text()))]
    assert len(tests) > 2000
    assert [f"{path}: {name}" for path, name in tests if CLAUSES.search(name)] == []
    for name in ("test_who_signs_out_is_gone", "test_a_widget_is_dropped_by_who_goes_on"):
        assert CLAUSES.search(name)


def test_relative_clauses_are_not_used_as_nouns() -> None:
    paths = [ROOT / "README.md", *(ROOT / "docs").rglob("*"), *(ROOT / "hubs").rglob("*")]
    counts: dict[str, int] = {}
    for path in paths:
        if path.suffix in TEXTS and path.is_file() and "vendor" not in path.parts:
            counts[str(path.relative_to(ROOT))] = len(PHRASES.findall(path.read_text()))
    assert {name: number for name, number in counts.items() if number > ORDINARY.get(name, 0)} == {}
    assert sum(counts.values()) <= 10
