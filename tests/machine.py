"""A machine of its own: systemd boots on an overlay of this one, with its own processes and its own network.

It has the packages of this machine, and whatever is done to it is gone when it ends.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services import wait_for

#: What systemd says of itself once all jobs of the boot are done; units of the packages here may fail without hardware.
_BOOTED = ("running", "degraded")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Environment variables that programs need to reach package indexes.
_OF_NETWORKS = re.compile(r"(?i:https?_proxy|no_proxy)$|PIP_|SSL_CERT|REQUESTS_CA")
#: Mounts are private to the process, and gone with it. systemd needs the second version of control groups, and none of
#: their controllers.
_BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
rm -f "$1/root/usr/sbin/policy-rc.d"  # services start when they are installed, as on any machine
# What other tests need costs more than the rest of the boot.
for unit in rabbitmq-server prometheus prometheus-node-exporter; do
    ln -sfn /dev/null "$1/root/etc/systemd/system/$unit.service"
done
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$2"
echo $$ > "/sys/fs/cgroup/$2/cgroup.procs"
exec systemd-nspawn --quiet --register=no --keep-unit --private-network --machine=otters --console=pipe \
    "${@:3}" -D "$1/root" --boot
"""


class Machine:
    """A running machine; ``leader`` is the id of its first process."""

    def __init__(self, leader: int) -> None:
        self._leader = leader

    def run(self, script: str, *, online: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a script of the shell as root; it ends at the first failure.

        ``online`` scripts use the network of this machine, and its settings for reaching package indexes.
        """
        spaces = ["--mount", "--uts", "--ipc", "--pid", "--cgroup", *([] if online else ["--net"])]
        values = {"HOME": "/root", "PATH": _PATH, "DEBIAN_FRONTEND": "noninteractive"}
        if online:
            values |= {name: value for name, value in os.environ.items() if _OF_NETWORKS.match(name)}
        words = [f"{name}={value}" for name, value in values.items()]
        inside = ["nsenter", "--target", str(self._leader), *spaces, "--root", "--wd", "env", "-i", *words]
        return subprocess.run(
            [*inside, "bash", "-e", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def do(self, script: str, *, online: bool = False) -> str:
        """Run a script and return its output; fail with the output if the script fails."""
        done = self.run(script, online=online)
        assert done.returncode == 0, f"{script}\n{done.stdout}"
        return done.stdout


@contextmanager
def machine(folder: Path, shared: Mapping[str, Path]) -> Iterator[Machine]:
    """Boot a machine, which sees folders under the names in ``shared``; skip the test where none can be booted."""
    missing = [program for program in ("systemd-nspawn", "nsenter", "unshare") if not shutil.which(program)]
    if missing or os.getuid() != 0:
        pytest.skip(
            f"NOT TESTED: a machine with systemd cannot be booted (root: {os.getuid() == 0}, missing: {missing})"
        )
    root = folder / "machine"
    root.mkdir()
    log = folder / "machine.log"
    seen = [f"--bind-ro={path}:{name}" for name, path in shared.items()]
    boot = ["unshare", "--mount", "bash", "-c", _BOOT, "boot", str(root), f"hubs-{os.getpid()}", *seen]
    with log.open("wb") as out:
        process = subprocess.Popen(boot, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    try:
        leader = wait_for(lambda: _leader(process, log), "the first process of the machine")
        assert isinstance(leader, int)
        running = Machine(leader)
        wait_for(lambda: _state(running) in _BOOTED, "booting the machine", 180)
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _state(running: Machine) -> str:
    return running.run("systemctl is-system-running").stdout.strip()


def _leader(process: subprocess.Popen[bytes], log: Path) -> int | None:
    """Return the id of the process that is number 1 inside; skip the test if the machine cannot be booted here."""
    if process.poll() is not None:
        pytest.skip(f"NOT TESTED: a machine with systemd does not boot here: {log.read_text()[-500:]}")
    children = [process.pid]
    for parent in children:
        path = Path(f"/proc/{parent}/task/{parent}/children")
        if path.exists():
            children += map(int, path.read_text().split())
    for child in children:
        path = Path(f"/proc/{child}/status")
        if path.exists() and "NSpid:" in (status := path.read_text()):
            numbers = status.partition("NSpid:")[2].partition("\n")[0].split()
            if len(numbers) > 1 and numbers[-1] == "1":
                return child
    return None
