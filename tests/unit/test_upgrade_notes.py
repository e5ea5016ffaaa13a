"""The upgrade notes of the next version speak of all its migrations."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_upgrade_notes_name_the_newest_migration() -> None:
    newest = max(path.name[:4] for path in (ROOT / "alembic/versions").glob("[0-9]*.py"))
    unreleased = (ROOT / "CHANGELOG.md").read_text().split("\n## [")[1]
    notes = unreleased.partition("### Upgrade notes")[2].partition("###")[0]
    named = re.findall(r"[Mm]igrations? (?:\d{4} to )?(\d{4})|from \d{4} to (\d{4})", notes)
    assert max(number for pair in named for number in pair) == newest
