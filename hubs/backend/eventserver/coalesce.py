"""Events that are sent together: joined once for all readers of the same channels."""

import itertools

#: Position in the batch, number, payload.
_Entry = tuple[int, int, bytes]


class CoalescedEvents:
    """The events of some channels in their order, and all their bytes joined."""

    __slots__ = ("events", "joined")

    def __init__(self, by_channel: list[list[_Entry]]) -> None:
        entries = sorted(itertools.chain.from_iterable(by_channel)) if len(by_channel) > 1 else by_channel[0]
        self.events = [(number, payload) for _, number, payload in entries]
        self.joined = b"".join(payload for _, payload in self.events)


class EventBatch:
    """Events as ``(channel, number, payload)``, oldest first, by channel."""

    def __init__(self, events: list[tuple[str, int, bytes]]) -> None:
        self.channels: dict[str, list[_Entry]] = {}
        for position, (channel, number, payload) in enumerate(events):
            self.channels.setdefault(channel, []).append((position, number, payload))
        self._coalesced: dict[tuple[str, ...], CoalescedEvents] = {}

    def events_for(self, channel: str, subscribed: tuple[str, ...]) -> CoalescedEvents | None:
        """Return the events for a reader of the channels ``subscribed``; None unless ``channel`` is the first of them.

        So a caller that goes through all channels serves each reader once.
        """
        present: tuple[str, ...] = (channel,)
        if len(self.channels) > 1 and len(subscribed) > 1:
            present = tuple(name for name in subscribed if name in self.channels)
            if present[0] != channel:
                return None
        coalesced = self._coalesced.get(present)
        if coalesced is None:
            coalesced = self._coalesced[present] = CoalescedEvents([self.channels[name] for name in present])
        return coalesced
