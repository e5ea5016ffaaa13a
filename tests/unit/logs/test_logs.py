"""One line per event, what it belongs to, and at most one warning per minute for one cause."""

import json
import logging
import logging.config
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hubs import logs
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.logs import repeats, setup

log = logging.getLogger("tests.logs")


@pytest.fixture
def untouched() -> Iterator[None]:
    """Restore the handlers and levels that a test changes."""
    root = logging.getLogger()
    names = [*setup._LEVELS, *setup._OWN_HANDLERS]
    before = root.handlers[:], root.level, {name: logging.getLogger(name).level for name in names}
    yield
    root.handlers[:], root.level = before[0], before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)


def _fail() -> None:
    try:
        {}["otters"]
    except KeyError:
        log.exception("widget %d cannot be built:\nthe second line", 7)


@pytest.fixture
def lines(untouched: None, capsys: pytest.CaptureFixture[str]) -> Any:
    def written(kind: str) -> list[str]:
        logs.configure(kind)
        capsys.readouterr()
        with logs.bound(request_id="abcdef0123", widget=7, nothing=""):
            log.info("one %s", "event")
            _fail()
        log.info("outside")
        return capsys.readouterr().err.splitlines()

    return written


def test_text_is_one_line_per_event_with_fields_and_traceback(lines: Any) -> None:
    first, second, third = lines("text")
    assert re.fullmatch(r"[\d-]+ [\d:,]+ INFO tests.logs: one event \[request_id=abcdef0123 widget=7\]", first)
    assert "widget 7 cannot be built: | the second line [request_id=abcdef0123 widget=7] | Traceback: " in second
    assert re.search(r"unit/logs/test_logs.py:\d+ _fail \| KeyError: 'otters'$", second)
    assert third.endswith("tests.logs: outside")


def test_json_is_one_object_per_event(lines: Any) -> None:
    first, second, third = (json.loads(line) for line in lines("json"))
    assert {name: first[name] for name in ("event", "level", "logger", "request_id", "widget")} == {
        "event": "one event",
        "level": "info",
        "logger": "tests.logs",
        "request_id": "abcdef0123",
        "widget": 7,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", first["time"])
    assert isinstance(first["process"], int)
    assert second["exception"].startswith("Traceback (most recent call last):\n")
    assert "nothing" not in first
    assert "request_id" not in third


def test_fedmsgs_programs_log_alike(untouched: None, capsys: pytest.CaptureFixture[str]) -> None:
    values: dict[str, Any] = {}
    source = (Path(__file__).parents[3] / "fedmsg.d/logging.py").read_text()
    exec(source, values)
    logging.config.dictConfig(values["config"]["logging"])
    logging.getLogger("fedmsg.core").info("a line of %s", "fedmsg")
    logging.getLogger("moksha.hub").info("noise")
    assert re.fullmatch(r"\S+ \S+ INFO fedmsg.core: a line of fedmsg\n", capsys.readouterr().err)


def test_handlers_of_others_stay_and_ours_comes_once(untouched: None) -> None:
    foreign = logging.NullHandler()
    logging.getLogger().addHandler(foreign)
    logs.configure()
    logs.configure("json")
    handlers = logging.getLogger().handlers
    assert foreign in handlers
    assert len([handler for handler in handlers if isinstance(handler, setup._Stderr)]) == 1


def _record(text: str, *values: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("hubs.x", level, __file__, 1, text, values, None)


def test_one_cause_is_logged_once_a_minute_and_says_how_many_were_left_out() -> None:
    now = [0.0]
    limit = repeats.RepeatFilter(lambda: now[0])
    down = ConnectionError("Error 111 connecting to 127.0.0.1:6379")

    def accepted(*numbers: int) -> list[bool]:
        return [limit.filter(_record("widget %s waits: %s", number, down)) for number in numbers]

    assert accepted(1, 2, 3) == [True, False, False]
    assert limit.filter(_record("widget %s waits: %s", 4, ConnectionError("No route to host")))
    now[0] = 59.0
    assert accepted(1) == [False]
    now[0] = 60.0
    last = _record("widget %s waits: %s", 9, down)
    assert limit.filter(last)
    assert last.left_out == 3  # type: ignore[attr-defined]


def test_lines_without_an_error_differ_by_their_words_not_their_numbers() -> None:
    limit = repeats.RepeatFilter(lambda: 0.0)
    assert limit.filter(_record("the setting %s is called %s now", "a", "b"))
    assert limit.filter(_record("the setting %s is called %s now", "c", "d"))
    assert limit.filter(_record("%d readers wait", 5))
    assert not limit.filter(_record("%d readers wait", 6))


@pytest.mark.parametrize("level", [logging.INFO, logging.CRITICAL])
def test_only_warnings_and_errors_are_limited(level: int) -> None:
    limit = repeats.RepeatFilter(lambda: 0.0)
    assert all(limit.filter(_record("so far", level=level)) for _ in range(3))


def test_memory_of_causes_is_bounded() -> None:
    limit = repeats.RepeatFilter(lambda: 0.0)
    for number in range(repeats.REMEMBERED + 50):
        limit.filter(_record("%s", "x" * number))
    assert len(limit._causes) == repeats.REMEMBERED


def test_steps_of_a_persons_change_are_at_info_and_others_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logs.trace(log, "by the bus")
    with logs.bound(request_id="abcdef0123"):
        logs.trace(log, "by a person")
    assert [(record.message, record.levelname) for record in caplog.records[-2:]] == [
        ("by the bus", "DEBUG"),
        ("by a person", "INFO"),
    ]


@pytest.mark.parametrize("text", ["short", "x" * 65, 'a"b c d e f', "abcdefgh\n", "ä" * 10, None, 12345678])
def test_an_id_from_outside_that_could_forge_lines_is_not_used(text: object) -> None:
    assert logs.usable(text) == ""
    assert logs.usable("0123abcd-EF_9") == "0123abcd-EF_9"


def test_a_thread_of_a_pool_logs_for_the_request_that_started_its_task() -> None:
    pool, seen = BoundedThreadPool("test", 1, 5.0, 1), list[str]()
    with logs.bound(request_id="abcdef0123"):
        pool.start("task", lambda: seen.append(logs.request_id()), lambda: None)
    pool.stop(5.0)
    assert seen == ["abcdef0123"]
