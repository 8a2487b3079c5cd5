"""The SDK's provider of one process. Imported only where spans are recorded."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes
from prometheus_client import CollectorRegistry

from app.telemetry import context
from app.telemetry.metrics.traces import TraceMetrics
from app.telemetry.traces.encoding import SpanSender
from app.telemetry.traces.exporting import EXPORT_SECONDS, SpanQueue
from app.telemetry.traces.leaf_spans import Leaves
from app.telemetry.traces.sampling import Ratio

__all__ = ["Leaves", "make_provider"]

if TYPE_CHECKING:
    from app.settings import Settings


def make_provider(settings: "Settings", process: str, ratio: Ratio, metrics: TraceMetrics | None) -> TracerProvider:
    """A provider that sends to the endpoint of the settings. To be made after a fork: it has a thread."""
    # Read once a process, by whatever is instrumented first; spans would carry names that the conventions dropped.
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    resource = Resource.create(
        {
            "service.name": settings.service_name or f"binnacle-{process}",
            "service.namespace": "binnacle",
            "service.version": settings.version,
            "deployment.environment.name": settings.environment,
        }
    )
    provider = TracerProvider(Decided(ratio.state), resource, shutdown_on_exit=False, id_generator=WorkIds())
    endpoint = f"{str(settings.otlp_endpoint).rstrip('/')}/v1/traces"
    sender = SpanSender(endpoint, EXPORT_SECONDS)
    provider.add_span_processor(SpanQueue(sender, metrics or TraceMetrics(CollectorRegistry())))
    return provider


class Decided(Sampler):
    """Records whatever gets here: `Tracing.incoming` decided of it, and what it refused never asks for a span."""

    def __init__(self, state: TraceState) -> None:
        self._state = state

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        del trace_id, name, kind, links, trace_state
        parent = get_current_span(parent_context).get_span_context()
        if not parent.is_valid:
            work = context.current()  # which begins here, and is not in OpenTelemetry's context unless it is recorded
            if work is not None and not work.sampled:
                return SamplingResult(Decision.DROP, attributes)
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, self._state)
        decision = Decision.RECORD_AND_SAMPLE if parent.trace_flags.sampled else Decision.DROP
        return SamplingResult(decision, attributes, parent.trace_state)

    def get_description(self) -> str:
        return "Decided"


class WorkIds(RandomIdGenerator):
    """Random ids, but for a root: its trace id is the one by which its work was chosen, and which its lines carry."""

    def generate_trace_id(self) -> int:
        work = context.current()
        return int(work.trace_id, 16) if work is not None else super().generate_trace_id()
