"""Notifications to systemd never hold up the daemon."""

import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from hubs.backend.sdnotify import notify


def test_a_receiver_that_reads_nothing_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(BlockingIOError):
            sender.setblocking(False)
            while True:  # until the kernel keeps no more
                sender.sendto(b"WATCHDOG=1", str(tmp_path / "notify"))
        began = time.monotonic()
        notify("WATCHDOG=1")
        assert time.monotonic() - began < 10
        assert receiver.recv(100) == b"WATCHDOG=1"
        notify("READY=1")
        states = [receiver.recv(100)]
        while states[-1] != b"READY=1":
            states.append(receiver.recv(100))
