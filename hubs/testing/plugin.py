"""The pytest fixture ``kit``: load it with ``pytest_plugins = ["hubs.testing.plugin"]`` in your ``conftest.py``."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from hubs.models import Widget as Row
from hubs.testing import reading
from hubs.testing.sandbox import STATES, Sandbox, sandbox
from hubs.widgets.base import Widget


@dataclass
class Kit:
    """A sandbox for each widget that is added."""

    boxes: dict[int, Sandbox] = field(default_factory=dict)
    opened: ExitStack = field(default_factory=ExitStack)

    def add(self, widget: type[Widget], **settings: Any) -> Row:
        """Install a widget and put it on a hub; its settings are checked as in its form."""
        box = self.opened.enter_context(sandbox([f"{widget.__module__}:{widget.__name__}"]))
        _demand(not box.registry.broken, f"the widget cannot be used: {box.registry.broken}")
        row = box.add(widget.name, **settings)
        self.boxes[id(row)] = box
        return row

    def html(self, row: Row) -> str:
        """Return what the widget shows now; fail when it cannot be built."""
        made = self.boxes[id(row)].build(row)
        _demand(made.state == "live", f"{made.state}: {made.error}")
        return made.html

    def check(
        self, row: Row, live: Mapping[str, Any] | None = None, empty: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """Show the widget in every state, and fail for what would be in the way of people; return the pages by state.

        ``live`` and ``empty`` give what each cached function returns in that state, by its name.
        """
        box = self.boxes[id(row)]
        found = box.states(row, live, empty)
        pages, wrong = {}, []
        for state in STATES:
            fragment = found[state].fragment
            pages[state] = box.page(found[state], refreshing=state == "refreshing")
            wrong += [f"{state}: {problem}" for problem in reading.page_problems(pages[state])]
            if fragment is not None:
                wrong += [f"{state}: {problem}" for problem in reading.problems(fragment.html)]
            if state in ("failed", "needs-setup") and (fragment is None or fragment.state != state):
                wrong.append(f"{state}: the widget swallowed the error instead of raising it")
        for made in (found["live"].fragment, found["empty"].fragment):
            if made is not None and made.state != "live":
                wrong.append(f"live: {made.error}")
        _demand(not wrong, "\n".join(wrong))
        return pages


@pytest.fixture
def kit() -> Iterator[Kit]:
    """Give hubs in memory on which your widget can be put, in every state."""
    found = Kit()
    with found.opened:
        yield found


def _demand(good: bool, problem: str) -> None:
    if not good:
        raise AssertionError(problem)
