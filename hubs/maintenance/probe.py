"""Waits until the relay accepts connections: ``python -m hubs.maintenance.probe``, for the unit of fedmsg-relay.

fedmsg-relay never notifies systemd. It imports nothing of Hubs, so that it costs no time.
"""

import os
import socket
import sys
import time
from urllib.parse import urlsplit

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


def main() -> None:
    """Exit with 1 and a sentence if the relay does not listen."""
    address = os.environ.get("HUBS_BUS_INBOUND", "tcp://127.0.0.1:2003")
    if not wait(address):
        sys.exit(f"fedmsg-relay does not listen at {address}.")


if __name__ == "__main__":
    main()
