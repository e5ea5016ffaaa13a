"""Retries of failed builds: exponential back-off with full jitter, after any Retry-After of the service."""

import time

import pytest
from sqlalchemy.orm import Session

from hubs.errors import UpstreamUnreachable
from hubs.fragments.store import RETRY, FragmentStore
from hubs.models import Hub


@pytest.mark.parametrize(
    ("error", "earliest"),
    [
        (RuntimeError("not today"), 0.0),
        (UpstreamUnreachable("Bodhi is not responding."), 0.0),
        (UpstreamUnreachable("Bodhi is left alone for a while.", retry_after=300.0), 300.0),
    ],
)
def test_the_retry_is_at_a_random_time_up_to_a_growing_bound(
    fragments: FragmentStore, session: Session, team: Hub, error: Exception, earliest: float
) -> None:
    row = team.widgets[0]
    for failures in range(1, 16):
        start = time.time()
        fragment = fragments.give_up(row, error)
        assert fragment.failures == failures
        bound = earliest + min(RETRY[0] * 2.0**failures, RETRY[1])
        assert start + earliest <= fragment.due <= time.time() + bound


def test_widgets_that_failed_together_are_retried_apart(fragments: FragmentStore, session: Session, team: Hub) -> None:
    row, error = team.widgets[0], RuntimeError("not today")
    for _ in range(12):
        fragments.give_up(row, error)
    waits = sorted(fragments.give_up(row, error).due - time.time() for _ in range(40))
    # Of 40 random times, fewer than four are in one half of the range once in 50 million runs.
    assert waits[3] < 0.5 * RETRY[1]
    assert waits[-4] > 0.5 * RETRY[1]


def test_a_service_failure_keeps_the_last_good_content_and_shows_the_error(
    fragments: FragmentStore, session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = team.widgets[0]
    good = fragments.build(row)

    def down(*arguments: object) -> str:
        raise UpstreamUnreachable("Bodhi is left alone for a while.", retry_after=60.0)

    with monkeypatch.context() as patched:
        patched.setattr(fragments, "_render", down)
        fragment = fragments.build(row)
    assert (fragment.html, fragment.state, fragment.built_at) == (good.html, "stale", good.built_at)
    assert fragment.error.endswith("Bodhi is left alone for a while.")
    assert fragment.due >= time.time() + 59
    back = fragments.build(row)
    assert (back.state, back.failures, back.due, back.error) == ("live", 0, 0.0, "")
