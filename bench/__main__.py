"""Measures the cost of the service and compares it with the limits."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import cost, memory, overload, pages, start
from bench.report import Figure, table
from tests.support.processes import end_by_sigterm

PARTS: dict[str, Callable[[Path, str], list[Figure]]] = {
    "cost": cost.measure,
    "memory": memory.measure,
    "start": start.measure,
    "pages": pages.measure,
    "overload": overload.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"benchmarks to run: {', '.join(PARTS)}; default: all")
    parser.add_argument(
        "--python", default=sys.executable, help="Python that runs the service, with the shipped dependencies"
    )
    options = parser.parse_args()
    wanted = options.parts or list(PARTS)
    end_by_sigterm()
    unknown = sorted(set(wanted) - set(PARTS))
    if unknown:
        parser.error(f"unknown benchmark {', '.join(unknown)}: choose from {', '.join(PARTS)}")
    figures = []
    for name in wanted:
        sys.stderr.write(f"measuring {name} …")
        sys.stderr.flush()
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            figures += PARTS[name](Path(folder), options.python)
        sys.stderr.write(f" {time.monotonic() - began:.0f} s\n")
    sys.stdout.write(f"{table(figures)}\n")
    return 0 if all(figure.holds is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
