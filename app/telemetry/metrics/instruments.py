"""Counters, gauges and histograms with the values of each label; every combination of them exists from the start.

`rate` does not see the first increase of a series that did not exist. A label without values gets them later.
"""

from collections.abc import Iterable
from itertools import product
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

M = TypeVar("M", bound=MetricWrapperBase)


def counter(registry: CollectorRegistry, name: str, about: str, /, **labels: Iterable[str]) -> Counter:
    """Registers a counter."""
    return _with_series(Counter(name, about, tuple(labels), registry=registry), labels)


def gauge(registry: CollectorRegistry, name: str, about: str, /, **labels: Iterable[str]) -> Gauge:
    """Registers a gauge, which several processes export as the sum over those that live."""
    made = Gauge(name, about, tuple(labels), registry=registry, multiprocess_mode="livesum")
    return _with_series(made, labels)


def histogram(
    registry: CollectorRegistry, name: str, about: str, buckets: tuple[float, ...], /, **labels: Iterable[str]
) -> Histogram:
    """Registers a histogram with the upper bounds of its buckets."""
    return _with_series(Histogram(name, about, tuple(labels), registry=registry, buckets=buckets), labels)


def _with_series(metric: M, labels: dict[str, Iterable[str]]) -> M:
    for values in product(*labels.values()) if labels else ():
        metric.labels(*values)
    return metric
