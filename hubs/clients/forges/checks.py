"""Checks of a branch by continuous integration: the common result of the clients of all forges."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

#: The states of a check, and of all checks of a commit.
FAILED, RUNNING, PASSED, SKIPPED = "failed", "running", "passed", "skipped"
_BY_NAME = {
    **dict.fromkeys(("success", "neutral", "warning"), PASSED),
    **dict.fromkeys(("skipped", "stale", "cancelled", "canceled", "canceling", "manual"), SKIPPED),
    **dict.fromkeys(("failure", "failed", "error", "timed_out", "action_required", "startup_failure"), FAILED),
}


@dataclass(frozen=True)
class Check:
    """One check: its state, and when that last changed."""

    name: str
    state: str
    url: str
    when: datetime


@dataclass(frozen=True)
class Checks:
    """The checks of the newest commit of a branch for which there are any, failed ones first."""

    commit: str
    items: tuple[Check, ...]

    @property
    def state(self) -> str:
        """The state of all together; empty if there are none."""
        states = {check.state for check in self.items}
        return next((state for state in (FAILED, RUNNING, PASSED, SKIPPED) if state in states), "")


def state_of(name: str) -> str:
    """Return the state that a forge calls ``name``; one that is unknown counts as running, as new ones often do."""
    return _BY_NAME.get(name.lower(), RUNNING)


def checked(commit: str, checks: Iterable[Check]) -> Checks:
    """Return the checks of a commit, failed ones first, then running ones, each by name."""
    order = (FAILED, RUNNING, PASSED, SKIPPED)
    return Checks(commit, tuple(sorted(checks, key=lambda check: (order.index(check.state), check.name))))
