"""Exported metrics as the inventory lists them, which the service's own tests hold equal to what it exports."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

INVENTORY: Final = Path(__file__).parents[1] / "app/telemetry/inventory.yaml"
# What Prometheus adds about each target.
SCRAPE: Final = ("up", "scrape_duration_seconds", "scrape_samples_scraped")

# Metrics that no board and no rule needs, and why.
NOT_SHOWN: Final[Mapping[str, str]] = {
    "process_virtual_memory_bytes": "Reserved addresses are no cost; the resident memory is shown.",
    "python_gc_objects_collected_total": "The collections, which stop the process, are shown.",
    "python_gc_objects_uncollectable_total": "Python has freed such objects since 3.4.",
    "python_info": "The version of Python belongs to the image, whose revision is shown.",
}


def series() -> Mapping[str, frozenset[str]]:
    """Returns the label names of every series by its name, such as `http_requests_total`."""
    exported = {name: frozenset(labels) for family in _metrics() for name, labels in _series(*family)}
    return exported | dict.fromkeys(SCRAPE, frozenset())


def buckets() -> Mapping[str, tuple[float, ...]]:
    """Returns the upper bounds in seconds of every histogram by its name, ascending, without +Inf."""
    return {name: tuple(map(float, metric["buckets"])) for name, metric in _metrics() if metric["kind"] == "histogram"}


def families() -> frozenset[str]:
    """Returns the name of every metric as the inventory has it."""
    return frozenset(name for name, _ in _metrics())


def _series(name: str, metric: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    labels = tuple(metric.get("labels", ()))
    if metric["kind"] == "histogram":
        yield f"{name}_bucket", (*labels, "le")
        yield f"{name}_count", labels
        yield f"{name}_sum", labels
    else:
        yield name, labels


def _metrics() -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))["metrics"].items()
