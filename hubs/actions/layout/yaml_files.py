"""A hub's document as a YAML file."""

from typing import Any

import yaml

from hubs.actions.layout import documents
from hubs.errors import InvalidInput

#: Largest file, in characters.
LIMIT = 1_000_000


class _Dumper(yaml.SafeDumper):
    """Writes multi-line texts as blocks, which are easy to read and to diff."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


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
        # Nested aliases can expand a small file to an enormous document, and a hub has no use for them.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise InvalidInput(f"{name} uses YAML aliases (*name), which are not supported: write the value out.")
        data: Any = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput(f"{name} is not valid YAML: {error}") from None
    return documents.read(data)
