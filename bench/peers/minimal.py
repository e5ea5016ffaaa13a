"""A minimal asyncio server of event streams: ``python -m bench.peers.minimal PORT PUBLISHING``.

Streams are opened with ``GET /a`` or ``/b``; on the other port comes a channel's letter, a length in four bytes, and an
event, again and again.
"""

import asyncio
import contextlib
import resource
import struct
import sys

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: hello\n\n"
listening: dict[str, set[asyncio.StreamWriter]] = {"a": set(), "b": set()}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a handshake and keep the connection."""
    request = await reader.readuntil(b"\r\n\r\n")
    writer.write(HEAD)
    listeners = listening[request[5:6].decode()]
    listeners.add(writer)
    with contextlib.suppress(ConnectionError):
        await reader.read()
    listeners.discard(writer)


async def publish(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Write what comes to all who listen."""
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            channel, size = struct.unpack("!cI", await reader.readexactly(5))
            data = await reader.readexactly(size)
            for writer in listening[channel.decode()]:
                writer.write(data)


async def main() -> None:
    """Serve on both ports for ever."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    streams = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=2048)
    publishing = await asyncio.start_server(publish, "127.0.0.1", int(sys.argv[2]), limit=1 << 20)
    async with streams, publishing:
        await streams.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
