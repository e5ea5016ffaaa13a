"""Notifications to systemd: one datagram each; without systemd, nothing is sent."""

import logging
import os
import socket

log = logging.getLogger(__name__)

#: Seconds for which a notification may wait. The kernel keeps ten that nobody reads; a further one would stop the
#: thread that notifies, which is the one that reads the bus.
PATIENCE = 0.1


def notify(state: str) -> None:
    """Send ``READY=1``, ``STOPPING=1``, ``WATCHDOG=1`` or ``STATUS=…`` to the socket in ``NOTIFY_SOCKET``."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # systemd's notation for the abstract namespace
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.settimeout(PATIENCE)
            out.sendto(state.encode(), address)
    except OSError as error:
        log.warning("systemd could not be notified of %s: %s", state, error)
