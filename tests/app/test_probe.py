"""The health check of a container: exit code 0 for a 200, else 1 and the answer."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.http_probe import main
from tests.support.ports import free_port


def test_an_answer_of_200_is_healthy(sandbox: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(f"{sandbox}/livez") == 0
    assert capsys.readouterr().err == ""


def test_any_other_answer_is_printed(sandbox: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(f"{sandbox}/nothing") == 1
    assert capsys.readouterr().err.startswith(f"{sandbox}/nothing answers 404: ")


def test_no_answer_is_printed(root: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/livez"
    words = [sys.executable, "-m", "app.http_probe", url]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{url} does not answer: ")


def test_it_imports_nothing_of_the_service(root: Path) -> None:
    """The probe runs every few seconds beside each process, so imports would cost CPU."""
    code = "import sys, app.http_probe; print(*sorted(name for name in sys.modules if name.partition('.')[0] == 'app'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.split() == ["app", "app.http_probe"]
