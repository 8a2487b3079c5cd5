"""Makes what depends on the name's length and order right again: formatting, generated files, the first commits."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from scripts.yours.names import RefusedError

GENERATORS: Final = (
    "scripts.settings",
    "scripts.contract",
    "scripts.load_verdict_picture",
    "grafana.generate",
    "scripts.inventory",
    "helm.generate",
)
_MISPLACED: Final = re.compile(r"RUF100 .*\(unused: `([A-Z]+\d+)`\)")
RENDERED: Final = "helm.render"
# `make e2e` upgrades from this commit; the copy has none of ours.
PREVIOUS: Final = "tests/e2e/previous-commit.txt"


def check() -> None:
    """Raises RefusedError when Git does not know whose the first commit is."""
    done = subprocess.run(["git", "var", "GIT_COMMITTER_IDENT"], capture_output=True, check=False)  # noqa: S607
    if done.returncode:
        raise RefusedError("Git doesn't know who commits: set user.name and user.email with git config --global first.")


def tidy(target: Path) -> int:
    """Sorts imports and formats the code; returns how many lines the name makes too long to split, which are marked."""
    fixing = ("check", "-q", "--fix", "--exit-zero")
    _ruff(target, *fixing, "--fixable=I,RUF022")
    _ruff(target, "format", "-q")
    # A line that was split leaves its `noqa` at its end, where nothing needs it any more.
    displaced = _MISPLACED.findall(_ruff(target, "check", "-q", "--output-format=concise", "--exit-zero"))
    marking = ("check", "-q", f"--select={','.join(('E501', *sorted(set(displaced))))}")
    marked = _ruff(target, *marking, "--output-format=concise", "--exit-zero").splitlines()
    if marked:
        _ruff(target, *marking, "--add-noqa")
        _ruff(target, *fixing, "--fixable=RUF100")
        _ruff(target, "format", "-q")
    return len(marked)


def generate(target: Path) -> bool:
    """Runs the copy's generators; returns whether Helm, which the last one needs, is there."""
    for module in GENERATORS:
        run(target, sys.executable, "-m", module)
    if helm() is None:
        return False
    run(target, sys.executable, "-m", RENDERED)
    return True


def helm() -> str | None:
    """Returns the path of Helm, or None where it is missing."""
    return shutil.which("helm")


def commit(target: Path) -> None:
    """Begins the copy's history. Its second commit names the first as the version from which upgrades are tested."""
    _git(target, "init", "-q", "-b", "main")
    _git(target, "add", "--all")
    _git(target, "commit", "-q", "-m", "Begin with a copy of the reference deployment")
    (target / PREVIOUS).write_text(_git(target, "rev-parse", "HEAD"), encoding="utf-8")
    _git(target, "commit", "-q", "-m", "Test upgrades from the first commit", PREVIOUS)


def _ruff(target: Path, *arguments: str) -> str:
    return run(target, sys.executable, "-m", "ruff", *arguments, "--no-cache", ".")


def _git(target: Path, *arguments: str) -> str:
    return run(target, "git", *arguments)


def run(target: Path, *command: str) -> str:
    """Returns what a command prints in the copy. Raises RefusedError when it fails."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("GIT_DIR", "GIT_WORK", "PYTHONPATH"))
    }
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(command, cwd=target, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RefusedError(
            f"{' '.join(command)} failed in {target}, which is incomplete:\n{(done.stderr or done.stdout).strip()}"
        )
    return done.stdout
