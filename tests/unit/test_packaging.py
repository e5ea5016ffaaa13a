"""Packaging: version, licence, and lock files that satisfy setup.py."""

import re
import runpy
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hubs import __version__

ROOT = Path(__file__).parents[2]
#: The extras that each lock file serves, as `make lock` names them.
EXTRAS = {
    "run": [],
    "test": ["postgres", "fedora", "signatures", "amqp", "backup", "docs", "test", "bench"],
    "production": ["postgres", "fedora", "signatures", "amqp", "celery", "backup"],
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what setup.py hands to setuptools."""
    handed: dict[str, Any] = {}
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(setuptools, "setup", handed.update)
    runpy.run_path("setup.py")
    return handed


def _lines(name: str) -> list[str]:
    """Return the pins of a lock file, one line each with its hashes."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return [line for line in text.replace("\\\n", " ").splitlines() if not line.startswith("#")]


def _environment(python: str) -> dict[str, str]:
    return {"python_version": python, "python_full_version": f"{python}.9"}


def _pins(name: str, python: str = "3.11") -> dict[str, str]:
    """Return the versions that a lock file has on a Python, by name; no package may have two."""
    pins: dict[str, str] = {}
    for line in _lines(name):
        pin = Requirement(line.split("--hash")[0])
        if pin.marker is None or pin.marker.evaluate(_environment(python)):
            key = canonicalize_name(pin.name)
            assert key not in pins, f"{key} is pinned twice for Python {python}"
            (specifier,) = pin.specifier
            assert specifier.operator == "==", line
            pins[key] = specifier.version
    return pins


def _applies(needed: Requirement, python: str, extras: tuple[str, ...] = ("",)) -> bool:
    marker = needed.marker
    return marker is None or any(marker.evaluate({**_environment(python), "extra": extra}) for extra in extras)


def _required_by(needed: Requirement, version: str, python: str) -> Iterator[Requirement]:
    """Yield what a package requires, if its metadata is here: the locked version is installed."""
    try:
        installed = distribution(needed.name)
    except PackageNotFoundError:
        return
    if installed.version == version:
        for line in installed.requires or ():
            requirement = Requirement(line)
            if _applies(requirement, python, ("", *needed.extras)):
                yield requirement


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_file_satisfies_setup_py(declared: dict[str, Any], name: str, python: str) -> None:
    pins = _pins(name, python)
    extras = [line for extra in EXTRAS[name] for line in declared["extras_require"][extra]]
    waiting = [Requirement(line) for line in declared["install_requires"] + extras]
    seen: set[str] = set()
    while waiting:
        needed = waiting.pop()
        if str(needed) in seen:
            continue
        seen.add(str(needed))
        key = canonicalize_name(needed.name)
        assert key in pins, f"requirements/{name}.txt lacks {needed}: make lock"
        assert needed.specifier.contains(pins[key], prereleases=True), f"{needed}, but {pins[key]} is locked: make lock"
        waiting += _required_by(needed, pins[key], python)
    assert len(seen) > len(declared["install_requires"])  # what the packages themselves need was looked at as well


def test_every_extra_is_locked(declared: dict[str, Any]) -> None:
    assert set(declared["extras_require"]) == {extra for extras in EXTRAS.values() for extra in extras}


@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_file_has_hashes_and_names_no_index(name: str) -> None:
    lines = _lines(name)
    assert len(lines) > 40
    for line in lines:
        assert re.fullmatch(r"[^#:/@]+==\S+( ; [^#:/@]+?)?( +--hash=sha256:[0-9a-f]{64})+", line.rstrip()), line


def test_locked_libraries_are_checked_and_built_apart_wherever_they_are_installed() -> None:
    """A distribution's pip builds in the environment itself unless told otherwise, and needs `wheel` there."""
    for name in ("Makefile", "docs/install.md", "deploy/container/install.sh", "deploy/rpm/fedora-hubs.spec"):
        text = (ROOT / name).read_text()
        installs = re.findall(r"\bpip\"? install (.*(?:-r requirements/.*|--requirement))$", text, re.MULTILINE)
        assert installs, name
        assert all({"--use-pep517", "--require-hashes"} <= set(options.split()) for options in installs), name


@pytest.mark.parametrize("python", PYTHONS)
def test_all_lock_files_agree_on_versions(python: str) -> None:
    run, test, production = (_pins(name, python) for name in ("run", "test", "production"))
    assert run.items() <= test.items()
    assert run.items() <= production.items()
    assert production.items() <= test.items()


def test_the_version_is_the_same_everywhere(declared: dict[str, Any]) -> None:
    assert declared["version"] == __version__
    spec = (ROOT / "deploy/rpm/fedora-hubs.spec").read_text()
    assert re.findall(r"^Version: +(.+)$", spec, re.MULTILINE) == [__version__]
    for text in (spec, (ROOT / "docs/install.md").read_text()):
        assert set(re.findall(r"fedora_hubs-([\d.]+)\.tar", text)) == {__version__}
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert f"## [{__version__}]" in changelog or f"## [Unreleased]\n\nTo be released as {__version__}.\n" in changelog


def test_the_licence_is_complete_and_goes_into_the_package(declared: dict[str, Any]) -> None:
    assert declared["license_files"] == ["LICENSE"]
    text = (ROOT / "LICENSE").read_text().split("\n")
    assert [line.strip() for line in text[:2]] == ["GNU AFFERO GENERAL PUBLIC LICENSE", "Version 3, 19 November 2007"]
    assert len(text) == 662
    assert text[-2].strip() == "<http://www.gnu.org/licenses/>."
