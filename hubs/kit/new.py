"""``hubs widget new``: writes a working package with code, template, tests, entry point and readme."""

import keyword
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from hubs.errors import Conflict, InvalidInput

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")


def make(name: str, parent: Path) -> Path:
    """Write the package ``hubs-<name>`` into a new folder of ``parent`` and return that folder.

    :raises InvalidInput: if the name cannot be the name of a package.
    :raises Conflict: if the folder exists already.
    """
    if not _NAME.fullmatch(name) or len(name) > 40 or keyword.iskeyword(name):
        raise InvalidInput("Write the name in small letters, digits and hyphens, such as: tides or next-release.")
    words = re.split("[-_]", name)
    values = {
        "name": name,
        "project": f"hubs-{'-'.join(words)}",
        "package": f"hubs_{'_'.join(words)}",
        "cls": "".join(word.title() for word in words),
        "title": " ".join(words).capitalize(),
    }
    target = parent / values["project"]
    if target.exists():
        raise Conflict(f"{target} exists already. Choose another name, or another folder with --path.")
    _copy(files("hubs.kit") / "skeleton", target, values)
    return target


def _copy(source: Traversable, target: Path, values: dict[str, str]) -> None:
    target.mkdir(parents=True)
    for entry in source.iterdir():
        if entry.is_dir():
            _copy(entry, target / (values["package"] if entry.name == "package" else entry.name), values)
        elif entry.name.endswith(".txt"):
            text = Template(entry.read_text(encoding="utf-8")).substitute(values)
            (target / entry.name.removesuffix(".txt")).write_text(text, encoding="utf-8")
