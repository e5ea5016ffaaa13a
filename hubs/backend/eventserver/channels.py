"""Which readers hear which channels; used in the loop's thread, but for the two methods that say otherwise."""

from collections import deque

from hubs.backend.eventserver.client import SSEClient


class ChannelReaders:
    """The readers of each channel. A channel without readers has no entry."""

    def __init__(self) -> None:
        self._readers: dict[str, dict[int, SSEClient]] = {}
        self._unannounced: deque[str] = deque()

    def subscribe(self, reader: SSEClient) -> None:
        """Add a reader to all its channels."""
        for channel in reader.channels:
            readers = self._readers.get(channel)
            if readers is None:
                readers = self._readers[channel] = {}
                self._unannounced.append(channel)
            readers[reader.fd] = reader

    def unsubscribe(self, reader: SSEClient) -> None:
        """Remove a reader from all its channels."""
        for channel in reader.channels:
            readers = self._readers.get(channel, {})
            # The kernel reuses descriptors: a new reader may have this one by now.
            if readers.get(reader.fd) is reader:
                del readers[reader.fd]
            if not readers:
                self._readers.pop(channel, None)

    def readers(self, channel: str) -> tuple[SSEClient, ...]:
        """Return the readers of a channel, as a copy: sending to one may close it."""
        return tuple(self._readers.get(channel, {}).values())

    def count(self, channel: str) -> int:
        """Return the number of readers of a channel; from any thread."""
        return len(self._readers.get(channel, ()))

    def names(self) -> list[str]:
        """Return the channels that have readers; from any thread."""
        return list(self._readers)  # atomic in CPython: no other thread can change the dict meanwhile

    def take_new(self) -> list[str]:
        """Return the channels that got their first reader since the last call; from one thread only."""
        return [self._unannounced.popleft() for _ in range(len(self._unannounced))]
