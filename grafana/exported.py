"""Exported metrics, read from the registries of the service: names, labels and bucket bounds."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from app.processes.handlers import TOPICS
from app.telemetry.metrics import (
    BacklogMetrics,
    DependencyMetrics,
    HttpMetrics,
    JobMetrics,
    OrderMetrics,
    OutboxMetrics,
    ReadinessMetrics,
    process,
)


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    process.register_build(registry, version="", revision="")
    process.register_process(registry)
    http = HttpMetrics(registry)
    http.declare([("GET", "/", ("200",))])
    ReadinessMetrics(registry)
    OrderMetrics(registry)
    DependencyMetrics(registry).declare_calls("payments", ["charge"], ["ok"])
    JobMetrics(registry, TOPICS)
    BacklogMetrics(registry, TOPICS)
    OutboxMetrics(registry)
    return registry


def series() -> Mapping[str, frozenset[str]]:
    """Returns the label names of every series by its name, such as `http_requests_total`."""
    labels: dict[str, frozenset[str]] = {}
    for family in _registry().collect():
        for sample in family.samples:
            labels[sample.name] = labels.get(sample.name, frozenset()) | frozenset(sample.labels)
    return labels


def buckets() -> Mapping[str, tuple[float, ...]]:
    """Returns the upper bounds in seconds of every histogram by its name, ascending, without +Inf."""
    bounds: dict[str, set[float]] = {}
    for family in _registry().collect():
        for sample in family.samples:
            if family.type == "histogram" and "le" in sample.labels:
                bounds.setdefault(family.name, set()).add(float(sample.labels["le"]))
    return {name: tuple(sorted(found - {float("inf")})) for name, found in bounds.items()}
