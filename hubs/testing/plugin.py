"""The pytest fixture ``kit``: load it with ``pytest_plugins = ["hubs.testing.plugin"]`` in your ``conftest.py``."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from hubs.models import Widget as Row
from hubs.testing import reading
from hubs.testing.interests import check_interests
from hubs.testing.sandbox import STATES, Sandbox, sandbox
from hubs.widgets.base import Widget


@dataclass
class Kit:
    """A sandbox for each widget that is added."""

    boxes: dict[int, Sandbox] = field(default_factory=dict)
    opened: ExitStack = field(default_factory=ExitStack)

    def add(self, widget: type[Widget], **settings: Any) -> Row:
        """Install a widget and add it to a hub; its settings are validated as by its form."""
        box = self.opened.enter_context(sandbox([f"{widget.__module__}:{widget.__name__}"]))
        _demand(not box.registry.broken, f"the widget cannot be used: {box.registry.broken}")
        row = box.add(widget.name, **settings)
        self.boxes[id(row)] = box
        return row

    def html(self, row: Row) -> str:
        """Return the widget's current HTML; fail the test if it cannot be built."""
        fragment = self.boxes[id(row)].build(row)
        _demand(fragment.state == "live", f"{fragment.state}: {fragment.error}")
        return fragment.html

    def check(
        self, row: Row, live: Mapping[str, Any] | None = None, empty: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """Build the widget in every state and fail the test for accessibility problems; return the pages by state.

        ``live`` and ``empty`` are the return values of the cached functions in that state, by function name.
        """
        box = self.boxes[id(row)]
        check_interests(box.type(row.plugin), row)
        states = box.states(row, live, empty)
        pages, wrong = {}, []
        for state in STATES:
            fragment = states[state].fragment
            pages[state] = box.page(states[state], refreshing=state == "refreshing")
            wrong += [f"{state}: {problem}" for problem in reading.page_problems(pages[state])]
            if fragment is not None:
                wrong += [f"{state}: {problem}" for problem in reading.problems(fragment.html)]
            if state in ("failed", "needs-setup") and (fragment is None or fragment.state != state):
                wrong.append(f"{state}: the widget swallowed the error instead of raising it")
        for fragment in (states["live"].fragment, states["empty"].fragment):
            if fragment is not None and fragment.state != "live":
                wrong.append(f"live: {fragment.error}")
        _demand(not wrong, "\n".join(wrong))
        return pages


@pytest.fixture
def kit() -> Iterator[Kit]:
    """Provide hubs in memory on which a widget can be built in every state."""
    kit = Kit()
    with kit.opened:
        yield kit


def _demand(good: bool, problem: str) -> None:
    if not good:
        raise AssertionError(problem)
