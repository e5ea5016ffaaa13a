"""``hubs widget``: a new package works at once, and unusable widgets are listed by name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hubs.cli import cli
from hubs.errors import Conflict, InvalidInput
from hubs.kit.new import make
from tests.installing import install
from tests.stack import ROOT


def run(*arguments: str, **env: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["widget", *arguments], env=env)
    return done.exit_code, done.output


@pytest.mark.slow
def test_a_new_widget_can_be_installed_and_is_in_the_catalogue(tmp_path: Path) -> None:
    code, output = run("new", "next-release", "--path", str(tmp_path))
    folder = tmp_path / "hubs-next-release"
    assert (code, str(folder) in output) == (0, True)
    site = install(folder, tmp_path / "site")
    env = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"}
    listed = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "hubs", "widget", "list"],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "next-release\tNext release\thubs_next_release.widget:NextRelease" in listed.stdout, listed.stderr
    assert listed.returncode == 0


@pytest.mark.parametrize("name", ["", "Tides", "1st", "a b", "../x", "class", "a--b", "x" * 41])
def test_an_invalid_package_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="small letters"):
        make(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_existing_files_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "hubs-tides").mkdir()
    with pytest.raises(Conflict, match="already"):
        make("tides", tmp_path)


def test_broken_widgets_are_listed_by_name_with_the_reason() -> None:
    code, output = run("list", HUBS_WIDGETS="no.such.module:Tides", HUBS_SECRET_KEY="x" * 32)
    assert code == 1
    assert "cannot be used: no.such.module:Tides: ModuleNotFoundError" in output
    assert "sticky\tSticky note\tbuilt in" in output


def test_the_documentation_of_a_widget_is_generated_from_its_declaration() -> None:
    code, output = run("docs", "sticky")
    assert code == 0
    assert "| `colour` | choice: `yellow`, `green`" in output
    assert run("docs", "nothing")[0] == 1
    assert "## library" in run("docs")[1]
