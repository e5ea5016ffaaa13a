"""The order of modules: the longest first, and those with real processes spread evenly among the others.

Tests of real processes wait for much of their time, and the others use the processor all the time; side by side they
keep both cores busy. With the longest first, no process works alone on one at the end. Each run notes how long its
modules took, in pytest's cache; the next run uses that.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import pytest

_KEY = "hubs/seconds"
#: Share of the known duration that a shorter run leaves: it may have been a part of the module.
_KEPT = 0.8
#: Seconds of modules that take much longer than their number of tests suggests, for the first run on a machine.
_LONG = {
    "tests/integration/test_chaos.py": 100.0,
    "tests/integration/test_up.py": 65.0,
    "tests/browser/test_gallery.py": 50.0,
    "tests/attack/test_revocation.py": 45.0,
    "tests/integration/test_access_property.py": 42.0,
    "tests/attack/test_stale_reads.py": 37.0,
}
#: Seconds per test of a module that is not known: of real processes, and otherwise.
_REAL, _OTHER = 3.0, 0.2


def arrange(config: pytest.Config, modules: Mapping[str, int], real: set[str]) -> list[str]:
    """Return modules in the order in which they should run.

    :param modules: the number of tests of each module, by its path below the root.
    :param real: those with real processes.
    """
    known = _LONG | _known(config)
    guess = {name: count * (_REAL if name in real else _OTHER) for name, count in modules.items()}
    seconds = {name: float(known.get(name, guess[name])) for name in modules}
    places: dict[str, float] = {}
    for group in (real, modules.keys() - real):
        total, passed = sum(seconds[name] for name in group), 0.0
        for name in sorted(group, key=lambda name: (-seconds[name], name)):
            places[name] = passed / total if total else 0.0
            passed += seconds[name]
    return sorted(modules, key=lambda name: (places[name], name not in real, name))


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
