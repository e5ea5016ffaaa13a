"""``hubs widget new``: a package with code, template, tests, entry point and readme that works at once."""

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

    :raises InvalidInput: when the name cannot be that of a package.
    :raises Conflict: when there is such a folder already.
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
        raise Conflict(f"{target} is there already. Choose another name, or another folder with --path.")
    _copy(files("hubs.kit") / "skeleton", target, values)
    return target


def _copy(source: Traversable, target: Path, values: dict[str, str]) -> None:
    target.mkdir(parents=True)
    for one in source.iterdir():
        if one.is_dir():
            _copy(one, target / (values["package"] if one.name == "package" else one.name), values)
        elif one.name.endswith(".txt"):
            text = Template(one.read_text(encoding="utf-8")).substitute(values)
            (target / one.name.removesuffix(".txt")).write_text(text, encoding="utf-8")
