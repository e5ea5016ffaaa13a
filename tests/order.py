"""The order of modules with real processes: the longest first, so that no process works alone on one at the end.

Each run notes how long its modules took, in pytest's cache; the next run sorts by that. A module that is not known yet
starts before the others.
"""

from collections import Counter
from collections.abc import Iterable

import pytest

_KEY = "hubs/seconds"
#: Share of the known duration that a shorter run leaves: it may have been a part of the module.
_KEPT = 0.8


def duration_of(config: pytest.Config, module: str) -> float:
    """Return the seconds that a module, given by its path below the root, takes by what is known of earlier runs."""
    return float(_known(config).get(module, float("inf")))


def note_durations(config: pytest.Config, reports: Iterable[pytest.TestReport]) -> None:
    """Keep how long modules took, fixtures included, for the next run."""
    known, seconds = _known(config), Counter[str]()
    for report in reports:
        seconds[report.nodeid.split("::", 1)[0]] += report.duration  # type: ignore[assignment]
    known.update({name: round(max(taken, _KEPT * known.get(name, 0)), 1) for name, taken in seconds.items()})
    if getattr(config, "cache", None) is not None:
        config.cache.set(_KEY, known)


def _known(config: pytest.Config) -> dict[str, float]:
    cache = getattr(config, "cache", None)  # missing with `-p no:cacheprovider`
    return cache.get(_KEY, {}) if cache is not None else {}
