"""Which readers hear which channels; used in the loop's thread, but for the two methods that say otherwise."""

from collections import deque

from hubs.backend.eventserver.client import SSEClient


class ChannelReaders:
    """The readers of each channel. A channel without readers has no entry."""

    def __init__(self) -> None:
        #: By descriptor. A channel's only reader stands here itself: each person has a channel of their own, and a
        #: dictionary of one entry would be a fifth of the memory that the person's stream takes.
        self._readers: dict[str, SSEClient | dict[int, SSEClient]] = {}
        self._unannounced: deque[str] = deque()

    def subscribe(self, reader: SSEClient) -> None:
        """Add a reader to all its channels."""
        for channel in reader.channels:
            readers = self._readers.get(channel)
            if readers is None:
                self._readers[channel] = reader
                self._unannounced.append(channel)
            elif isinstance(readers, dict):
                readers[reader.fd] = reader
            elif readers.fd == reader.fd:
                self._readers[channel] = reader
            else:
                self._readers[channel] = {readers.fd: readers, reader.fd: reader}

    def unsubscribe(self, reader: SSEClient) -> None:
        """Remove a reader from all its channels."""
        for channel in reader.channels:
            readers = self._readers.get(channel)
            if readers is reader:
                del self._readers[channel]
            # The kernel reuses descriptors: a new reader may have this one by now.
            elif isinstance(readers, dict) and readers.get(reader.fd) is reader:
                del readers[reader.fd]
                if len(readers) == 1:
                    self._readers[channel] = next(iter(readers.values()))

    def readers(self, channel: str) -> tuple[SSEClient, ...]:
        """Return the readers of a channel, as a copy: sending to one may close it."""
        readers = self._readers.get(channel)
        if readers is None:
            return ()
        return tuple(readers.values()) if isinstance(readers, dict) else (readers,)

    def count(self, channel: str) -> int:
        """Return the number of readers of a channel; from any thread."""
        readers = self._readers.get(channel, {})
        return len(readers) if isinstance(readers, dict) else 1

    def names(self) -> list[str]:
        """Return the channels that have readers; from any thread."""
        return list(self._readers)  # atomic in CPython: no other thread can change the dict meanwhile

    def take_new(self) -> list[str]:
        """Return the channels that got their first reader since the last call; from one thread only."""
        return [self._unannounced.popleft() for _ in range(len(self._unannounced))]
