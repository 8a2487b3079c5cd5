"""Checks descriptions of settings and chart values: a verb or a noun phrase first, and a unit for each number."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.style.docstrings import NOT_FIRST, first_word

# Units by the last word of a name.
UNITS: Final[Mapping[str, str]] = {
    "seconds": "seconds?",
    "bytes": "bytes|MiB|KiB",
    "days": "days?",
    "ratio": "share|ratio|fraction",
    "port": "ports?",
}
COUNTED: Final = (
    "number|count|percent|clients?|connections?|failures|jobs|log-?ins?|logins|MiB|pods|ports?|processes|registrations"
    "|replicas|ReplicaSets|reports|requests|streams|attempts|retries|worker processes"
)


@dataclass(frozen=True)
class Described:
    """A setting or a chart value, its description, and whether it is a number."""

    name: str
    description: str
    is_number: bool

    def faults(self) -> Iterator[str]:
        """Yields a sentence for each rule that the description breaks."""
        if not self.description:
            yield f"{self.name}: needs a description"
        elif (word := first_word(self.description)) in NOT_FIRST:
            yield f"{self.name}: begin with a verb or a noun phrase, not {word!r}: {self.description}"
        last = re.split(r"[._]", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name))[-1].lower()
        unit = UNITS.get(last, COUNTED)
        # The chart accepts fractions of a second as strings, so a name counts as well as a type.
        needs_unit = self.is_number or last in ("seconds", "bytes", "days")
        if self.description and needs_unit and not re.search(rf"\b({unit})\b", self.description, re.IGNORECASE):
            yield f"{self.name}: state the unit ({unit}): {self.description}"


def chart_values(schema: Mapping[str, Any], path: str = "") -> Iterator[Described]:
    """Yields every described value of a JSON schema, by its dotted path."""
    for key, value in schema.get("properties", {}).items():
        if "description" in value:
            yield Described(path + key, value["description"], value.get("type") in ("integer", "number"))
        yield from chart_values(value, f"{path}{key}.")
