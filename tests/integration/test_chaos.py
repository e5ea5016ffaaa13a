"""Random faults, each time on a seed of its own: a minute of them in the usual test run."""

import random
from collections.abc import Callable

import pytest

from tests.chaos.__main__ import run_round


@pytest.mark.parametrize("seconds", [60, pytest.param(240, marks=pytest.mark.slow)])
def test_random_faults_lose_nothing_and_leak_nothing(seconds: int, tell: Callable[[str], None]) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    tell(f"seed {seed}")
    result = run_round(seed, seconds)
    assert result.problems == [], f"python -m tests.chaos --seed {seed} --seconds {seconds}"
    assert result.faults
    assert (result.lost, result.doubled) == (0, 0)
    assert result.published > 0.8 * seconds
