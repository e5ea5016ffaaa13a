"""Rules for all tests: their order, their distribution over processes, leaks, and reruns of tests of real processes."""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from _pytest.nodes import Node
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from hubs.models import database
from tests.fixtures import (
    FAILED,
    bus,
    database_url,
    memcached,
    postgresql,
    production,
    redis_port,
    shared_stack,
    template,
)
from tests.memory import use_memory
from tests.order import arrange, note_durations
from tests.templates import BOTH, KINDS

__all__ = [
    "bus",
    "database_url",
    "memcached",
    "postgresql",
    "production",
    "redis_port",
    "shared_stack",
    "template",
]

#: Seconds for connecting to a database, outside of tests.
CONNECT_TIMEOUT = database.CONNECT_TIMEOUT
# How soon a test connects says how busy the machine is, nothing else.
database.CONNECT_TIMEOUT = 15

# Modules are imported and tests collected for seconds, and nothing of that becomes garbage.
gc.set_threshold(50_000, 50, 50)

# How long an example takes says how busy the machine is, nothing else.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

#: Folders of tests that run processes and browsers, whose timing depends on the machine.
REAL = ("tests/attack/", "tests/browser/", "tests/integration/")
_FAILED = pytest.StashKey[bool]()
_MEMORY = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of the database of unit tests."""
    parser.addoption(
        "--database",
        choices=(*KINDS, BOTH),
        default=KINDS[0],
        help="database of the unit tests, or both for those of statements; PostgreSQL is started for them",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep temporary files in memory; the processes of `-n` do as the first one."""
    folder = use_memory()
    if folder is not None:
        config.stash[_MEMORY] = folder


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remove temporary files, unless something failed: then they help to find out why, until the next run."""
    folder = session.config.stash.get(_MEMORY, None)
    if folder is not None and exitstatus == pytest.ExitCode.OK:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the modules, and rerun a failed test of real processes once.

    The number of reruns is in pytest's closing line.
    """
    modules = Counter(_module(item) for item in items)
    real = {_module(item) for item in items if _is_real(item)}
    places = {module: place for place, module in enumerate(arrange(config, modules, real))}
    items.sort(key=lambda item: places[_module(item)])
    for item in items:
        if _is_real(item):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Distribute whole modules over the processes of `-n`, in the order of collection.

    Each process starts PostgreSQL, memcached, Redis and a browser of its own when its first test needs them.
    """
    config.option.loadscopereorder = False
    return _Modules(config, log)


class _Modules(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::", 1)[0]


def pytest_collection_finish() -> None:
    """Exclude everything imported so far from later garbage collections, which makes them fast."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def leftovers() -> Iterator[None]:
    """Report resources that a module left open with its last test, not with some later test."""
    yield
    gc.collect()
    gc.freeze()  # what is left belongs to the session, and later collections need not visit it


@pytest.fixture(autouse=True)
def unchanged_settings() -> Iterator[None]:
    """Fail a test after which the environment has other settings, which later tests in the process would depend on."""
    before = _settings()
    yield
    after = _settings()
    for name in after:
        del os.environ[name]
    os.environ.update(before)
    assert after == before


def _settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("HUBS_")}


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Return a function that prints a line at the end of the run, also from a worker process."""
    return lambda line: record_property("told", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the lines that tests passed to `tell`, and why tests ran again; keep how long modules took."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.write_sep("_", f"failed before its rerun: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)
    reports = [each for category in terminalreporter.stats.values() for each in category]
    note_durations(terminalreporter.config, [each for each in reports if isinstance(each, pytest.TestReport)])
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, line in report.user_properties:
            if name == "told" and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid}: {line}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record that a test failed, for its teardown."""
    report = yield
    item.stash[_FAILED] = report.failed or item.stash.get(_FAILED, False)
    if report.failed and (module := item.getparent(pytest.Module)) is not None:
        module.stash[FAILED] = True
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Stop the processes of a module after a failed test, so that the rerun and later tests start new ones."""
    try:
        if _is_real(item) and item.stash.get(_FAILED, False):
            item.stash[_FAILED] = False
            item.session._setupstate.teardown_exact(_Elsewhere(item))  # type: ignore[arg-type]
    finally:
        yield


class _Elsewhere:
    """Stand-in for a test of another module of the same package."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def listchain(self) -> list[Node]:
        chain = self._item.listchain()
        return chain[: next(place for place, node in enumerate(chain) if isinstance(node, pytest.Module))]


def _module(item: pytest.Item) -> str:
    return item.nodeid.split("::", 1)[0]


def _is_real(item: pytest.Item) -> bool:
    return item.nodeid.startswith(REAL)
