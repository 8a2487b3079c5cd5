"""A timed drill that fails is repeated once, alone; everything else that fails, fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import REPOSITORY

FLAKY = """
from pathlib import Path
import pytest
pytestmark = pytest.mark.timed

def test_late():
    runs = Path(__file__).with_suffix(".runs")
    runs.write_text((runs.read_text() if runs.exists() else "") + "x")
    assert runs.read_text() == "xx"
"""
TIMED = "import pytest\n\n@pytest.mark.timed\ndef test_timed():\n    assert {holds}\n"
UNTIMED = "def test_untimed():\n    assert {holds}\n"


def _drills(folder: Path, **files: str) -> "subprocess.CompletedProcess[str]":
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = timed\n")
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text)
    return subprocess.run(
        ["sh", REPOSITORY / "scripts" / "drills.sh", sys.executable, ".", "-p", "pytest_timeout"],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_that_was_late_once_passes_and_both_results_are_printed(tmp_path: Path) -> None:
    ran = _drills(tmp_path, flaky=FLAKY, steady=UNTIMED.format(holds=True))
    assert ran.returncode == 0, ran.stdout
    assert "=== test_flaky.py: failed, then passed" in ran.stdout
    assert "test_steady.py" not in ran.stdout.partition("=== once more")[2]


@pytest.mark.parametrize(
    ("files", "repeats"),
    [
        ({"slow": TIMED.format(holds=False)}, ["test_slow.py"]),
        ({"wrong": UNTIMED.format(holds=False)}, []),
        ({"flaky": FLAKY, "wrong": UNTIMED.format(holds=False)}, ["test_flaky.py"]),
    ],
)
def test_what_fails_twice_or_is_not_timed_fails(tmp_path: Path, files: dict[str, str], repeats: list[str]) -> None:
    ran = _drills(tmp_path, **files)
    assert ran.returncode == 1
    again = [line.rpartition(" ")[2] for line in ran.stdout.splitlines() if line.startswith("=== once more")]
    assert again == repeats


def test_drills_that_all_hold_run_once(tmp_path: Path) -> None:
    ran = _drills(tmp_path, fine=TIMED.format(holds=True))
    assert ran.returncode == 0
    assert "once more" not in ran.stdout


def test_drills_that_can_not_be_read_fail(tmp_path: Path) -> None:
    assert _drills(tmp_path, broken="import nothing_of_this_name\n").returncode == 2
