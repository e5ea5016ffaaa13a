"""What builds widgets for the scheduler: this process, or workers."""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol


class BuildBackend(Protocol):
    """Builds widgets; `build` and `give_up` return the seconds until another build is needed, or None."""

    counts: Counter[str]

    def is_quick(self, widget_id: int) -> bool:
        """Return whether building the widget needs no external service."""

    def build(self, widget_id: int, stale: Iterable[int]) -> float | None:
        """Build or enqueue a widget."""

    def give_up(self, widget_id: int) -> float | None:
        """Handle a build that timed out."""

    def unseen(self, widget_id: int) -> int | None:
        """Return the hub of a widget that nobody had open when it was last built; None if somebody had."""
