"""Mutants, the choice of a sample, and the verdict on the results."""

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

EQUIVALENT: Final = Path(__file__).parent / "equivalent.toml"
TOLERATED: Final = 20  # at most one in this many may survive

Outcome = Literal["killed", "survived", "timed out"]


class RefusedError(Exception):
    """The run is inconclusive; the message gives the reason."""


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the code, and the tests that must detect faults in it."""

    code: str
    tests: tuple[str, ...]


_SCHEMA: Final = "tests/app/infra/test_schema.py::test_the_migrations_make_what_the_models_say"
_CONTRACT: Final = "tests/app/api/test_contract.py::test_the_file_in_the_repository_equals_the_generated_document"
# Without the tests that start processes: they would add minutes for each mutant.
_EDGE: Final = (
    "bodies",
    "bounded_input",
    "deadlines",
    "head",
    "headers",
    "host_guard",
    "overload",
    "problems",
    "rate_limits",
    "request_bodies",
    "root_path",
    "shared_rate_limit",
    "upgrades",
    "ws_origins",
)

AREAS: Final[Mapping[str, Area]] = {
    "orders": Area("app/orders", ("tests/app/orders", "tests/app/catalog/test_popular.py", _SCHEMA, _CONTRACT)),
    "accounts": Area("app/accounts", ("tests/app/accounts", _SCHEMA, _CONTRACT)),
    "outbox": Area("app/infra/outbox", ("tests/app/infra/outbox", "tests/app/orders/test_reconciler.py", _SCHEMA)),
    "cache": Area(
        "app/infra/cache",
        ("tests/app/infra/test_cache.py", "tests/app/infra/test_redis_restart.py", "tests/app/catalog/test_cached.py"),
    ),
    "edge": Area("app/api/edge", tuple(f"tests/app/api/test_{name}.py" for name in _EDGE)),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file: the file's new text, and the change as a unified diff."""

    area: str
    path: str
    code: str
    diff: str

    def lines(self, sign: str) -> str:
        """Returns the removed (`-`) or the added (`+`) lines, stripped."""
        changed = [line[1:].strip() for line in self.diff.splitlines()[2:] if line.startswith(sign)]
        return "\n".join(changed)


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A mutant that behaves like the code, and the reason."""

    path: str
    before: str
    after: str
    reason: str

    def matches(self, mutant: Mutant) -> bool:
        """Compares this change with that of a mutant."""
        return (self.path, self.before, self.after) == (mutant.path, mutant.lines("-"), mutant.lines("+"))


def equivalents(file: Path = EQUIVALENT) -> list[Equivalent]:
    """Reads equivalent.toml. Raises RefusedError for an entry without a reason."""
    entries = tomllib.loads(file.read_text(encoding="utf-8")).get("equivalent", [])
    found = [Equivalent(entry["path"], entry["before"], entry["after"], entry.get("reason", "")) for entry in entries]
    for entry in found:
        if not entry.reason.strip():
            raise RefusedError(f"{file.name}: {entry.path}: {entry.after!r} has no reason.")
    return found


def choose(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """Samples the same number of mutants in each area; equal seeds give equal samples."""
    generator = random.Random(seed)  # noqa: S311 -- a sample, not a secret
    areas = sorted({mutant.area for mutant in mutants})
    chosen = []
    for index, area in enumerate(areas):
        own = [mutant for mutant in mutants if mutant.area == area]
        share = count // len(areas) + (index < count % len(areas))
        chosen += generator.sample(own, min(share, len(own)))
    return chosen


def passes(outcomes: Sequence[Outcome]) -> bool:
    """Checks that at most one in TOLERATED survived. Raises RefusedError without an outcome."""
    if not outcomes:
        raise RefusedError("No mutant was judged.")
    return outcomes.count("survived") * TOLERATED <= len(outcomes)
