"""Writes generated files, or compares them with the tree."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


def settle(files: Mapping[str, str], *, folder: str | None = None, description: str) -> int:
    """Writes `files` (text by path from the root), or with `--check` compares them; returns the exit code.

    Files in `folder` that the generator does not produce are removed, or reported with `--check`.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; list the files that differ and exit with 1"
    )
    check = parser.parse_args().check
    stale = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if path.is_file()} if folder else set()
    stale -= files.keys()
    changed = {name for name, text in files.items() if not _is_current(ROOT / name, text)}
    if check:
        for name in sorted(changed | stale):
            sys.stderr.write(f"{name} is not up to date: run `make generate` and commit the result\n")
        return 1 if changed or stale else 0
    for name in changed:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(files[name], encoding="utf-8")
    for name in stale:
        (ROOT / name).unlink()
    return 0


def _is_current(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
