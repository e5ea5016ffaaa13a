"""Pages about a machine, done as they are written, on a machine of its own with systemd and all services."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import acme
from tests.machine import Machine, machine
from tests.services import wait_for
from tests.stack import ROOT

TEXT, UPGRADE, BACKUP = ((ROOT / f"docs/{name}.md").read_text() for name in ("install", "upgrade", "backup"))
HOST = "hubs.example.org"
UNITS = ("hubs-web", "hubs-eventsource", "hubs-hub", "hubs-relay")
#: What nobody but an administrator knows.
SETTINGS = """\
HUBS_TOPIC_PREFIX=org.otters
HUBS_OIDC_ISSUER=https://id.otters.example.org
HUBS_OIDC_CLIENT_ID=hubs
HUBS_OIDC_CLIENT_SECRET=a-secret-of-the-provider
"""
#: Where a machine sees the virtual environment of the tests.
LIBRARIES = "/srv/libraries"
#: Have the new virtual environment find the libraries of the tests, which have the same versions: installing them takes
#: two minutes of CPU time. The programs that come with them are written as pip writes them.
BORROW = f"""
/opt/hubs/bin/pip uninstall -qy setuptools
echo {LIBRARIES}/lib/python*/site-packages > $(echo /opt/hubs/lib/python*/site-packages)/libraries.pth
cd {LIBRARIES}/bin
for program in $(grep -lI '^#!.*python' *); do
    [ -e /opt/hubs/bin/$program ] || sed '1s|.*|#!/opt/hubs/bin/python|' $program > /opt/hubs/bin/$program
done
chmod +x /opt/hubs/bin/*
"""


def steps(heading: str, text: str = TEXT) -> list[str]:
    """Return the shell examples of a page below a heading, as they are written."""
    section = text.partition(f"{heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_installation_page_work_where_all_packages_are_there(tmp_path: Path) -> None:
    with installed(tmp_path) as otters:
        check_pages(otters)
        acme.require()
        check_real_certificate(otters)


@pytest.mark.slow
def test_an_upgrade_and_a_restore_go_as_their_pages_say(tmp_path: Path) -> None:
    with installed(tmp_path) as otters:
        otters.do("hubs user add ottoline && hubs team create rafts --owner ottoline")
        for step in steps("# Upgrade and return", UPGRADE):
            otters.do(step)
        check_pages(otters)
        assert "rafts" in otters.do("hubs team list")

        folder = otters.do("ls -d /var/backups/hubs/*").strip()
        restore(otters, folder)

        keys, backup, decrypted = steps("## Encrypted to a public key", BACKUP)
        told = otters.do(f"rm -r {folder}\n{keys.replace('apt install', 'apt-get install -y --no-upgrade')}")
        public = re.search(r"Public key: (age1\w+)", told)
        assert public
        otters.do(backup.replace("age1…", public[1]))
        assert "database.age" in otters.do(f"ls {folder}").split()
        copy_key, command, remove_key = decrypted.splitlines()
        otters.do(copy_key)
        restore(otters, folder, command.removesuffix("/var/backups/hubs/2026-11-29").strip())
        otters.do(remove_key)


def restore(otters: Machine, folder: str, command: str = "hubs restore") -> None:
    """Restore a backup as the page says on what a new machine has: another key, and a cluster without our role."""
    otters.do(f"systemctl stop {' '.join(UNITS)} hubs-web.socket hubs-eventsource.socket")
    otters.do("runuser -u postgres -- dropdb hubs && runuser -u postgres -- dropuser hubs")
    otters.do(f"rm /etc/hubs/hubs.env && /opt/hubs/bin/hubs deploy --to / --host {HOST}")
    for step in steps("## Restore", BACKUP):
        otters.do(step.replace("/var/backups/hubs/2026-11-29", folder).replace("hubs restore", command))
    otters.do(examples()[-1].partition("hubs db upgrade\n")[2])
    check_pages(otters)
    assert "rafts" in otters.do("hubs team list")


@contextmanager
def installed(folder: Path) -> Iterator[Machine]:
    """Give a machine that was installed as the page says, but with the libraries of the tests."""
    with machine(folder, {"/mnt": archive(folder), LIBRARIES: Path(sys.prefix)}) as otters:
        packages, libraries, *others = examples()
        otters.do(packages.replace("apt install", "apt-get install -y --no-upgrade"))
        environment, rest = libraries.split("\n", 1)
        otters.do(environment)
        if otters.do("ls /opt/hubs/lib").split() != [Path(pytest.__file__).parents[2].name]:
            pytest.skip(f"NOT TESTED: Debian's Python cannot load the libraries of Python {sys.version}")
        otters.do(BORROW)
        # Another patch release of Python may need a library more, which is downloaded.
        otters.do(f"cp -r /mnt /root/hubs && cd /root/hubs\n{rest}", online=True)
        configure(otters, *others)
        yield otters


@pytest.mark.slow
def test_the_installation_page_leads_to_an_instance_that_works(tmp_path: Path) -> None:
    with machine(tmp_path, {"/mnt": archive(tmp_path)}) as otters:
        packages, libraries, *others = examples()
        compiler = re.search(r"needs `(gcc [^`]*)`", TEXT.replace("\n", " "))
        assert compiler
        otters.do(f"apt-get update -qq; apt-get install -y --no-upgrade {compiler[1]}", online=True)
        otters.do(packages.replace("apt install", "apt-get install -y --no-upgrade"), online=True)
        otters.do(f"cp -r /mnt /root/hubs && cd /root/hubs\n{libraries}", online=True)
        configure(otters, *others)
        check_pages(otters)
        check_faults(otters)
        for step in steps("## Backups each night"):
            otters.do(step)
        otters.do("systemctl start hubs-backup.service")
        assert "manifest" in otters.do("ls -R /var/backups/hubs")
        wait_for(lambda: otters.run("hubs doctor").returncode == 0, "an instance without a finding", 150)
        otters.do("systemctl stop hubs-hub")
        assert "✗ heartbeat" in otters.run("sleep 20; hubs doctor").stdout


def archive(folder: Path) -> Path:
    """Unpack what a source archive has into ``folder``."""
    source = folder / "source"
    source.mkdir()
    subprocess.run(f"git -C {ROOT} archive HEAD | tar -C {source} -x", shell=True, check=True)
    return source


def examples() -> list[str]:
    """Return the steps of the page, but for the one with rpm."""
    packages, libraries, package, *others = steps("# Install")
    assert "rpmbuild" in package
    return [packages, libraries, *others]


def configure(otters: Machine, files: str, settings: str, start: str) -> None:
    """Follow the page from where the programs are installed to its last step."""
    otters.do(files)
    otters.do(f"echo 127.0.0.1 {HOST} >> /etc/hosts")
    otters.do(f"cat >> /etc/hubs/hubs.env <<'END'\n{SETTINGS}END")
    assert "valid" in otters.do(settings)
    otters.do(start)
    for unit in UNITS:
        assert otters.do(f"systemctl is-active {unit}").strip() == "active"


def check_pages(otters: Machine, trust: str = "--insecure") -> None:
    """Read a page and a file through nginx; ``trust`` says to curl which certificates are good."""
    curl = f"curl --silent --show-error --fail {trust}"
    page = otters.do(f"{curl} https://{HOST}/")
    assert "</html>" in page
    style = re.search(r'href="(/static/v-[^"]*/css/hubs\.css)"', page)
    assert style
    assert "immutable" in otters.do(f"{curl} --head https://{HOST}{style[1]}").lower()


def check_real_certificate(otters: Machine) -> None:
    """Get a certificate as the page says, from an authority of our own, and let certbot's timer renew it."""
    acme.start(otters)
    connect = f"openssl s_client -connect {HOST}:443 -servername {HOST} </dev/null 2>/dev/null"
    served = f"{connect} | openssl x509 -noout -serial"
    ours = otters.do(served)
    for step in steps("## A real certificate"):
        otters.do(step.replace("apt install", "apt-get install -y --no-upgrade"))
    wait_for(lambda: otters.do(served) != ours, "nginx to serve the certificate of the authority")
    check_pages(otters, f"--cacert {acme.ROOT}")
    first = otters.do(served)
    # `hubs deploy` after an upgrade keeps it.
    otters.do(f"hubs deploy --to / --host {HOST} && systemctl reload nginx")
    assert "enabled" in otters.do("systemctl is-enabled certbot.timer")
    otters.do("systemctl start certbot.service")
    wait_for(lambda: otters.do(served) != first, "nginx to serve the renewed certificate")
    check_pages(otters, f"--cacert {acme.ROOT}")


def check_faults(otters: Machine) -> None:
    """Kill what may crash, and see that systemd brings it back."""
    for unit in UNITS:
        before = otters.do(f"systemctl show --property MainPID --value {unit}")
        otters.do(f"systemctl kill --signal KILL {unit}")
        wait_for(lambda unit=unit: otters.run(f"systemctl is-active {unit}").stdout.strip() == "active", unit, 120)
        assert otters.do(f"systemctl show --property MainPID --value {unit}") != before
