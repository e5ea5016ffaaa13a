"""`hubs widget new` as a newcomer uses it: in a new folder, with the commands as printed, and nothing installed."""

import os
import re
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.services import BIN, HOST, Service, answers, base_env, free_port


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Return an environment that finds the commands of Hubs, but no package of the newcomer's."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**base_env(), "PATH": path, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}


def shell(command: str, folder: Path, env: dict[str, str]) -> str:
    result = subprocess.run(
        ["bash", "-ec", command], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    return result.stdout


@pytest.mark.slow
def test_the_printed_commands_work_in_a_fresh_folder(tmp_path: Path, env: dict[str, str]) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    printed = shell("hubs widget new high-tides", fresh, env)
    see, test = (line.strip() for line in printed.splitlines() if line.startswith("    "))
    assert see.startswith("hubs widget dev ")
    assert "1 passed" in shell(test, fresh, env)

    port = free_port()
    program, *arguments = see.split()
    service = Service([str(BIN / program), *arguments, "--port", str(port)], tmp_path, "dev", env, cwd=fresh)
    try:
        service.ready(lambda: answers(f"http://{HOST}:{port}/healthz"))
        with urlopen(f"http://{HOST}:{port}/t/workshop/?full=1", timeout=20) as answer:
            page = answer.read().decode()
        assert re.search(r"<h2[^>]*>High tides</h2>", page)
        assert '<li data-key="Ottoline">' in page
    finally:
        service.stop()


@pytest.mark.slow
def test_the_commands_of_its_readme_are_the_printed_ones(tmp_path: Path, env: dict[str, str]) -> None:
    shell("hubs widget new tides", tmp_path, env)
    readme = (tmp_path / "hubs-tides" / "README.md").read_text()
    commands = [line.partition("#")[0].strip() for line in readme.split("```sh\n")[1].split("```")[0].splitlines()]
    assert commands == ["hubs widget dev .", "pytest", "pip install ."]
    assert "1 passed" in shell("pytest", tmp_path / "hubs-tides", env)
