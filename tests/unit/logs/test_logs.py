"""One line per event, what it belongs to, and at most one warning per minute for one cause."""

import json
import logging
import logging.config
import re
import subprocess
import sys
import time
import unicodedata
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
    # A handler of an earlier test, which this closes, reports the repeats that it left out.
    capsys.readouterr()
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


def ignore(record: logging.LogRecord) -> None:
    """Write nothing."""


def _record(text: str, *values: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("hubs.x", level, __file__, 1, text, values, None)


def test_one_cause_is_logged_once_a_minute_and_says_how_many_were_left_out() -> None:
    now = [0.0]
    limit = repeats.RepeatFilter(ignore, lambda: now[0])
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


def test_left_out_repeats_are_reported_after_a_minute_even_if_no_line_follows() -> None:
    now, written = [0.0], list[logging.LogRecord]()
    limit = repeats.RepeatFilter(written.append, lambda: now[0])
    for number in range(5):
        limit.filter(_record("%d readers wait", number))
    now[0] = 59.0
    limit.flush()
    assert written == []
    now[0] = 60.0
    limit.flush()
    limit.flush()
    assert [(line.getMessage(), line.levelname, line.name) for line in written] == [
        ("Repeated: 4 readers wait", "WARNING", "hubs.x")
    ]
    assert written[0].left_out == 4  # type: ignore[attr-defined]
    # The summary counts as a line of that cause.
    now[0] = 119.0
    assert not limit.filter(_record("%d readers wait", 6))


def test_a_timer_reports_left_out_repeats(
    untouched: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "INTERVAL", 0.2)
    logs.configure()
    for _ in range(3):
        log.warning("Redis is unreachable")
    lines, deadline = "", time.monotonic() + 20
    while lines.count("\n") < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
        lines += capsys.readouterr().err
    first, second = lines.splitlines()
    assert first.endswith("WARNING tests.logs: Redis is unreachable")
    assert second.endswith("WARNING tests.logs: Repeated: Redis is unreachable (2 more since the last one)")


def test_a_process_that_ends_or_was_forked_reports_left_out_repeats() -> None:
    code = "import logging, os, sys; from hubs import logs; logs.configure()\n"
    code += "for _ in range(3): logging.warning('Redis is unreachable')\n"
    code += "from hubs.logs import repeats; repeats.INTERVAL = 0.1\n"
    code += "if os.fork():\n    os.wait(); sys.exit()\n"
    code += "import time; [logging.warning('Forked') for _ in range(3)]; time.sleep(1); os._exit(0)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    texts = re.findall(r"WARNING root: (.*)", result.stderr)
    assert "Repeated: Forked (2 more since the last one)" in texts
    assert texts[-1] == "Repeated: Redis is unreachable (2 more since the last one)"


def test_forgotten_causes_report_left_out_repeats() -> None:
    written = list[logging.LogRecord]()
    limit = repeats.RepeatFilter(written.append, lambda: 0.0)
    assert [limit.filter(_record("first")) for _ in range(3)] == [True, False, False]
    for number in range(repeats.REMEMBERED):
        limit.filter(_record("%s", "x" * number))
    assert [line.getMessage() for line in written] == ["Repeated: first"]


@pytest.mark.parametrize("kind", ["text", "json"])
def test_controls_from_outside_are_escaped(untouched: None, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    logs.configure(kind)
    evil = "\x1b]0;title\x07 \x9b2J \x7f \r \u202etxt.exe \u2066 \u200f"
    with logs.bound(widget=evil):
        try:
            raise ValueError(evil)
        except ValueError:
            log.exception("topic %s", evil)
    (line,) = capsys.readouterr().err.splitlines()
    assert [char for char in line if unicodedata.category(char) in ("Cc", "Cf")] == []
    for escape in (r"\u001b]0;title\u0007", r"\u009b2J", r"\u007f", r"\u202etxt.exe", r"\u2066", r"\u200f"):
        assert line.count(escape) >= 3
    if kind == "json":
        assert json.loads(line)["widget"] == evil


def test_lines_without_an_error_differ_by_their_words_not_their_numbers() -> None:
    limit = repeats.RepeatFilter(ignore, lambda: 0.0)
    assert limit.filter(_record("the setting %s is called %s now", "a", "b"))
    assert limit.filter(_record("the setting %s is called %s now", "c", "d"))
    assert limit.filter(_record("%d readers wait", 5))
    assert not limit.filter(_record("%d readers wait", 6))


@pytest.mark.parametrize("level", [logging.INFO, logging.CRITICAL])
def test_only_warnings_and_errors_are_limited(level: int) -> None:
    limit = repeats.RepeatFilter(ignore, lambda: 0.0)
    assert all(limit.filter(_record("so far", level=level)) for _ in range(3))


def test_memory_of_causes_is_bounded() -> None:
    limit = repeats.RepeatFilter(ignore, lambda: 0.0)
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


def test_a_repeat_with_wrong_values_does_not_end_its_caller() -> None:
    limit = repeats.RepeatFilter(ignore, lambda: 0.0)
    wrong = logging.LogRecord("a.b", logging.WARNING, __file__, 1, "%d widgets wait", ("many",), None)
    assert [limit.filter(wrong), limit.filter(wrong)] == [True, False]
