"""Runs the tests of an area on a copy of the tree, unchanged and with one mutated file."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from scripts.mutants.model import Mutant, Outcome, RefusedError

_PASSED: Final = 0
_NOTHING_RAN: Final = 5  # pytest's exit code if no test was collected
_TIMEOUT_MARGIN_SECONDS: Final = 60.0
_TIMEOUT_FACTOR: Final = 4  # times the duration without a mutant, before a mutant is timed out


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """Copies the files that git tracks or does not ignore, with uncommitted changes; removes the copy at the end."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 -- git from PATH
        cwd=root,
        capture_output=True,
        check=True,
        text=True,
    )
    with TemporaryDirectory(prefix="binnacle-mutants-") as folder:
        for name in filter(None, listed.stdout.split("\0")):
            if (root / name).is_file():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, Path(folder) / name)
        yield Path(folder)


class Judge:
    """Runs the tests of one area on mutants."""

    def __init__(self, tree: Path, tests: Sequence[str], workers: int = 2) -> None:
        self._tree = tree
        spread = ["-n", str(workers), "--dist", "worksteal"] if workers else ["-p", "no:xdist"]
        self._command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *spread, *tests]
        self._limit: float | None = None

    def check(self) -> float:
        """Runs the tests on the unchanged code; returns the seconds. Raises RefusedError if they fail."""
        started = time.monotonic()
        code, output = self._run(None)
        if code == _NOTHING_RAN:
            raise RefusedError(f"No test ran: {' '.join(self._command)}")
        if code != _PASSED:
            raise RefusedError(f"The tests fail without a mutant:\n{output[-4000:]}")
        took = time.monotonic() - started
        self._limit = took * _TIMEOUT_FACTOR + _TIMEOUT_MARGIN_SECONDS
        return took

    def judge(self, mutant: Mutant) -> Outcome:
        """Runs the tests on a mutant. Raises RefusedError if `check` has not passed."""
        if self._limit is None:
            raise RefusedError("The tests have not passed without a mutant.")
        file = self._tree / mutant.path
        before = file.read_text(encoding="utf-8")
        file.write_text(mutant.code, encoding="utf-8")
        try:
            code, _ = self._run(self._limit)
        except TimeoutError:
            return "timed out"
        finally:
            file.write_text(before, encoding="utf-8")
        return "survived" if code == _PASSED else "killed"

    def _run(self, seconds: float | None) -> tuple[int, str]:
        """Returns exit code and output. Raises TimeoutError; kills the process group in any case."""
        # Without bytecode files: Python would reuse that of a mutant if size and modification time are equal.
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen(  # noqa: S603 -- no input from outside
            self._command,
            cwd=self._tree,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:  # also on KeyboardInterrupt
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        return process.returncode, output
