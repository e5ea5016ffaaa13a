"""Every import contract can fail: for each, an inverted import is planted in a copy of the code."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Imports of our own code by name would be invisible to the contracts; the registry may load widgets by name.
HIDDEN = re.compile(r"""import_module\(\s*f?["']hubs\b""")


def _contracts() -> dict[str, tuple[str, list[list[str]]]]:
    """Return package and layers of each contract about layers, highest first, by the contract's name."""
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    contracts = {}
    for section in config.sections():
        values = config[section]
        if values.get("type") == "layers":
            assert values["exhaustive"] == "True", section
            layers = [re.split(r"\s*[|:]\s*", line) for line in values["layers"].split("\n") if line]
            contracts[values["name"]] = (values["containers"].strip(), layers)
    return contracts


def _file(root: Path, module: str) -> Path:
    path = root.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _inversion(package: str, layers: list[list[str]]) -> tuple[str, str]:
    """Return a module of the lowest layer and one that it must not import."""
    high, low = layers[0][0], layers[-1][-1]
    return f"{package}.{low}", f"{package}.{high}"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the output of lint-imports on a copy of the code in which every contract is broken once."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copytree(
        ROOT / "hubs", copy / "hubs", ignore=shutil.ignore_patterns("__pycache__", "static", "translations")
    )
    shutil.copy(ROOT / ".importlinter", copy)
    for package, layers in _contracts().values():
        low, high = _inversion(package, layers)
        with _file(copy, low).open("a") as file:
            file.write(f"\nimport {high}\n")
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stdout


@pytest.mark.parametrize("name", list(_contracts()))
def test_an_inverted_import_breaks_the_contract(name: str, report: str) -> None:
    low, high = _inversion(*_contracts()[name])
    assert re.search(rf"{re.escape(name)}\s+BROKEN", report)
    assert f"{low} -> {high} " in report.replace("\n", " ")


def test_every_package_has_a_contract() -> None:
    packages = {package for package, _ in _contracts().values()}
    folders = {path.parent for path in (ROOT / "hubs").rglob("__init__.py")}
    # A package of one widget has a handful of modules around its __init__, which imports them all.
    expected = {
        ".".join(folder.relative_to(ROOT).parts)
        for folder in folders
        if folder.parent.name != "widgets" or folder.name == "shared"
    }
    assert packages == expected


def test_no_package_has_too_many_modules() -> None:
    for init in (ROOT / "hubs").rglob("__init__.py"):
        most = 13 if init.parent.name == "hubs" else 17
        modules = [path for path in init.parent.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= most, init.parent


def test_no_import_is_hidden_from_the_contracts() -> None:
    for path in (ROOT / "hubs").rglob("*.py"):
        assert not HIDDEN.search(path.read_text()), path
