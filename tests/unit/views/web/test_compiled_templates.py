"""Compiled templates are kept on disk, where nobody else may write, and a page never depends on them."""

import logging
import shutil
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment
from jinja2.bccache import BytecodeCache

from hubs.views.web import compiled_templates

SOURCE = "Hello {{ name }}"


def render(cache: BytecodeCache | None, source: str = SOURCE) -> str:
    """Return what a new process renders."""
    environment = Environment(loader=DictLoader({"a.html": source}), autoescape=True, bytecode_cache=cache)
    return environment.get_template("a.html").render(name="Rana")


def no_compiler(*_: object, **__: object) -> None:
    raise AssertionError("it was compiled again")


def test_another_process_need_not_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "var" / "templates"
    assert render(compiled_templates.in_folder(folder)) == "Hello Rana"
    assert folder.stat().st_mode & 0o777 == 0o700
    with monkeypatch.context() as patch:
        patch.setattr(Environment, "compile", no_compiler)
        assert render(compiled_templates.in_folder(folder)) == "Hello Rana"
    assert render(compiled_templates.in_folder(folder), "Bye {{ name }}") == "Bye Rana"


def test_a_damaged_file_is_compiled_again(tmp_path: Path) -> None:
    cache = compiled_templates.in_folder(tmp_path)
    render(cache)
    (file,) = tmp_path.iterdir()
    for content in (b"", file.read_bytes()[:-20], b"nonsense" * 50):
        file.write_bytes(content)
        assert render(cache) == "Hello Rana"


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o770)
    assert compiled_templates.in_folder(tmp_path) is None
    assert "others may write to" in caplog.text


def test_without_a_folder_pages_are_shown_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "file").touch()
    assert compiled_templates.in_folder(tmp_path / "file" / "templates") is None
    assert "are not kept" in caplog.text
    cache = compiled_templates.in_folder(tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone")
    assert render(cache) == "Hello Rana"
