"""Metric families of registries: name, kind, help text, labels and buckets."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """One family. `labels` are in order of declaration; `buckets` are without +Inf."""

    kind: str
    about: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()


def metric_families(registry: CollectorRegistry) -> dict[str, MetricFamily]:
    """Returns every family by its exposed name, such as `http_requests_total`."""
    collectors = set(registry._collector_to_names)  # noqa: SLF001 -- the only source of labels without a series
    found: dict[str, MetricFamily] = {}
    for collector in collectors:
        if isinstance(collector, MetricWrapperBase):
            kind = str(collector._type)  # noqa: SLF001
            name = _exposed(collector._name, kind)  # noqa: SLF001
            bounds = tuple(bound for bound in getattr(collector, "_upper_bounds", ()) if bound != math.inf)
            found[name] = MetricFamily(kind, collector._documentation, collector._labelnames, bounds)  # noqa: SLF001
            continue
        for family in collector.collect():
            kind = str(family.type)
            labels = tuple(name for name in _labels(family.samples) if name != "le")
            limits = {float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels} - {math.inf}
            found[_exposed(family.name, kind)] = MetricFamily(kind, family.documentation, labels, tuple(sorted(limits)))
    return found


def _exposed(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" and not name.endswith("_total") else name


def _labels(samples: Iterable[object]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for sample in samples:
        names |= dict.fromkeys(getattr(sample, "labels", {}))
    return tuple(names)
