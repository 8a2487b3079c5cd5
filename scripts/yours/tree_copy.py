"""Copies the tracked files under the new name."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.yours import python_source
from scripts.yours.names import Name, RefusedError

# What makes copies is of no use in a copy.
LEFT_OUT: Final = re.compile(r"scripts/yours/|tests/scripts/test_yours|docs/yours\.md")
_MENTION: Final = re.compile(r"\bmake yours\b|\btest-yours\b|\bscripts[/.]yours\b|\byours\.md\b")
_SECTION: Final = re.compile(r"^## Make it yours\n.*?(?=^## )", re.MULTILINE | re.DOTALL)
# The licence grants what it grants under the name that it was given.
UNCHANGED: Final = frozenset({"LICENSE"})
# What changed before is no news to those who run the copy.
UNRELEASED: Final = "## [Unreleased]\n"


def tracked(root: Path) -> list[str]:
    """Returns the tracked files that a copy has. Raises RefusedError outside a Git checkout."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode:
        raise RefusedError(f"{root} is not a Git checkout, so nothing says which files belong to it: clone it first.")
    found = [path for path in done.stdout.split("\0") if path and (root / path).is_file()]
    return [path for path in found if not LEFT_OUT.match(path)]


def check(root: Path, name: Name) -> None:
    """Raises RefusedError when the name is already a word of the tree: a copy would mix both meanings."""
    words = re.compile(rf"(?<![a-z0-9]){re.escape(name.dashed)}(?![a-z0-9])", re.IGNORECASE)
    for path in tracked(root):
        text = "" if path in UNCHANGED else _without_mentions(path, _read(root / path) or "")
        if words.search(path) or words.search(text):
            raise RefusedError(f"NAME={name.dashed} can't be used: {path} has this word with another meaning.")


def copy(root: Path, target: Path, name: Name) -> None:
    """Copies each tracked file, its path and its text renamed, with its mode."""
    for path in tracked(root):
        place = target / name.replace_in(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        text = None if path in UNCHANGED else _read(root / path)
        if text is None:
            shutil.copyfile(root / path, place)
        else:
            place.write_text(renamed(path, text, name), encoding="utf-8", newline="")
        shutil.copymode(root / path, place)


def renamed(path: str, text: str, name: Name) -> str:
    """Returns the text of a file as the copy has it."""
    text = _without_mentions(path, text)
    if path == "CHANGELOG.md":
        text = text.partition(UNRELEASED)[0] + UNRELEASED
    return python_source.renamed(text, name) if path.endswith(".py") else name.replace_in(text)


def _without_mentions(path: str, text: str) -> str:
    """Removes what says how copies are made: the section of the Makefile, and elsewhere lines and entries of lists."""
    if path == "Makefile":
        text = _SECTION.sub("", text).replace(" test-yours", "")
    return "".join(each for each in _entries(text) if not _MENTION.search(each)) if _MENTION.search(text) else text


def _entries(text: str) -> Iterator[str]:
    """Yields the lines, those of an entry of a list together."""
    entry = ""
    for line in text.splitlines(keepends=True):
        if not (entry.startswith("- ") and line.startswith("  ")):
            yield entry
            entry = ""
        entry += line
    yield entry


def _read(file: Path) -> str | None:
    """Returns the text, or None for what is not text."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
