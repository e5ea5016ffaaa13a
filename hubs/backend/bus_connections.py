"""Notices that a connection to fedmsg's publishers or relay was lost and is back.

ZeroMQ reconnects by itself and tells nobody. Messages that were sent meanwhile are lost on the bus, so they have to be
read from the history service.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from hubs.models import now

log = logging.getLogger(__name__)

#: Only these events of a socket are of interest: subscriptions are in place again after the handshake.
EVENTS = zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED
#: Milliseconds after which the thread looks whether it has to end.
TURN = 1000


class ConnectionMonitor:
    """Calls ``on_gap`` with a reason and the time of the loss each time that a lost connection is back."""

    def __init__(self, on_gap: Callable[[str, datetime], None]) -> None:
        self._on_gap = on_gap
        self._stopping = threading.Event()
        #: When each connection was lost, by address.
        self._lost: dict[str, datetime] = {}
        self._sockets: list[zmq.Socket[bytes]] = []
        self._thread = threading.Thread(target=self._run, name="bus-connections", daemon=True)

    def start(self, sockets: Iterable[zmq.Socket[bytes]]) -> None:
        """Watch the connections of sockets; call it in the thread that uses them."""
        self._sockets = [socket.get_monitor_socket(EVENTS) for socket in sockets]
        if self._sockets:  # a poller of none would return at once, again and again
            self._thread.start()

    def stop(self) -> None:
        """End the thread soon."""
        self._stopping.set()

    def _run(self) -> None:
        poller = zmq.Poller()
        for socket in self._sockets:
            poller.register(socket, zmq.POLLIN)
        with suppress(zmq.ContextTerminated):  # at the end of the process
            while not self._stopping.is_set():
                for socket, _ in poller.poll(TURN):
                    self._handle(recv_monitor_message(socket))
        for socket in self._sockets:
            socket.close(linger=0)

    def _handle(self, message: Any) -> None:
        address = message["endpoint"].decode(errors="replace")
        if message["event"] == zmq.EVENT_DISCONNECTED:
            self._lost.setdefault(address, now())
            log.warning("the connection to %s on the bus is lost", address)
        elif (since := self._lost.pop(address, None)) is not None:
            self._on_gap(f"no connection to {address} for {(now() - since).total_seconds():.0f} s", since)
