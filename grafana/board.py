"""A board as a value, and the boards' links to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from grafana.panels import Panel

OVERVIEW_UID: Final = "binnacle-overview"


@dataclass(frozen=True)
class Choice:
    """A variable with several values, all of them at first: a label of a series."""

    label: str
    title: str
    series: str


@dataclass(frozen=True)
class Board:
    """One dashboard. `uid` never changes, since links and alerts name it; `rows` are panels by the row's title."""

    uid: str
    title: str
    description: str
    rows: Mapping[str, Sequence[Panel]]
    choices: Sequence[Choice] = field(default=())

    @property
    def file(self) -> str:
        """Name of its file, without the ending."""
        return self.uid.removeprefix("binnacle-")
