"""Waits until the relay accepts connections: ``python -m hubs.maintenance.probe``, for the unit of fedmsg-relay.

fedmsg-relay never notifies systemd. With an address, ``python -m hubs.maintenance.probe http://127.0.0.1:8000/livez``,
it asks once whether a process of a container answers. It imports nothing of Hubs, so that it costs no time.
"""

import os
import socket
import sys
import time
from urllib.parse import urlsplit
from urllib.request import urlopen

PATIENCE = 20.0


def wait(address: str, patience: float = PATIENCE) -> bool:
    """Return whether something accepts connections at ``tcp://host:port`` within ``patience`` seconds."""
    parts, end = urlsplit(address), time.monotonic() + patience
    while time.monotonic() < end:
        try:
            with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=1):
                return True
        except OSError:
            time.sleep(0.1)
    return False


def answers(url: str) -> bool:
    """Return whether a process answers at ``url`` with success."""
    try:
        with urlopen(url, timeout=3) as answer:  # noqa: S310 - the operator's own address
            return bool(answer.status == 200)
    except OSError:
        return False


def main() -> None:
    """Exit with 1 and a sentence if the relay does not listen, or the process at the given address does not answer."""
    if sys.argv[1:]:
        sys.exit(None if answers(sys.argv[1]) else f"Nothing answers at {sys.argv[1]}.")
    address = os.environ.get("HUBS_BUS_INBOUND", "tcp://127.0.0.1:2003")
    if not wait(address):
        sys.exit(f"fedmsg-relay does not listen at {address}.")


if __name__ == "__main__":
    main()
