"""Traces: W3C Trace Context in and out, OTLP over HTTP, one provider a process.

The sampling decision falls before any instrumentation runs: an unsampled request keeps its trace id, for its log
lines and for what it sends on, and pays for nothing else.
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from app.settings import Settings

EXPORT_TIMEOUT_SECONDS: Final = 2.0


class Tracing:
    """The traces of one process. Without an endpoint nothing is recorded; trace ids exist all the same."""

    def __init__(self, settings: "Settings", process: str) -> None:
        self._ratio = settings.traces_sample_ratio if settings.otlp_endpoint else 0.0
        self._propagator = TraceContextTextMapPropagator()
        self.provider: TracerProvider | None = None
        if settings.otlp_endpoint:
            exporter = OTLPSpanExporter(
                endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT_SECONDS
            )
            resource = Resource.create(
                {
                    "service.name": settings.service_name or f"binnacle-{process}",
                    "service.namespace": "binnacle",
                    "service.version": settings.version,
                    "deployment.environment.name": settings.environment,
                }
            )
            # Roots are decided by `incoming`; whatever reaches the SDK without a parent was meant to be recorded.
            self.provider = TracerProvider(sampler=ParentBased(ALWAYS_ON), resource=resource, shutdown_on_exit=False)
            self.provider.add_span_processor(BatchSpanProcessor(exporter))

    def incoming(self, traceparent: str | None) -> SpanContext:
        """Who called, or a new trace; its `sampled` flag is the decision for this request."""
        if traceparent is not None:
            parent = self._parse(traceparent)
            if parent.is_valid:
                return parent
        sampled = self._ratio > 0 and random.random() < self._ratio  # noqa: S311 -- no secret
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        return SpanContext(
            random.getrandbits(128) or 1, random.getrandbits(64) or 1, is_remote=False, trace_flags=flags
        )

    def records(self, parent: SpanContext) -> bool:
        """Whether work under this parent is recorded by this process."""
        return self.provider is not None and parent.trace_flags.sampled

    @contextmanager
    def unrecorded(self, parent: SpanContext) -> Iterator[None]:
        """Keeps a trace id for what is sent on, at no other cost."""
        token = otel_context.attach(trace.set_span_in_context(NonRecordingSpan(parent)))
        try:
            yield
        finally:
            otel_context.detach(token)

    @contextmanager
    def consuming(self, name: str, traceparent: str) -> Iterator[SpanContext]:
        """The span of a job, as a child of whoever asked for it, in whichever process it runs."""
        parent = self.incoming(traceparent)
        if self.provider is None or not parent.trace_flags.sampled:
            with self.unrecorded(parent):
                yield parent
            return
        tracer = self.provider.get_tracer("app")
        origin = trace.set_span_in_context(NonRecordingSpan(parent))
        with tracer.start_as_current_span(name, context=origin, kind=SpanKind.CONSUMER) as span:
            yield span.get_span_context()

    def traceparent(self) -> str:
        """The current context as a W3C header, to travel with a row or a message; empty outside of any work."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent", "")

    def shutdown(self) -> None:
        """Sends what is left, bounded by the exporter's own timeout."""
        if self.provider is not None:
            self.provider.shutdown()

    def _parse(self, traceparent: str) -> SpanContext:
        carrier: Mapping[str, str] = {"traceparent": traceparent}
        return trace.get_current_span(self._propagator.extract(carrier, otel_context.Context())).get_span_context()
