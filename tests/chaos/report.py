"""The tables of results, as they are printed and as they stand in ``docs/reliability.md``."""

import math
import re
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.chaos.rounds import Result

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
_ROW = re.compile(r"^\| `(\w+)` \| (.*) \|$", re.MULTILINE)


def of_rounds(result: Result) -> str:
    """Return Markdown: what was run, a table of the faults, and what was wrong."""
    late = sum("visible" in problem for problem in result.problems)
    lines = [
        f"{time.strftime('%Y-%m-%d')}, seeds {', '.join(map(str, result.seeds))}: {result.seconds / 60:.0f} minutes, "
        f"{len(result.faults)} faults, {result.published} messages: {result.lost} lost, {result.doubled} stored twice. "
        f"{result.access_checks} requests for content that had become invisible: {late} showed it after 5 seconds.",
        "",
        "| fault | times | recovery p50 | p95 | max | lost | doubled |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *_rows(result),
    ]
    problems = [f"* {problem}" for problem in result.problems]
    return "\n".join([*lines, *(["", *problems] if problems else [])]) + "\n"


def of_experiments(outcomes: Mapping[str, str]) -> str:
    """Return Markdown: a table of the experiments and their outcomes."""
    rows = [f"| `{name}` | {outcome} |" for name, outcome in sorted(outcomes.items())]
    return "\n".join(["| experiment | result |", "|---|---|", *rows]) + "\n"


def write_rounds(text: str, document: Path = DOCUMENT) -> None:
    """Replace the results of rounds in the document."""
    _replace(document, "rounds", lambda _: text)


def write_experiments(outcomes: Mapping[str, str], document: Path = DOCUMENT) -> None:
    """Put the outcomes of experiments into the document; those of others stay."""
    _replace(document, "experiments", lambda old: of_experiments(dict(_ROW.findall(old)) | dict(outcomes)))


def _rows(result: Result) -> list[str]:
    rows = []
    for name in sorted({fault.name for fault in result.faults}):
        faults = [fault for fault in result.faults if fault.name == name]
        recoveries = [fault.recovery for fault in faults]
        lost, doubled = sum(fault.lost for fault in faults), sum(fault.doubled for fault in faults)
        good = sorted(recovery for recovery in recoveries if recovery is not None)
        median = f"{statistics.median(good):.1f} s" if good else "–"
        # The smallest time within which 95 of 100 faults recovered; those that did not recover count as longest.
        place = math.ceil(0.95 * len(recoveries)) - 1
        most = f"{good[place]:.1f} s" if place < len(good) else "none"
        slowest = f"{good[-1]:.1f} s" if len(good) == len(recoveries) else "none"
        rows.append(f"| {name} | {len(recoveries)} | {median} | {most} | {slowest} | {lost} | {doubled} |")
    return rows


def _replace(document: Path, name: str, change: Callable[[str], str]) -> None:
    content = document.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->\n)", re.DOTALL)
    assert pattern.search(content), f"{document} has no place for the {name}"
    document.write_text(pattern.sub(lambda m: m[1] + change(m[2]) + m[3], content), encoding="utf-8")
