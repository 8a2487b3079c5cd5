"""Results of benchmarks, and their table."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `holds` is None without a limit."""

    name: str
    measured: str
    holds: bool | None
    limit: str | None


def table(figures: Sequence[Figure]) -> str:
    """Formats the figures as a Markdown table."""
    verdicts = {None: "", True: "holds", False: "MISSED"}
    rows = [f"| {one.name} | {one.measured} | {one.limit or ''} | {verdicts[one.holds]} |" for one in figures]
    return "\n".join(["| measurement | result | limit | |", "|---|---|---|---|", *rows])
