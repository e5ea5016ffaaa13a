"""Counts durations in buckets."""

from bisect import bisect_left

#: Upper bounds of the buckets in seconds; a last bucket holds everything above.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Histogram:
    """Durations in seconds: how many fell into each bucket, and their sum.

    Without a lock, since it is used where every microsecond counts: threads that observe at the same instant may lose
    one of the observations.
    """

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count a duration."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
