"""The geometry of a stacked bar chart; colours are classes, so that light and dark have their own."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hubs.i18n import _

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 220, 34, 8, 24
#: Width of a digit on a narrow page, where what is written is twice as large.
DIGIT = 13


@dataclass(frozen=True, slots=True)
class Bar:
    """One coloured part of one week's bar, in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float
    series: int
    tip: str


class Chart:
    """Weeks by category: bars, grid lines, labels and totals."""

    width, height = WIDTH, HEIGHT
    baseline = HEIGHT - BOTTOM

    def __init__(self, weeks: Mapping[date, Counter[str]], series: Sequence[str]) -> None:
        self.weeks, self.series = weeks, series
        most = max((counts.total() for counts in weeks.values()), default=0)
        self.step = nice_step(most)
        self.top = max(self.step, -(-most // self.step) * self.step)
        self.left = max(LEFT, DIGIT * len(str(self.top)) + 6)

    def totals(self) -> list[tuple[str, int]]:
        """Return the number of messages of each series."""
        return [(name, sum(counts[name] for counts in self.weeks.values())) for name in self.series]

    def grid(self) -> list[tuple[int, float]]:
        """Return (value, y) of each grid line, the lowest first."""
        return [(value, self._y(value)) for value in range(0, self.top + 1, self.step)]

    def labels(self) -> list[tuple[date, float]]:
        """Return (Monday, x) of the weeks that are labelled: as many as fit."""
        every = -(-len(self.weeks) // 8)
        return [(week, self._x(index)) for index, week in enumerate(self.weeks) if index % every == 0]

    def bars(self) -> Iterator[Bar]:
        """Yield the parts of all bars."""
        slot = (WIDTH - self.left) / max(1, len(self.weeks))
        for index, (week, counts) in enumerate(self.weeks.items()):
            below = 0
            for number, name in enumerate(self.series):
                if count := counts[name]:
                    y, bottom = self._y(below + count), self._y(below)
                    values = {"name": _(name), "count": count, "week": week.isoformat()}
                    tip = _("%(name)s: %(count)s in the week of %(week)s") % values
                    x = round(self.left + slot * (index + 0.14), 1)
                    yield Bar(x, y, round(slot * 0.72, 1), round(bottom - y, 1), number, tip)
                    below += count

    def _x(self, index: int) -> float:
        return round(self.left + (WIDTH - self.left) / max(1, len(self.weeks)) * (index + 0.5), 1)

    def _y(self, value: float) -> float:
        return round(self.baseline - (self.baseline - TOP) * value / self.top, 1)


def nice_step(most: int, lines: int = 4) -> int:
    """Return a round distance between grid lines: 1, 2 or 5 times a power of ten, for at most ``lines`` + 1 lines."""
    step, factors = 1, (2, 5, 10)
    base = 1
    while step * lines < most:
        for factor in factors:
            step = base * factor
            if step * lines >= most:
                break
        base *= 10
    return step
