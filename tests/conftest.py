"""What holds for all tests: leftovers are found where they were left; tests of real processes get a second try."""

import gc
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from _pytest.nodes import Node
from xdist.scheduler import LoadScopeScheduling

from tests.templates import KINDS

#: Where tests run processes and browsers whose timing is the machine's.
REAL = tuple(Path(__file__).parent / name for name in ("browser", "integration"))
_FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of the database of unit tests."""
    parser.addoption(
        "--database", choices=KINDS, default=KINDS[0], help="database of the unit tests; PostgreSQL is started for them"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests of real processes last, and once more when they fail: how many did is in pytest's closing line."""
    items.sort(key=_is_real)
    for item in items:
        if _is_real(item):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Share out the files of unit tests among `-n` processes; one of them then runs all other tests, alone."""
    config.option.loadscopereorder = False
    return _Files(config, log)


class _Files(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return "real" if _is_below(Path(__file__).parent.parent / path) else path


def pytest_collection_finish() -> None:
    """Leave what was imported out of all later searches for leftovers, which makes them quick."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def leftovers() -> Iterator[None]:
    """Have what a module left open reported with the module's last test, not with any test that comes later."""
    yield
    gc.collect()


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Give a function by which a test has a line printed at the end of the run, from whichever process it is in."""
    return lambda line: record_property("told", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests told."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, line in report.user_properties:
            if name == "told" and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid}: {line}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test failed."""
    report = yield
    item.stash[_FAILED] = report.failed or item.stash.get(_FAILED, False)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """End the processes of a module in which a test failed: the second try, and the next test, get new ones."""
    try:
        if _is_real(item) and item.stash.get(_FAILED, False):
            item.stash[_FAILED] = False
            item.session._setupstate.teardown_exact(_Elsewhere(item))  # type: ignore[arg-type]
    finally:
        yield


class _Elsewhere:
    """Stands for a test of another module of the same package."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def listchain(self) -> list[Node]:
        chain = self._item.listchain()
        return chain[: next(place for place, node in enumerate(chain) if isinstance(node, pytest.Module))]


def _is_real(item: pytest.Item) -> bool:
    return _is_below(item.path)


def _is_below(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in REAL)
