"""OpenTelemetry SDK's provider of a process. Imported only where spans are recorded."""

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
from app.telemetry.traces.sampling import Ratio

if TYPE_CHECKING:
    from app.settings import Settings


def make_provider(settings: "Settings", process: str, ratio: Ratio, metrics: TraceMetrics | None) -> TracerProvider:
    """Returns a provider that exports to the endpoint of the settings. Call this after a fork: it starts a thread."""
    # Read once a process by the first instrumentation; without it spans carry names that the conventions dropped.
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    resource = Resource.create(
        {
            "service.name": settings.service_name or f"binnacle-{process}",
            "service.namespace": "binnacle",
            "service.version": settings.version,
            "deployment.environment.name": settings.environment,
        }
    )
    provider = TracerProvider(DecidedSampler(ratio.state), resource, shutdown_on_exit=False, id_generator=WorkIds())
    endpoint = f"{str(settings.otlp_endpoint).rstrip('/')}/v1/traces"
    sender = SpanSender(endpoint, EXPORT_SECONDS)
    provider.add_span_processor(SpanQueue(sender, metrics or TraceMetrics(CollectorRegistry())))
    return provider


class DecidedSampler(Sampler):
    """Follows the decision of the parent, or of the work under way: unsampled work rarely asks for a span at all."""

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
        parent, work = get_current_span(parent_context).get_span_context(), context.current()
        if parent.is_valid:
            decision = Decision.RECORD_AND_SAMPLE if parent.trace_flags.sampled else Decision.DROP
            return SamplingResult(decision, attributes, parent.trace_state)
        if work is not None and not work.sampled:  # its trace begins here, and is not in OpenTelemetry's context yet
            return SamplingResult(Decision.DROP, attributes)
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, self._state)

    def get_description(self) -> str:
        return "DecidedSampler"


class WorkIds(RandomIdGenerator):
    """Random ids, except the trace id of a root span: it is the one that work was sampled by and logs."""

    def generate_trace_id(self) -> int:
        work = context.current()
        return int(work.trace_id, 16) if work is not None else super().generate_trace_id()
