"""A TCP proxy whose connections can be reset, or silently stop passing data, as behind a broken firewall."""

import contextlib
import socket
import struct
import threading
import time

from tests.services import HOST

#: Makes close() send a reset.
_LINGER = struct.pack("ii", 1, 0)


class Proxy:
    """Passes connections on to a local port; each direction of each connection has a thread."""

    def __init__(self, target: int) -> None:
        self.target = target
        #: While true, data and new connections are accepted, and nothing is passed on.
        self.swallows = False
        #: Seconds by which each piece of data is delayed.
        self.delay = 0.0
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server((HOST, 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """Reset all connections."""
        for connection in tuple(self._sockets):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening, and close all connections."""
        self._listener.close()
        self.reset()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.swallows:
                self._sockets.add(client)
                continue
            try:
                server = socket.create_connection((HOST, self.target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for connection in (client, server):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets.add(connection)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.delay:
                    time.sleep(self.delay)
                # What arrives meanwhile is lost, so the connection cannot go on afterwards.
                if self.swallows:
                    while self.swallows:
                        time.sleep(0.05)
                    break
                sink.sendall(data)
        for connection in (source, sink):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
            self._sockets.discard(connection)
