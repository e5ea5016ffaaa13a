"""Two minutes of random faults, each on its own seed, as a part of the usual test run."""

import random
from collections.abc import Callable

from tests.chaos.__main__ import run_round


def test_random_faults_lose_nothing_and_leak_nothing(tell: Callable[[str], None]) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    tell(f"seed {seed}")
    result = run_round(seed, 120)
    assert result.problems == [], f"python -m tests.chaos --seed {seed}"
    assert result.faults
    assert (result.lost, result.doubled) == (0, 0)
    assert result.published > 100
