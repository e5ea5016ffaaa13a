"""Draws a series of counts as the paths of a small SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

#: Room above and below the line, in units of the drawing, for its stroke.
_MARGIN = 2


@dataclass(frozen=True)
class Sparkline:
    """A drawing of ``width`` by ``height`` units: a line, and the area below it."""

    width: int
    height: int
    line: str
    area: str


def draw(counts: Sequence[int], width: int = 84, height: int = 24) -> Sparkline:
    """Return the drawing of ``counts``, oldest first; a straight line at the foot if there is nothing to show."""
    values = list(counts) if len(counts) > 1 else [*counts, *counts, 0, 0][:2]
    highest = max(*values, 1)
    step, room = width / (len(values) - 1), height - 2 * _MARGIN
    points = [
        f"{number * step:.1f} {height - _MARGIN - room * max(value, 0) / highest:.1f}"
        for number, value in enumerate(values)
    ]
    line = "M" + " L".join(points)
    return Sparkline(width, height, line, f"{line} L{width} {height} L0 {height}Z")
