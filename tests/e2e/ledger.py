"""The provider's ledger beside the orders of a load: each paid order was charged once, and nothing else was."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.e2e.cluster import Manifest
from tests.e2e.release import Release

FINAL = ("paid", "failed")


def references(charges: Iterable[Manifest]) -> frozenset[str]:
    return frozenset(charge["reference"] for charge in charges)


def disagreements(
    measured: Mapping[str, Any], charges: Sequence[Manifest], before: frozenset[str] = frozenset()
) -> Sequence[str]:
    """A sentence for each fault of what a load measured; `before` are references of charges that others asked for."""
    orders: Sequence[Mapping[str, Any]] = measured["orders"]
    placed = {order["id"]: order["status"] for order in orders}
    ours = [charge for charge in charges if charge["reference"] not in before]
    # Who got no answer may have ordered all the same.
    unanswered = sum(each["step"] == "place order" for each in measured["failed"])
    unasked = sorted({charge["reference"] for charge in ours} - placed.keys())
    succeeded = Counter(charge["reference"] for charge in ours if charge["status"] == "succeeded")
    return [
        *(f"order {id_} is lost: it stayed {status}" for id_, status in placed.items() if status not in FINAL),
        *(
            f"order {id_} is {status}, and was charged {succeeded[id_]} times"
            for id_, status in placed.items()
            if succeeded[id_] != (status == "paid")
        ),
        *(f"charge of {each}, which nobody ordered" for each in unasked[unanswered:]),
    ]


class Ledger:
    """Remembers what was charged before a load began."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._before = references(release.charges())

    def disagreements(self, measured: Mapping[str, Any]) -> Sequence[str]:
        return disagreements(measured, self._release.charges(), self._before)
