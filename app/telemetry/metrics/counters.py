"""Counters whose label values are known."""

from collections.abc import Iterable
from itertools import product

from prometheus_client import CollectorRegistry, Counter


def counter(registry: CollectorRegistry, name: str, about: str, **labels: Iterable[str]) -> Counter:
    """Registers a counter with the values of each label; every combination of them exists at 0 from the start."""
    made = Counter(name, about, tuple(labels), registry=registry)
    if labels:
        for values in product(*labels.values()):
            made.labels(*values)
    return made
