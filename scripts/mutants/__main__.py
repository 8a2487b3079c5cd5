"""Runs the tests on a sample of mutants, or on all, and prints the mutants that survive."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from scripts import generated_files
from scripts.mutants.judging import Judge, copied
from scripts.mutants.model import AREAS, TOLERATED, Mutant, Outcome, RefusedError, choose, equivalents, passes

SAMPLE: Final = 20
SEED: Final = 11


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 enough mutants are killed, 1 too many survive, 2 the run is inconclusive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="Python of the environment with mutmut")
    parser.add_argument("--all", action="store_true", help="test every mutant; takes hours")
    parser.add_argument("--count", type=int, default=SAMPLE, help="number of mutants in the sample (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the random sample (%(default)s)")
    parser.add_argument("--area", action="append", choices=sorted(AREAS), help="test only this area; may be repeated")
    given = parser.parse_args(arguments)
    try:
        mutants = [mutant for area in given.area or AREAS for mutant in _made(given.python, area)]
        known = equivalents()
        distinct = [mutant for mutant in mutants if not any(entry.matches(mutant) for entry in known)]
        chosen = distinct if given.all else choose(distinct, given.count, given.seed)
        print(f"{len(mutants)} mutants, {len(mutants) - len(distinct)} listed as equivalent, {len(chosen)} to judge.")
        with copied(generated_files.ROOT) as copy:
            outcomes = _outcomes(copy, chosen)
        enough = passes(outcomes)
    except RefusedError as error:
        print(f"Inconclusive: {error}", file=sys.stderr)
        return 2
    counts = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in ("killed", "timed out", "survived"))
    print(f"{counts}. {'Passed' if enough else 'Failed'}: at most 1 in {TOLERATED} may survive.")
    return 0 if enough else 1


def _made(python: str, area: str) -> list[Mutant]:
    files = sorted(
        str(path.relative_to(generated_files.ROOT)) for path in (generated_files.ROOT / AREAS[area].code).rglob("*.py")
    )
    command = [str(Path(python).absolute()), "-m", "scripts.mutants.generated", *files]
    made = subprocess.run(command, cwd=generated_files.ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if made.returncode:
        raise RefusedError(f"mutmut failed:\n{made.stderr}")
    return [Mutant(area=area, **mutant) for mutant in json.loads(made.stdout)]


def _outcomes(copy: Path, chosen: Sequence[Mutant]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for area, mutants in groupby(chosen, key=lambda mutant: mutant.area):
        judge = Judge(copy, AREAS[area].tests)
        print(f"{area}: the tests pass without a mutant in {judge.check():.0f} s.", flush=True)
        for mutant in mutants:
            outcomes.append(judge.judge(mutant))
            print(f"{area}: {outcomes[-1]}: {mutant.path}: {mutant.lines('+')}", flush=True)
            if outcomes[-1] == "survived":
                print(mutant.diff, flush=True)
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
