"""docs/patterns.md names files and tests that exist, and decisions that are made."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs/patterns.md").read_text()
ROWS = [row.strip("|\n ").split(" | ") for row in PAGE.splitlines() if row.startswith("| ") and "`" in row]


@pytest.mark.parametrize(("pattern", "file", "test", "why"), ROWS, ids=[row[0] for row in ROWS])
def test_a_pattern_has_a_file_a_test_and_a_reason(root: Path, pattern: str, file: str, test: str, why: str) -> None:
    assert (root / file.strip("`")).exists(), file
    assert (root / test.strip("`")).is_file(), test
    assert "def test_" in (root / test.strip("`")).read_text() or "TestCase" in (root / test.strip("`")).read_text()
    assert len(why) > 20, pattern
    for path in re.findall(r"`(app/[\w./]+)`", why):
        assert (root / path).exists(), path
    for number in re.findall(r"(?<=[.,] )(\d+)(?=$|, \d)", why):
        assert list((root / "docs/decisions").glob(f"{int(number):04d}-*.md")), number


def test_every_decision_about_code_is_named_by_a_pattern_or_has_no_file() -> None:
    named = {int(number) for row in ROWS for number in re.findall(r"(?<=[.,] )(\d+)(?=$|, \d)", row[-1])}
    assert len(named) >= 15
    assert len(ROWS) > 40
