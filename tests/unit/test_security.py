"""docs/security.md covers every requirement of OWASP ASVS 5.0 at levels 1 and 2, and names tests that exist."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text()
#: The requirements of levels 1 and 2 in version 5.0.0, as section:numbers.
REQUIREMENTS = """
1.1:1-2 1.2:1-9 1.3:1-11 1.4:1-3 1.5:1-2 2.1:1-3 2.2:1-3 2.3:1-4 2.4:1 3.2:1-2 3.3:1-4 3.4:1-6 3.5:1-5 3.7:1-2
4.1:1-3 4.2:1 4.3:1-2 4.4:1-4 5.1:1 5.2:1-3 5.3:1-2 5.4:1-3 6.1:1-3 6.2:1-12 6.3:1-4 6.4:1-4 6.5:1-5 6.6:1-3
6.8:1-4 7.1:1-3 7.2:1-4 7.3:1-2 7.4:1-5 7.5:1-2 7.6:1-2 8.1:1-2 8.2:1-3 8.3:1 8.4:1 9.1:1-3 9.2:1-4 10.1:1-2
10.2:1-2 10.3:1-4 10.4:1-11 10.5:1-5 10.6:1-2 10.7:1-3 11.1:1-2 11.2:1-3 11.3:1-3 11.4:1-4 11.5:1 11.6:1
12.1:1-3 12.2:1-2 12.3:1-4 13.1:1 13.2:1-5 13.3:1-2 13.4:1-5 14.1:1-2 14.2:1-4 14.3:1-3 15.1:1-3 15.2:1-3
15.3:1-7 16.1:1 16.2:1-5 16.3:1-4 16.4:1-3 16.5:1-3 17.1:1 17.2:1-4 17.3:1-2
"""
_ROW = re.compile(r"^\| (V[\dV., –]+) \|(.*)\|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/.]+)`")


def expand(section: str, numbers: str) -> Iterator[str]:
    """Yield the requirements that a section's ranges of numbers name."""
    for part in numbers.split(","):
        first, _, last = part.partition("-")
        yield from (f"V{section}.{number}" for number in range(int(first), int(last or first) + 1))


def named(cell: str) -> Iterator[str]:
    """Yield the requirements in the first cell of a row, where V6.2.1–V6.2.3 names three."""
    for part in cell.split(", "):
        first, _, last = part.partition("–")
        section, _, start = first.removeprefix("V").rpartition(".")
        yield from expand(section, f"{start}-{last.rpartition('.')[2] or start}")


def part(heading: str) -> str:
    return TEXT.split(f"### {heading}\n", 1)[1].split("\n### ", 1)[0]


def test_every_requirement_is_listed_once() -> None:
    expected = [name for entry in REQUIREMENTS.split() for name in expand(*entry.split(":"))]
    assert len(expected) == 253
    listed = Counter(name for cell, _ in _ROW.findall(TEXT) for name in named(cell))
    assert {name for name, count in listed.items() if count > 1} == set()
    assert set(listed) == set(expected)


def test_every_requirement_that_is_met_has_a_test() -> None:
    rows = _ROW.findall(part("Met"))
    assert len(rows) > 40
    assert [cell for cell, rest in rows if not _TEST.search(rest.rsplit("|", 1)[1])] == []


def test_every_promise_has_a_test() -> None:
    rows = TEXT.split("## Promises\n", 1)[1].split("\n## ", 1)[0].strip().splitlines()[2:]
    assert len(rows) > 5
    assert [row for row in rows if not _TEST.search(row)] == []


def test_every_test_that_it_names_exists() -> None:
    paths = set(_TEST.findall(TEXT))
    assert len(paths) > 40
    assert {path for path in paths if not (ROOT / path).exists()} == set()
    assert {path for path in paths if path.endswith("/") and not list((ROOT / path).glob("test_*.py"))} == set()
