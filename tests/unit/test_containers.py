"""The image, the compose file and the quadlets agree with each other and with the units, and keep what they promise."""

import configparser
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hubs.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
OURS = ("prepare", "relay", "hub", "eventsource", "web")
#: Keys of `[Container]` and `[Pod]` in podman-systemd.unit(5) of podman 5 that we use.
KNOWN = {
    "Pod": {"PodName", "PublishPort", "PodmanArgs"},
    "Volume": {"VolumeName"},
    "Container": {
        *("ContainerName", "DropCapability", "Entrypoint", "Environment", "EnvironmentFile", "Exec", "Group"),
        *("HealthCmd", "HealthInterval", "HealthStartPeriod", "Image", "NoNewPrivileges", "Notify", "Pod", "ReadOnly"),
        *("ShmSize", "StopSignal", "Tmpfs", "User", "Volume"),
    },
    "Unit": {"Description", "Wants", "After"},
    "Service": {"Restart", "TimeoutStartSec", "Type", "RemainAfterExit"},
    "Install": {"WantedBy"},
}


def compose() -> dict[str, Any]:
    """Return the compose file."""
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose/compose.yml").read_text())
    return document


def quadlet(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Return the sections of a quadlet; a key may occur several times."""
    sections: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for line in path.read_text().splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            sections[name] = []
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            sections[name].append((key, value))
    return sections


def unit_command(name: str) -> list[str]:
    """Return the command of a unit, without the folder of its program."""
    line = re.search(r"^ExecStart=(.*)$", (DEPLOY / f"systemd/hubs-{name}.service").read_text(), re.MULTILINE)
    assert line
    program, *rest = shlex.split(line[1])
    return [Path(program).name, *rest]


def _without_folder(command: list[str]) -> list[str]:
    """Remove the option that only containers need, whose disk is read-only."""
    return [word for word in command if word not in ("--worker-tmp-dir", "/dev/shm")]


@pytest.mark.parametrize("name", ["relay", "hub", "eventsource", "web"])
def test_containers_run_what_the_units_run(name: str) -> None:
    assert _without_folder(compose()["services"][name]["command"]) == unit_command(name)


def test_the_image_runs_pages_by_itself() -> None:
    text = (DEPLOY / "container/Containerfile").read_text()
    command = re.search(r"^CMD (\[.*\])$", text, re.MULTILINE)
    assert command
    words = [word.replace("0.0.0.0", "127.0.0.1") for word in yaml.safe_load(command[1])]
    assert _without_folder(words) == unit_command("web")


def test_the_image_has_two_stages_no_root_a_health_check_and_hashes() -> None:
    _, first, last = (DEPLOY / "container/Containerfile").read_text().split("\nFROM ")
    assert " AS build" in first
    assert "sh deploy/container/install.sh" in first
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "gcc" not in last
    installs = [line for line in (DEPLOY / "container/install.sh").read_text().splitlines() if " install " in line]
    assert len(installs) == 2
    assert all("--require-hashes" in line for line in installs)


def test_no_container_runs_as_root_of_ours_or_writes_to_its_disk() -> None:
    for name, service in compose()["services"].items():
        assert service["read_only"] is True, name
        if name in (*OURS, "nginx"):
            assert service["user"] == "10001:10001", name
            assert service["cap_drop"] == ["ALL"], name
        assert name == "network" or service["network_mode"] == "service:network"
        assert name == "network" or "ports" not in service
    for name in ("memcached", "redis", "postgresql", *OURS):
        text = " ".join(compose()["services"][name]["command"])
        assert "0.0.0.0" not in text, name


def test_every_setting_in_the_files_exists(tmp_path: Path) -> None:
    copy = tmp_path / "settings.sh"
    copy.write_text((DEPLOY / "compose/settings.sh").read_text())
    subprocess.run(["sh", copy, "otters.example.org"], check=True, capture_output=True)
    env = tmp_path / ".env"
    assert env.stat().st_mode & 0o777 == 0o600
    values = dict(line.split("=", 1) for line in env.read_text().splitlines() if not line.startswith("#"))
    assert values["HUBS_SITE_URL"] == "https://otters.example.org"
    assert values["POSTGRES_PASSWORD"] in values["HUBS_DATABASE_URL"]
    assert len(values["HUBS_SECRET_KEY"]) == 64
    names = {*values, *compose()["x-hubs"]["environment"]}
    settings = {name.removeprefix("HUBS_").lower() for name in names if name.startswith("HUBS_")}
    assert settings <= Settings.model_fields.keys()
    again = subprocess.run(["sh", copy, "otters.example.org"], check=False, capture_output=True)
    assert again.returncode == 1  # a key is never replaced


def test_quadlets_use_known_keys_and_agree_with_the_compose_file() -> None:
    services = compose()["services"]
    containers = {path.stem.removeprefix("hubs-"): path for path in (DEPLOY / "quadlet").glob("*.container")}
    assert containers.keys() == services.keys() - {"network"}
    for name, path in containers.items():
        pairs = quadlet(path)["Container"]
        values = dict(pairs)
        service = services[name]
        words = [*service.get("entrypoint", [])[1:], *service.get("command", [])]
        assert shlex.split(values["Exec"]) == words, name
        assert values["Pod"] == "hubs.pod"
        assert values["ReadOnly"] == "true"
        assert ("User" in values) == ("user" in service), name
        assert ("HealthCmd" in values) == ("test" in service.get("healthcheck", {})), name
        if "fedora-hubs" not in service["image"]:
            assert values["Image"] == service["image"]
        else:
            given = dict(pair.split("=", 1) for pair in values["Environment"].split())
            assert given == service["environment"], name
        volumes = [value for key, value in pairs if key == "Volume"]
        assert volumes == [
            f"hubs-{each.split(':', 1)[0]}.volume:{each.split(':', 1)[1]}" for each in service.get("volumes", [])
        ]
        wanted = quadlet(path)["Unit"]
        after = {value for key, line in wanted if key == "After" for value in line.split()}
        assert after == {f"hubs-{other}.service" for other in service.get("depends_on", []) if other != "network"}


def test_quadlets_are_well_formed() -> None:
    for path in (DEPLOY / "quadlet").iterdir():
        configparser.ConfigParser(strict=False, interpolation=None).read_string(path.read_text())
        for section, pairs in quadlet(path).items():
            assert {key for key, _ in pairs} <= KNOWN[section], path.name
    volumes = {path.stem.removeprefix("hubs-") for path in (DEPLOY / "quadlet").glob("*.volume")}
    assert volumes == set(compose()["volumes"])
