"""docs/install.md, done as it is written, on a machine of its own with systemd and all services."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.machine import Machine, machine
from tests.services import wait_for
from tests.stack import ROOT

TEXT = (ROOT / "docs/install.md").read_text()
HOST = "hubs.example.org"
UNITS = ("hubs-web", "hubs-eventsource", "hubs-hub", "hubs-relay")
#: What nobody but an administrator knows.
SETTINGS = """\
HUBS_TOPIC_PREFIX=org.otters
HUBS_OIDC_ISSUER=https://id.otters.example.org
HUBS_OIDC_CLIENT_ID=hubs
HUBS_OIDC_CLIENT_SECRET=a-secret-of-the-provider
"""


def steps(heading: str) -> list[str]:
    """Return the shell examples below a heading, as they are written."""
    section = TEXT.partition(f"{heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_installation_page_leads_to_an_instance_that_works(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    subprocess.run(f"git -C {ROOT} archive HEAD | tar -C {source} -x", shell=True, check=True)
    with machine(tmp_path, source) as otters:
        install(otters)
        for unit in UNITS:
            assert otters.do(f"systemctl is-active {unit}").strip() == "active"
        check_pages(otters)
        check_faults(otters)
        for step in steps("## Backups each night"):
            otters.do(step)
        otters.do("systemctl start hubs-backup.service")
        assert "manifest" in otters.do("ls -R /var/backups/hubs")
        wait_for(lambda: otters.run("hubs doctor").returncode == 0, "an instance without a finding", 150)
        otters.do("systemctl stop hubs-hub")
        assert "✗ heartbeat" in otters.run("sleep 20; hubs doctor").stdout


def install(otters: Machine) -> None:
    """Follow the page from its first step to the last, but for the one with rpm."""
    packages, libraries, package, files, settings, start = steps("# Install")
    assert "rpmbuild" in package
    compiler = re.search(r"needs `(gcc [^`]*)`", TEXT.replace("\n", " "))
    assert compiler
    otters.do(f"apt-get update -qq; apt-get install -y --no-upgrade {compiler[1]}", online=True)
    otters.do(packages.replace("apt install", "apt-get install -y --no-upgrade"), online=True)
    otters.do(f"cp -r /mnt /root/hubs && cd /root/hubs\n{libraries}", online=True)
    otters.do(files)
    otters.do(f"echo 127.0.0.1 {HOST} >> /etc/hosts")
    otters.do(f"cat >> /etc/hubs/hubs.env <<'END'\n{SETTINGS}END")
    assert "valid" in otters.do(settings)
    otters.do(start)


def check_pages(otters: Machine) -> None:
    """Read a page and a file through nginx."""
    curl = "curl --silent --show-error --fail --insecure"
    page = otters.do(f"{curl} https://{HOST}/")
    assert "</html>" in page
    style = re.search(r'href="(/static/v-[^"]*/css/hubs\.css)"', page)
    assert style
    assert "immutable" in otters.do(f"{curl} --head https://{HOST}{style[1]}").lower()


def check_faults(otters: Machine) -> None:
    """Kill what may crash, and see that systemd brings it back."""
    for unit in UNITS:
        before = otters.do(f"systemctl show --property MainPID --value {unit}")
        otters.do(f"systemctl kill --signal KILL {unit}")
        wait_for(lambda unit=unit: otters.run(f"systemctl is-active {unit}").stdout.strip() == "active", unit, 120)
        assert otters.do(f"systemctl show --property MainPID --value {unit}") != before
