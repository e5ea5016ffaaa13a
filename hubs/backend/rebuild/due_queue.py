"""The queue of widgets by the time when they are due, with interactive changes first."""

import heapq


class DueQueue:
    """Where more widgets are due than can be built, those that a person changed come before all others.

    A heap cannot remove entries: a widget that was moved forward leaves its old one, which callers ignore.
    """

    def __init__(self) -> None:
        #: Heaps of due times and widgets: of interactive changes, and of all others.
        self._heaps: tuple[list[tuple[float, int]], ...] = ([], [])

    def push(self, due: float, widget_id: int, *, is_first: bool) -> None:
        """Add a widget that is due at a time; ``is_first`` marks interactive changes."""
        heapq.heappush(self._heaps[0 if is_first else 1], (due, widget_id))

    def pop(self, now: float) -> tuple[float, int] | None:
        """Remove and return the due time and widget that come first; None if nothing is due."""
        for heap in self._heaps:
            if heap and heap[0][0] <= now:
                return heapq.heappop(heap)
        return None

    def pause(self, now: float) -> float | None:
        """Return the seconds until the next widget is due; None if none is queued."""
        heads = [heap[0][0] for heap in self._heaps if heap]
        return min(heads) - now if heads else None
