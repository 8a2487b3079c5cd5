"""Writes what a generator makes, or says where the tree differs from it."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


def settle(files: Mapping[str, str], *, folder: str | None = None, description: str) -> int:
    """Writes `files` (text by path from the root), or with `--check` compares; returns the exit code.

    Of a `folder` that is generated as a whole, files that the generator doesn't make are removed, or reported.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the tree differs")
    check = parser.parse_args().check
    stale = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if path.is_file()} if folder else set()
    stale -= files.keys()
    changed = {name for name, text in files.items() if not _holds(ROOT / name, text)}
    if check:
        for name in sorted(changed | stale):
            sys.stderr.write(f"{name} is not what the generator makes: run `make generate` and commit the result\n")
        return 1 if changed or stale else 0
    for name in changed:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(files[name], encoding="utf-8")
    for name in stale:
        (ROOT / name).unlink()
    return 0


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
