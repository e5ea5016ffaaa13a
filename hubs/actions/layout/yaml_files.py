"""A hub's document as a YAML file."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from hubs.actions.layout import documents
from hubs.errors import InvalidInput

#: Largest file, in characters; most values in it; deepest nesting. PyYAML takes time in the square of the nesting.
LIMIT, VALUES, DEPTH = 1_000_000, 20_000, 30
#: What parsers read as a line break or as the start of a file, or do not accept: only quoted texts can hold it.
_NEEDS_QUOTES = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
#: Errors about a value that should be a text: those of documents, and of settings.
_NOT_A_TEXT = ("Input should be a valid string", "This must be a text.")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
#: How people call the types that YAML gives to unquoted values.
_TYPES: Mapping[str, str] = {"int": "a number", "float": "a number", "bool": "on or off", "timestamp": "a date"}
_TAG = "tag:yaml.org,2002:"


class _Dumper(yaml.SafeDumper):
    """Writes multi-line texts as blocks, which are easy to read and to diff."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if _NEEDS_QUOTES.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


_Dumper.add_representer(str, _text)


class _Loader(yaml.SafeLoader):
    """Refuses duplicate keys and aliases, and files that would take long."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._count = 0

    def fetch_flow_collection_start(self, token_class: Any) -> None:
        """Start a collection in brackets or braces."""
        self._check_depth(self.flow_level)
        super().fetch_flow_collection_start(token_class)

    def add_indent(self, column: int) -> bool:
        """Start a block."""
        self._check_depth(len(self.indents))
        return bool(super().add_indent(column))

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose the next value."""
        if self.check_event(yaml.AliasEvent):
            # Nested aliases can expand a small file to an enormous document, and a hub has no use for them.
            raise InvalidInput("it uses YAML aliases (*name), which are not supported: write the value out.")
        self._count += 1
        if self._count > VALUES:
            raise InvalidInput(f"it has more than {VALUES} values.")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping whose keys are all different."""
        lines: dict[Any, int] = {}
        for key_node, _value in node.value:
            key, line = (key_node.tag, str(key_node.value)), key_node.start_mark.line + 1
            if key in lines:
                raise InvalidInput(f"{key_node.value} is in line {lines[key]} and again in line {line}: merge the two.")
            lines[key] = line
        return super().construct_mapping(node, deep=deep)

    def _check_depth(self, depth: int) -> None:
        if depth > DEPTH:
            line = self.line + 1
            raise InvalidInput(f"line {line} is nested more than {DEPTH} levels deep.")


def write(document: documents.HubDocument) -> str:
    """Return a document as YAML."""
    return yaml.dump(document.plain(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def parse(text: str, name: str) -> documents.HubDocument:
    """Return the document in a YAML text.

    :raises InvalidInput: with the place of the error in the file ``name``.
    """
    if len(text) > LIMIT:
        raise InvalidInput(f"{name} is larger than {LIMIT} characters.")
    try:
        data: Any = yaml.load(text, _Loader)  # noqa: S506 - it is a SafeLoader
    except InvalidInput as error:
        raise InvalidInput(f"{name} cannot be used: {error}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput(f"{name} is not valid YAML: {error}") from None
    try:
        return documents.read(data)
    except InvalidInput as error:
        raise explained(error, text) from None


def explained(error: InvalidInput, text: str) -> InvalidInput:
    """Return an error about the document in a YAML text, which says where quotes are missing.

    Unquoted, YAML reads 16:00 as a number, yes as true, and 2026-01-01 as a date.
    """
    values = {place: value for place, value in _typed(yaml.compose(text, _Loader)) if place in error.fields}
    hints = {
        place: f"put it in quotes: YAML reads {value} as {kind}"
        for place, (value, kind) in values.items()
        if not _DECIMAL.fullmatch(value) or error.fields[place] in _NOT_A_TEXT
    }
    if not hints:
        return error
    fields = {place: f"{text} ({hints[place]})" if place in hints else text for place, text in error.fields.items()}
    listed = "; ".join(f"{place}: {text}" for place, text in fields.items())
    return InvalidInput(f"The document is not valid. {listed}", fields)


def _typed(
    node: yaml.Node | None, path: tuple[str, ...] = (), widget: str = ""
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the unquoted values that are no texts, with their types, under the places that errors name.

    Errors about settings name the widget's id and the setting, other ones the path.
    """
    if isinstance(node, yaml.ScalarNode):
        kind = _TYPES.get(node.tag.removeprefix(_TAG))
        if kind is not None and node.style is None:
            yield ", ".join(path), (node.value, kind)
            if widget:
                yield f"{widget}, {path[-1]}", (node.value, kind)
    elif isinstance(node, yaml.MappingNode):
        identifiers = [
            value.value for key, value in node.value if key.value == "id" and path[:1] in (("widgets",), ("pages",))
        ]
        for key, value in node.value:
            yield from _typed(value, (*path, str(key.value)), str(identifiers[0]) if identifiers else widget)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value, 1):
            yield from _typed(value, (*path, str(number)), widget)
