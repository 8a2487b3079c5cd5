"""What a process says of itself, kept for a test: its log lines, its spans, its metrics."""

import contextlib
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import structlog
from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

from app.settings import read
from app.telemetry import logs
from app.telemetry.metrics import HttpMetrics
from app.telemetry.requests.instrumentation import observe
from app.telemetry.requests.layer import TelemetryLayer
from app.telemetry.traces.tracing import Tracing

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
SAMPLED = {"traceparent": f"{CALLER}-01"}
UNSAMPLED = {"traceparent": f"{CALLER}-00"}


@dataclass(slots=True)
class Logs:
    """The lines that were written since the start."""

    stream: io.BytesIO = field(default_factory=io.BytesIO)

    @property
    def text(self) -> str:
        return self.stream.getvalue().decode()

    def lines(self, event: str | None = None) -> list[dict[str, Any]]:
        parsed = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in parsed if event is None or line["event"] == event]


@contextlib.contextmanager
def recorded_logs(level: str = "info", style: str = "json") -> Iterator[Logs]:
    """Sets logs up as every process does, and keeps what they write."""
    recorded = Logs()
    root = logging.getLogger()
    handlers, threshold, configuration = root.handlers[:], root.level, structlog.get_config()
    with contextlib.redirect_stdout(io.TextIOWrapper(recorded.stream, write_through=True)) as stdout:
        logs.configure(level, style)
    try:
        yield recorded
    finally:
        stdout.detach()
        root.handlers[:] = handlers
        root.setLevel(threshold)
        structlog.configure(**configuration)


@dataclass(frozen=True, slots=True)
class Observed:
    """A small application inside of the layer."""

    layer: TelemetryLayer
    client: httpx2.AsyncClient
    registry: CollectorRegistry
    exporter: InMemorySpanExporter

    def counted(self, method: str, route: str, status: int) -> float | None:
        labels = {"method": method, "route": route, "status": str(status)}
        return self.registry.get_sample_value("http_requests_total", labels)

    def requests(self) -> dict[tuple[str, str, str], float]:
        """(method, route, status) of all that was counted, and how often."""
        return {
            (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == "http_requests_total" and sample.value
        }

    def exposition(self) -> str:
        return generate_latest(self.registry).decode()

    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()


def spans_of(tracing: Tracing) -> InMemorySpanExporter:
    """Where the spans of a process arrive, as soon as they end."""
    exporter = InMemorySpanExporter()
    if tracing.provider is None:
        raise ValueError("tracing needs an endpoint")
    tracing.provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@contextlib.asynccontextmanager
async def observed(app: FastAPI, endpoint: str, **settings: Any) -> AsyncIterator[Observed]:
    """The application as it would be served, with traces that go to `endpoint`."""
    chosen = read(otlp_endpoint=endpoint, _env_file=None, **settings)
    tracing = Tracing(chosen, "api")
    registry = CollectorRegistry()
    exporter = spans_of(tracing)
    layer = observe(app, metrics=HttpMetrics(registry), tracing=tracing)
    transport = httpx2.ASGITransport(app=layer)
    try:
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            yield Observed(layer, client, registry, exporter)
    finally:
        tracing.shutdown()
