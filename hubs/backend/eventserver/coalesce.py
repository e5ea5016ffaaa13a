"""Events that are sent together: what each reader gets of them is joined once, for all who hear the same channels."""

import itertools

#: Place in the batch, number, payload.
_Sent = tuple[int, int, bytes]


class CoalescedEvents:
    """What came on some channels, in its order, and all of it in one piece."""

    __slots__ = ("events", "joined")

    def __init__(self, runs: list[list[_Sent]]) -> None:
        sent = sorted(itertools.chain.from_iterable(runs)) if len(runs) > 1 else runs[0]
        self.events = [(number, payload) for _, number, payload in sent]
        self.joined = b"".join(payload for _, payload in self.events)


class EventBatch:
    """Events as ``(channel, number, payload)``, oldest first, by channel."""

    def __init__(self, events: list[tuple[str, int, bytes]]) -> None:
        self.channels: dict[str, list[_Sent]] = {}
        for place, (channel, number, payload) in enumerate(events):
            self.channels.setdefault(channel, []).append((place, number, payload))
        self._runs: dict[tuple[str, ...], CoalescedEvents] = {}

    def run(self, channel: str, heard: tuple[str, ...]) -> CoalescedEvents | None:
        """Return what a reader of the channels ``heard`` gets, at the first of them; None at the others."""
        present: tuple[str, ...] = (channel,)
        if len(self.channels) > 1 and len(heard) > 1:
            present = tuple(one for one in heard if one in self.channels)
            if present[0] != channel:
                return None
        found = self._runs.get(present)
        if found is None:
            found = self._runs[present] = CoalescedEvents([self.channels[one] for one in present])
        return found
