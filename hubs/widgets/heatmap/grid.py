"""The geometry of the calendar: a column per week, a row per weekday, five levels."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from babel.dates import get_day_names

from hubs import i18n
from hubs.i18n import _

#: Units of the drawing: the distance of two days, the size of one, and the room for labels.
PITCH, SIZE, LEFT, TOP = 13, 11, 30, 18
LEVELS = 4


@dataclass(frozen=True, slots=True)
class Day:
    """One day in the drawing; ``level`` is 0 for nothing, up to 4 for the busiest."""

    x: int
    y: int
    level: int
    tip: str


class Grid:
    """Days, the first of which is a Monday, with their number of messages."""

    size = SIZE

    def __init__(self, counts: Mapping[date, int]) -> None:
        self.counts = counts
        self.bounds = quantiles([count for count in counts.values() if count])

    @property
    def total(self) -> int:
        """All messages."""
        return sum(self.counts.values())

    @property
    def width(self) -> int:
        """Width of the drawing."""
        return LEFT + PITCH * -(-len(self.counts) // 7)

    @property
    def height(self) -> int:
        """Height of the drawing."""
        return TOP + PITCH * 7

    def days(self) -> Iterator[Day]:
        """Yield the days."""
        for index, (day, count) in enumerate(self.counts.items()):
            level = bisect_left(self.bounds, count) + 1 if count else 0
            tip = f"{day.isoformat()}: {count or _('nothing')}"
            yield Day(LEFT + PITCH * (index // 7), TOP + PITCH * (index % 7), min(level, LEVELS), tip)

    def months(self) -> list[tuple[date, int]]:
        """Return (first day seen, x) of each month that has room for its label."""
        labels: list[tuple[date, int]] = []
        last = None
        for index, day in enumerate(self.counts):
            if index % 7 == 0 and (day.year, day.month) != last:
                last = (day.year, day.month)
                x = LEFT + PITCH * (index // 7)
                if labels and x - labels[-1][1] < 3 * PITCH:
                    labels.pop()
                labels.append((day, x))
        return labels

    def weekdays(self) -> list[tuple[str, int]]:
        """Return (name, y) of the weekdays that are labelled."""
        names = get_day_names("abbreviated", locale=i18n.current())
        return [(names[row], TOP + PITCH * row + SIZE - 2) for row in (0, 2, 4)]

    def by_month(self) -> list[tuple[str, int]]:
        """Return the number of messages of each month, oldest first."""
        months: Counter[str] = Counter()
        for day, count in self.counts.items():
            months[day.strftime("%Y-%m")] += count
        return sorted(months.items())

    def busiest(self) -> tuple[date, int]:
        """Return the day with most messages."""
        return max(self.counts.items(), key=lambda item: item[1])


def quantiles(counts: list[int]) -> list[int]:
    """Return the upper bounds of the lower three of four levels."""
    ordered = sorted(counts)
    return [ordered[len(ordered) * share // LEVELS] for share in range(1, LEVELS)] if ordered else []
