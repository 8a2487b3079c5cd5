"""The scan of the lock with the faults that its scanners may have: blind, cut off, or right.

The real scanners need the network and an account, so programs that behave like them stand on PATH here. That the real
ones refuse the canary is checked by the script itself at each run.
"""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".github/scripts/scan-dependencies.sh"

# Both know that PyYAML 5.3.1 is dangerous; only Safety knows it of `secretly-bad`.
SEES = {
    "pip-audit": """
        for word in "$@"; do
            [ -f "$word" ] && grep -q '^pyyaml==5.3.1' "$word" && { echo 'pyyaml 5.3.1 CVE-2020-14343'; exit 1; }
        done
        exit 0
    """,
    "safety": """
        for word in "$@"; do target=$word; done
        cat "$target"/*requirements.txt | grep -qE '^(pyyaml==5.3.1|secretly-bad==)' && exit 64
        exit 0
    """,
}
BLIND = "exit 0"
CUT_OFF = {"pip-audit": "echo 'no network' >&2; exit 1", "safety": "exit 68"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "requirements").mkdir()
    lock(tmp_path, "pyyaml==6.0.3")
    for program, behaviour in SEES.items():
        install(tmp_path, program, behaviour)
    return tmp_path


def lock(tree: Path, text: str) -> None:
    (tree / "requirements/runtime.txt").write_text(f"{text}\n")


def install(tree: Path, program: str, behaviour: str) -> None:
    path = tree / "bin" / program
    path.write_text(f"#!/bin/sh\n{behaviour}\n")
    path.chmod(0o755)


def scan(tree: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{tree / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    return subprocess.run(
        ["sh", SCRIPT], cwd=tree, env={"PATH": path, **environment}, check=False, capture_output=True, text=True
    )


def test_without_a_key_a_clean_lock_passes_and_the_log_says_which_scanner_ran(tree: Path) -> None:
    answer = scan(tree)
    assert answer.returncode == 0, answer.stderr
    assert "Safety did not run" in answer.stdout


def test_with_a_key_a_clean_lock_passes(tree: Path) -> None:
    answer = scan(tree, SAFETY_API_KEY="a-key")
    assert answer.returncode == 0, answer.stderr
    assert "Safety did not run" not in answer.stdout


def test_a_vulnerable_lock_is_refused_without_a_key(tree: Path) -> None:
    lock(tree, "pyyaml==5.3.1")
    answer = scan(tree)
    assert answer.returncode == 1
    assert "pip-audit found vulnerable packages" in answer.stderr


def test_a_lock_that_only_safety_knows_to_be_bad_is_refused_with_a_key(tree: Path) -> None:
    lock(tree, "secretly-bad==1.0")
    answer = scan(tree, SAFETY_API_KEY="a-key")
    assert answer.returncode == 1
    assert "safety found vulnerable packages" in answer.stderr


@pytest.mark.parametrize("program", ["pip-audit", "safety"])
@pytest.mark.parametrize("fault", ["blind", "cut off"])
def test_a_scanner_that_does_not_refuse_the_canary_is_not_believed(tree: Path, program: str, fault: str) -> None:
    install(tree, program, BLIND if fault == "blind" else CUT_OFF[program])
    answer = scan(tree, SAFETY_API_KEY="a-key")
    assert answer.returncode == 1
    assert f"{program} " in answer.stderr
    assert "unreliable" in answer.stderr
