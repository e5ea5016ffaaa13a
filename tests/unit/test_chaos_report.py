"""The results of chaos rounds and experiments in the documentation."""

from pathlib import Path

from tests.chaos import report
from tests.chaos.rounds import Fault, Result

DOCUMENT = """# Title

<!-- rounds -->
old
<!-- /rounds -->
between
<!-- experiments -->
| `first` | passed |
| `second` | something was lost |
<!-- /experiments -->
after
"""


def test_a_table_has_the_median_the_95th_percentile_and_the_slowest_recovery() -> None:
    faults = [Fault("kill hub", 0.0, 9.0, seconds, lost=number) for number, seconds in enumerate((1.0, 2.0, 4.0))]
    text = report.of_rounds(Result([7], 120.0, [*faults, Fault("kill web", 10.0, 70.0, None)], problems=["a leak"]))
    assert "seeds 7: 2 minutes, 4 faults" in text
    assert "| kill hub | 3 | 2.0 s | 4.0 s | 4.0 s | 3 | 0 |" in text
    assert "| kill web | 1 | – | none | none | 0 | 0 |" in text
    assert "* a leak" in text


def test_results_replace_older_ones_of_the_same_kind(tmp_path: Path) -> None:
    document = tmp_path / "reliability.md"
    document.write_text(DOCUMENT)
    report.write_rounds("new\n", document)
    report.write_experiments({"second": "passed", "third": "passed"}, document)
    text = document.read_text()
    assert "<!-- rounds -->\nnew\n<!-- /rounds -->\nbetween" in text
    assert text.endswith(
        "| `first` | passed |\n| `second` | passed |\n| `third` | passed |\n<!-- /experiments -->\nafter\n"
    )
