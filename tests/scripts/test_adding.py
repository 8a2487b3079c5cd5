"""docs/adding.md, typed as it stands into a copy of the tree, ends with the example's tests green."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest

COPIED = ("app", "docs", "grafana", "scripts", "tests")
BLOCK = re.compile(r"\*\*`(?P<path>[^`]+)`\*\*|```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """A block of the page: a new file, an edit of one, or commands."""

    kind: str
    path: str
    text: str


def _steps(page: str) -> Iterator[Step]:
    path = ""
    for found in BLOCK.finditer(page):
        path = found["path"] or path
        if found["kind"]:
            yield Step(found["kind"], path, found["text"])


def _edited(text: str, diff: str, path: str) -> str:
    """The text after an edit, whose first and last lines may be the beginning of longer ones."""
    lines = [(line[:1], line[1:]) for line in diff.splitlines()]
    before = "\n".join(line for sign, line in lines if sign != "+")
    after = "\n".join(line for sign, line in lines if sign != "-")
    places = [found.start() for found in re.finditer(rf"^{re.escape(before)}", text, re.MULTILINE)]
    assert len(places) == 1, f"docs/adding.md edits {path} at {before!r}, which stands there {len(places)} times"
    return text[: places[0]] + after + text[places[0] + len(before) :]


@pytest.fixture
def tree(root: Path, tmp_path: Path) -> Path:
    for folder in COPIED:
        copytree(root / folder, tmp_path / "tree" / folder, ignore=ignore_patterns("__pycache__"))
    copy(root / "pyproject.toml", tmp_path / "tree")
    return tmp_path / "tree"


def _type(commands: str, tree: Path) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tree), "STATE_DIR": str(tree / "var")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", re.sub(r"^python ", f"{sys.executable} ", commands, flags=re.MULTILINE)],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_worked_example_works(root: Path, tree: Path) -> None:
    said = ""
    for step in _steps((root / "docs/adding.md").read_text()):
        file = tree / step.path
        if step.kind == "sh":
            said += _type(step.text, tree)
        elif step.kind == "diff":
            file.write_text(_edited(file.read_text(), step.text, step.path))
        else:
            assert not file.exists(), f"docs/adding.md makes {step.path}, which is there"
            file.write_text(step.text)
    (migration,) = (tree / "app/migrations/versions").glob("*_items_know_similar_ones.py")
    assert "create_table('similar_items'" in migration.read_text()
    assert "4 passed" in said


def test_an_edit_of_what_is_not_there_is_refused() -> None:
    assert _edited("a\nbc\n", "+x\n b", "file") == "a\nx\nbc\n"
    with pytest.raises(AssertionError, match="0 times"):
        _edited("a\n", " b\n+c", "file")
    with pytest.raises(AssertionError, match="2 times"):
        _edited("a\na\n", " a\n+c", "file")
