"""docs/telemetry.md: the inventory as tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from scripts.inventory import users
from scripts.inventory.model import Inventory, Metric

HEAD: Final = """# Telemetry

Every metric, log event and span. Made of [app/telemetry/inventory.yaml](../app/telemetry/inventory.yaml), which says
how to add one, and of the rules, dashboards and runbooks: `make generate`.

An embedded API, as `make run` starts it, does the work of worker and reconciler and emits theirs as well.
"""
METRICS: Final = """
## Metrics

On the admin port of each process: `GET /metrics`. Every label set whose values are known exists at 0 from the start.
Several API processes behind one port tell their sums, and so does a worker.

| metric | kind, unit | labels | what | by | used by |
|---|---|---|---|---|---|
"""
EVENTS: Final = """
## Log events

One JSON object a line on standard output.

| event | level | fields | what | by | used by |
|---|---|---|---|---|---|
"""
COMMON: Final = """
Beside those, any line may have:

| field | what |
|---|---|
"""
SPANS: Final = """
## Spans

Sent by OTLP over HTTP, of the traces that are sampled. Names and attributes are those of OpenTelemetry's semantic
conventions.

| span | kind | attributes | what | by |
|---|---|---|---|---|
"""


def page(inventory: Inventory) -> str:
    """The whole page."""
    by_metric = users.of_metrics()
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
        told = values.rstrip(".") if isinstance(values, str) else ", ".join(values)
        parts.append(f"`{label}`: {told}")
    return "<br>".join(parts)


def _runbooks_by_event(inventory: Inventory) -> Iterator[tuple[str, list[str]]]:
    texts = list(users.runbooks())
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
