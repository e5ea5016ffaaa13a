"""Dictionaries in the sources: a key that is written twice silently drops the first value."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("alembic", "bench", "deploy", "fedmsg.d", "hubs", "packages", "tests")


def repeated_keys(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, key) of each key that a dictionary display has twice, be it a literal or an expression.

    The linter sees literals only, not keys such as ``HUB + "settings"``.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = Counter(ast.unparse(key) for key in node.keys if key is not None)
            yield from ((node.lineno, key) for key, number in keys.items() if number > 1)


def test_no_dictionary_has_a_key_twice() -> None:
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
    assert len(paths) > 500
    places = [f"{path}:{line}: {key}" for path in paths for line, key in repeated_keys(ast.parse(path.read_text()))]
    assert places == []


def test_repeated_keys_of_every_form_are_seen() -> None:
    tree = ast.parse("a = {HUB + 'x': 1, 'y': 2, HUB + 'x': 3, **more}\nb = {'y': {f(1): 1, f(1): 2}}")
    assert list(repeated_keys(tree)) == [(1, "HUB + 'x'"), (2, "f(1)")]
