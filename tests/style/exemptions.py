"""Paths that the rules of language do not cover."""

from pathlib import PurePosixPath
from typing import Final

# History, decisions and migrations keep the words of their time; this folder quotes the terms that it rejects.
EXEMPT: Final = ("CHANGELOG.md", "docs/decisions", "app/migrations", "tests/style")


def is_below(path: str, folders: tuple[str, ...]) -> bool:
    """Checks that a path is one of the folders or files, or lies in one of them."""
    return any(PurePosixPath(path).is_relative_to(folder) for folder in folders)
