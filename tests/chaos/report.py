"""The table of results, as it is printed and as it stands in ``docs/reliability.md``."""

import re
import statistics
from pathlib import Path

from tests.chaos.rounds import Result

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
_BEGIN, _END = "<!-- chaos -->\n", "<!-- /chaos -->\n"


def table(result: Result, experiments: dict[str, list[str]]) -> str:
    """Return Markdown: what was run, a table of the faults, and what was wrong."""
    lines = []
    if result.seeds:
        seeds = ", ".join(map(str, result.seeds))
        lines += [
            f"Rounds: {len(result.seeds)} (seeds {seeds}), {result.seconds / 60:.0f} minutes, "
            f"{len(result.faults)} faults, {result.published} messages: {result.lost} lost, {result.doubled} doubled. "
            f"{result.access_checks} requests for content that had just become invisible: "
            f"{sum('visible' in problem for problem in result.problems)} showed it after 5 seconds.",
            "",
            "| fault | times | recovery p50 | recovery max | lost | doubled |",
            "|---|--:|--:|--:|--:|--:|",
            *_rows(result),
            "",
        ]
    if experiments:
        lines += ["| experiment | result |", "|---|---|"]
        lines += [f"| `{name}` | {'; '.join(problems) or 'passed'} |" for name, problems in experiments.items()]
        lines.append("")
    lines += [f"* {problem}" for problem in result.problems]
    return "\n".join(lines).strip() + "\n"


def _rows(result: Result) -> list[str]:
    rows = []
    for name in sorted({fault.name for fault in result.faults}):
        faults = [fault for fault in result.faults if fault.name == name]
        recoveries = [fault.recovery for fault in faults]
        lost, doubled = sum(fault.lost for fault in faults), sum(fault.doubled for fault in faults)
        good = [recovery for recovery in recoveries if recovery is not None]
        median = f"{statistics.median(good):.1f} s" if good else "–"
        slowest = f"{max(good):.1f} s" if len(good) == len(recoveries) else "none"
        rows.append(f"| {name} | {len(recoveries)} | {median} | {slowest} | {lost} | {doubled} |")
    return rows


def write(text: str, document: Path = DOCUMENT) -> None:
    """Replace the results in the document."""
    content = document.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
    assert pattern.search(content), f"{document} has no place for the results"
    document.write_text(pattern.sub(lambda _: _BEGIN + text + _END, content), encoding="utf-8")
