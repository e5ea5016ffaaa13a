"""Configuration of gunicorn under systemd: the unit is active once a worker has loaded the application.

gunicorn itself reports READY when its arbiter runs, before any worker has imported anything, so that a unit whose
workers all crash looked active. Use it as ``gunicorn --config python:hubs.maintenance.gunicorn_hooks``, in a unit with
``NotifyAccess=all``, because it is a worker that reports.
"""

import os
import socket
from typing import Any

from hubs import logs

#: Where the notification socket is kept from gunicorn.
_KEPT = "GUNICORN_HOOKS_NOTIFY_SOCKET"


def on_starting(server: Any) -> None:
    """Keep the notification socket from the arbiter, which would report too early; give it our format of logs."""
    # From the environment alone: loading the settings here would keep old code in memory after a reload.
    logs.configure(os.environ.get("HUBS_LOG", logs.TEXT))
    address = os.environ.pop("NOTIFY_SOCKET", "")
    if address:
        os.environ[_KEPT] = address


def post_worker_init(worker: Any) -> None:
    """Report READY: this worker has loaded the application. Later workers repeat it, which changes nothing."""
    address = os.environ.get(_KEPT, "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # systemd's notation for the abstract namespace
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.sendto(b"READY=1\nSTATUS=A worker has loaded the application", address)
    except OSError as error:
        worker.log.warning("systemd could not be notified: %s", error)
