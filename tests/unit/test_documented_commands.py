"""Every command of ours in a shell example of the documentation exists, with its options, and so does every unit."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from hubs.cli import cli
from tests.unit.test_docs import CURRENT, ROOT

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
UNITS = {path.name for path in (ROOT / "deploy/systemd").iterdir()}


def examples(document: Path) -> Iterator[list[str]]:
    """Yield the words of each simple command in the shell examples of a document."""
    for block in BLOCK.findall(document.read_text()):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if set(word) <= set(";&|"):
                    yield words
                    words = []
                else:
                    words.append(word)


def problem(words: list[str]) -> str:
    """Return the word of a `hubs` command that does not exist; empty if all do."""
    command: click.Command = cli
    known = {"--help"}
    for word in words:
        if word.startswith("-") and word != "-":
            known |= {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
            if word.split("=")[0] not in known:
                return word
        elif isinstance(command, click.Group):
            below = command.get_command(click.Context(command), word)
            if below is None:
                return word
            command = below
    return ""


@pytest.mark.parametrize("document", CURRENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_examples_exist(document: Path) -> None:
    for words in examples(document):
        if words and Path(words[0]).name == "hubs":
            assert problem(words[1:]) == "", words


@pytest.mark.parametrize("document", CURRENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_units_in_examples_exist(document: Path) -> None:
    for block in BLOCK.findall(document.read_text()):
        for name in re.findall(r"\b(hubs-[\w-]+(?:\.(?:socket|timer|service))?)", block):
            quadlets = {f"{path.stem}.service" for path in (ROOT / "deploy/quadlet").iterdir()}
            if "systemctl" in block:
                assert {name, f"{name}.service"} & (UNITS | quadlets), name


def test_an_unknown_word_is_found() -> None:
    assert problem(["db", "upgrade", "--fast"]) == "--fast"
    assert problem(["backups", "x"]) == "backups"
    assert sum(bool(words) and words[0] == "hubs" for path in CURRENT for words in examples(path)) > 10
