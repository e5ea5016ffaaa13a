"""Hosts for tests of several machines: network namespaces on a bridge, or addresses where those are not allowed."""

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: The network for benchmarks between devices (RFC 2544), which nobody else uses.
_NETWORK = "198.18"


@dataclass(frozen=True)
class Host:
    """One host: its address, and what its commands begin with."""

    address: str
    prefix: tuple[str, ...] = ()

    def argv(self, *command: str) -> list[str]:
        """Return a command as it is run on this host."""
        return [*self.prefix, *command]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def namespaces_allowed() -> bool:
    """Return whether this process may create network namespaces and a bridge between them."""
    name = f"hubs-try-{secrets.token_hex(3)}"
    if os.getuid() != 0 or shutil.which("ip") is None:
        return False
    try:
        _ip("netns", "add", name)
        _ip("netns", "exec", name, "true")
        _ip("-n", name, "link", "add", "bridge0", "type", "bridge")
    except subprocess.CalledProcessError:
        return False
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    return True


@contextlib.contextmanager
def separate(names: Sequence[str]) -> Iterator[tuple[Host, dict[str, Host]]]:
    """Give this host with an address that the others reach, and one network namespace for each name."""
    tag, net = secrets.token_hex(2), f"{_NETWORK}.{secrets.randbelow(254) + 1}"
    bridge, spaces = f"hubs{tag}", {name: f"hubs-{tag}-{name}" for name in names}
    with contextlib.ExitStack() as exits:
        _ip("link", "add", bridge, "type", "bridge")
        exits.callback(subprocess.run, ["ip", "link", "del", bridge], check=False)
        _ip("addr", "add", f"{net}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        hosts = {}
        for number, (name, space) in enumerate(spaces.items(), start=2):
            cable = f"{bridge}-{number}"
            _ip("netns", "add", space)
            exits.callback(subprocess.run, ["ip", "netns", "del", space], check=False)
            _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
            exits.callback(subprocess.run, ["ip", "link", "del", cable], check=False)
            _ip("link", "set", cable, "master", bridge, "up")
            _ip("-n", space, "addr", "add", f"{net}.{number}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", space, "link", "set", device, "up")
            hosts[name] = Host(f"{net}.{number}", ("ip", "netns", "exec", space))
        yield Host(f"{net}.1"), hosts


@contextlib.contextmanager
def addresses(names: Sequence[str]) -> Iterator[tuple[Host, dict[str, Host]]]:
    """Give loopback addresses in place of hosts: processes are apart, networks are not."""
    net = f"127.{secrets.randbelow(200) + 20}.0"
    yield Host(f"{net}.1"), {name: Host(f"{net}.{number}") for number, name in enumerate(names, start=2)}
