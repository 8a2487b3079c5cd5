"""Figures, as people read them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `holds` is None for what has no limit."""

    what: str
    measured: str
    holds: bool | None
    limit: str | None


def table(figures: Sequence[Figure]) -> str:
    """A table in Markdown."""
    words = {None: "", True: "holds", False: "MISSED"}
    rows = [f"| {one.what} | {one.measured} | {one.limit or ''} | {words[one.holds]} |" for one in figures]
    return "\n".join(["| what | measured | to hold | |", "|---|---|---|---|", *rows])
