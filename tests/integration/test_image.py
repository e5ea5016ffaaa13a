"""The image and the compose file without a container engine: their steps and processes, on a machine of its own.

Debian's Python, PostgreSQL, memcached, Redis and nginx stand for the images that these begin with.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.test_install import HOST, SETTINGS
from tests.machine import Machine, machine
from tests.services import wait_for
from tests.stack import ROOT

SOURCE, SITE, DATA = "/source", "/site", "/var/lib/hubs"
ENV_FILE = f"{SOURCE}/deploy/compose/.env"
#: Services in the order in which the compose file has them started; those of Debian run under users of their own.
ORDER = {"memcached": "memcache", "redis": "redis", "prepare": "", "relay": "", "hub": "", "eventsource": "", "web": ""}


@pytest.mark.slow
def test_the_image_can_be_made_and_the_services_of_the_compose_file_start(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    subprocess.run(f"git -C {ROOT} archive HEAD | tar -C {tmp_path / 'source'} -x", shell=True, check=True)
    with machine(tmp_path, {"/mnt": tmp_path / "source"}) as host:
        host.do(f"systemctl stop memcached redis-server nginx; mkdir {SOURCE}; echo 127.0.0.1 {HOST} >> /etc/hosts")
        variables = build(host)
        host.do(f"cd {SOURCE}/deploy/compose && sh settings.sh {HOST} && cat >> .env <<'END'\n{SETTINGS}END")
        create_database(host)
        # As `sysctls` of the compose file has it.
        host.do("sysctl -w net.ipv4.ip_unprivileged_port_start=0")
        services = yaml.safe_load((ROOT / "deploy/compose/compose.yml").read_text())["services"]
        for name, user in {**ORDER, "nginx": ""}.items():
            start(host, name, services[name], user, variables)
        for name in ("relay", "hub", "eventsource", "web", "nginx"):
            check = services[name]["healthcheck"]["test"][1:]
            wait_for(lambda check=check: in_container(host, check, variables).returncode == 0, f"{name}: {check}")
        assert "</html>" in host.do(f"curl --silent --show-error --fail --insecure https://{HOST}/")
        wait_for(lambda: red(host, variables) == ["backup"], "an instance that only lacks a backup", 150)
        host.do("systemctl kill --signal KILL container-hub && sleep 20")
        assert "heartbeat" in red(host, variables)


def build(host: Machine) -> dict[str, str]:
    """Do the steps of the Containerfile; return the variables that the image sets."""
    text = (ROOT / "deploy/container/Containerfile").read_text().replace("\\\n", " ")
    variables, folder = dict[str, str](), "/"
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "WORKDIR":
            folder = rest
            host.do(f"mkdir -p {folder}")
        elif word == "ENV":
            variables |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "COPY" and "--from" not in rest:
            *sources, target = rest.split()
            copy(host, sources, folder, target)
        elif word == "RUN":
            # A machine that has a package keeps it.
            script = rest.replace("apt-get install", "apt-get install --no-upgrade")
            host.do(f"cd {folder}\n{script}", online=True)
    host.do(f"install -d -o hubs -g hubs {SITE} {DATA}")
    return variables


def copy(host: Machine, sources: list[str], folder: str, target: str) -> None:
    """Copy files, and the content of folders, of the source archive into ``target`` below ``folder``."""
    for name in sources:
        source = f"/mnt/{name}/." if (ROOT / name).is_dir() else f"/mnt/{name}"
        host.do(f"mkdir -p {folder} && cd {folder} && mkdir -p {target} && cp -r {source} {target}")


def create_database(host: Machine) -> None:
    """Create what the variables of the image of PostgreSQL name, with the password of the settings."""
    host.do(
        f". {ENV_FILE}; runuser -u postgres -- psql -qc \"CREATE ROLE hubs LOGIN PASSWORD '$POSTGRES_PASSWORD'\"\n"
        "runuser -u postgres -- createdb -O hubs hubs"
    )


def start(host: Machine, name: str, service: Mapping[str, Any], user: str, variables: dict[str, str]) -> None:
    """Start the process of a service, with the rights that the compose file leaves it."""
    command = [*service.get("entrypoint", []), *service.get("command", [])]
    values = {**variables, **service["environment"]} if "fedora-hubs" in service["image"] else {}
    properties = {
        "User": user or service["user"].partition(":")[0],
        "ProtectSystem": "strict",
        "PrivateTmp": "yes",
        "CapabilityBoundingSet": "",
        "NoNewPrivileges": "yes",
        "EnvironmentFile": ENV_FILE,
        "WorkingDirectory": "/etc/hubs",
        "ReadWritePaths": " ".join(
            volume.split(":")[1] for volume in service.get("volumes", []) if not volume.endswith(":ro")
        ),
    }
    # As an engine does: what a process prints goes into something that its user may open.
    log = f"/var/log/container-{name}.log"
    host.do(f"install -o {properties['User']} /dev/null {log}")
    properties |= {"StandardOutput": f"append:{log}", "StandardError": f"append:{log}"}
    assert service["read_only"] is True
    words = ["systemd-run", "--quiet", f"--unit=container-{name}", *(["--wait"] if service["restart"] == "no" else [])]
    words += [f"--property={key}={value}" for key, value in properties.items()]
    words += [f"--setenv={key}={value}" for key, value in values.items()]
    host.do(shlex.join([*words, "/usr/bin/env", *command]))


def in_container(host: Machine, command: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command as `docker compose exec` does: with the variables, settings and rights of our containers."""
    services = yaml.safe_load((ROOT / "deploy/compose/compose.yml").read_text())["services"]
    values = [f"{key}={value}" for key, value in {**variables, **services["web"]["environment"]}.items()]
    words = ["env", *values, "setpriv", "--reuid=hubs", "--regid=hubs", "--init-groups", *command]
    return host.run(f"set -a; . {ENV_FILE}; cd /etc/hubs; {shlex.join(words)}")


def red(host: Machine, variables: dict[str, str]) -> list[str]:
    """Return the names of what `hubs doctor` finds wrong."""
    output = in_container(host, ["hubs", "doctor", "--json"], variables).stdout
    found = re.search(r"^\{.*", output, re.MULTILINE | re.DOTALL)
    return [check["name"] for check in json.loads(found[0])["checks"] if not check["ok"]] if found else ["no answer"]
