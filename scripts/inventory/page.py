"""Formats the inventory as the page docs/telemetry.md."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from scripts.inventory import usage
from scripts.inventory.model import Inventory, Metric

HEAD: Final = """# Telemetry

Inventory of every metric, log event and span. `make generate` builds this page from
[app/telemetry/inventory.yaml](../app/telemetry/inventory.yaml), which explains how to add an entry, and from the rules,
dashboards and runbooks that use them.

An embedded API, as started by `make run`, also does the work of the worker and the reconciler, and emits their
telemetry.
"""
METRICS: Final = """
## Metrics

`GET /metrics` on the admin port of each process. Every label set whose values are known in advance exists at 0 from the
start. With several processes behind one admin port, as in the worker, the values are sums over all of them.

| metric | kind, unit | labels | description | emitted by | used by |
|---|---|---|---|---|---|
"""
EVENTS: Final = """
## Log events

Standard output, one JSON object per line.

| event | level | fields | description | emitted by | used by |
|---|---|---|---|---|---|
"""
COMMON: Final = """
Fields that any line may have:

| field | description |
|---|---|
"""
SPANS: Final = """
## Spans

Spans of sampled traces, exported by OTLP over HTTP. Names and attributes follow OpenTelemetry's semantic conventions.

| span | kind | attributes | description | emitted by |
|---|---|---|---|---|
"""


def page(inventory: Inventory) -> str:
    """Formats the whole page."""
    by_metric = usage.metric_users()
    text = HEAD + METRICS
    for name, metric in inventory.metrics.items():
        kind = f"{metric.kind}, {metric.unit}"
        cells = [_code(name), kind, _labels(metric), metric.about, _plain(metric.processes)]
        text += _row([*cells, "<br>".join(by_metric.get(name, []))])
    text += EVENTS
    by_event = dict(_runbooks_by_event(inventory))
    for name, event in inventory.events.items():
        cells = [_code(name), _plain(event.level), _codes(event.fields), event.about, _plain(event.processes)]
        text += _row([*cells, "<br>".join(by_event.get(name, []))])
    text += COMMON + "".join(_row([_code(name), about]) for name, about in inventory.common_fields.items())
    text += SPANS
    for span in inventory.spans.values():
        text += _row([_codes(span.names), span.kind, _codes(span.attributes), span.about, _plain(span.processes)])
    return text


def _labels(metric: Metric) -> str:
    parts = []
    for label, values in metric.labels.items():
        text = values.rstrip(".") if isinstance(values, str) else ", ".join(values)
        parts.append(f"`{label}`: {text}")
    return "<br>".join(parts)


def _runbooks_by_event(inventory: Inventory) -> Iterator[tuple[str, list[str]]]:
    texts = list(usage.runbooks())
    for name in inventory.events:
        found = [f"runbook {heading}" for heading, text in texts if f'"{name}"' in text or f"`{name}`" in text]
        if found:
            yield name, found


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n".replace("|  |", "| |")


def _code(name: str) -> str:
    return f"`{name}`"


def _codes(names: Sequence[str] | Mapping[str, object]) -> str:
    return ", ".join(map(_code, names))


def _plain(words: Sequence[str]) -> str:
    return ", ".join(words)
