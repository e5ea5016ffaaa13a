"""No text from outside is a format string: ``"{a:>300000000}"`` takes 300 MB, and ``"{"`` raises.

What is formatted must be written in the code: a literal, a constant, or a translation of one.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HUBS = Path(__file__).parents[2] / "hubs"
#: Calls that return a text of the code: translations, and markup of a literal.
MARKED = {"_", "N_", "ngettext", "Markup"}
#: Declared by us in ``hubs/models/hub_fields.py``; the parent's method.
DECLARED = {"field.link", "super()"}


def is_written(node: ast.expr, names: dict[str, list[ast.expr]]) -> bool:
    """Return whether an expression can only be a text of the code; ``names`` are the values of local variables."""
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name):
            values = names.get(name, [])
            return name.isupper() or (bool(values) and all(is_written(value, {**names, name: []}) for value in values))
        case ast.Call(func=ast.Name(id=name), args=[*texts]) if name in MARKED:
            return all(is_written(text, names) for text in texts[: 2 if name == "ngettext" else 1])
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"), args=[_, default]) if name.isupper():
            return is_written(default, names)
        case ast.Subscript(value=ast.Name(id=name)):
            return name.isupper()
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, op=ast.Add(), right=other):
            return is_written(one, names) and is_written(other, names)
        case ast.Tuple(elts=parts):
            return all(is_written(part, names) for part in parts)
    return ast.unparse(node) in DECLARED


def local_values(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """Return what is assigned to each plain name, loops over tuples included."""
    values: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.For) else []
        value = node.value if isinstance(node, ast.Assign) else node.iter if isinstance(node, ast.For) else None
        for target in targets:
            if isinstance(target, ast.Name) and value is not None:
                values.setdefault(target.id, []).append(value)
    return values


def formatted(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield what the method ``format`` or ``format_map`` formats."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=text, attr="format" | "format_map")):
                yield text


def foreign(source: str) -> list[str]:
    """Return the format strings in a module that may come from outside."""
    tree, places = ast.parse(source), []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for text in formatted(tree):
        around = [each for each in functions if each.lineno <= text.lineno <= (each.end_lineno or 0)]
        names = local_values(around[-1]) if around else {}
        if not is_written(text, names):
            places.append(f"{text.lineno}: {ast.unparse(text)}")
    return places


def test_no_text_from_outside_is_a_format_string() -> None:
    places = [f"{path.relative_to(HUBS)}:{place}" for path in HUBS.rglob("*.py") for place in foreign(path.read_text())]
    assert places == []


@pytest.mark.parametrize(
    "code",
    [
        "def f(topic):\n    return topic.format(user=1)",
        "def f(message):\n    return message.body['text'].format(user=1)",
        "def f(topic):\n    text = f'{topic} of {{user}}'\n    return text.format(user=1)",
        "def f(topic):\n    return _(topic).format_map({})",
        "def f(topic):\n    text = 'a'\n    text = topic\n    return text.format(1)",
    ],
)
def test_a_format_string_from_outside_is_found(code: str) -> None:
    assert len(foreign(code)) == 1
