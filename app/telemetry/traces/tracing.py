"""Traces of a process: W3C Trace Context in and out, OTLP over HTTP.

The sampling decision is made before any instrumentation runs: an unsampled request keeps its trace id, for its log
lines and for the calls that it makes, and costs nothing else.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.telemetry import context
from app.telemetry.context import WorkContext
from app.telemetry.traces import sampling

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from app.settings import Settings
    from app.telemetry.metrics.traces import TraceMetrics
    from app.telemetry.traces.leaf_spans import LeafSpans

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_NO_SPAN: Final = nullcontext()


class Tracing:
    """Traces of one process. Without an endpoint no span is recorded; trace ids exist all the same."""

    def __init__(self, settings: "Settings", process: str, metrics: "TraceMetrics | None" = None) -> None:
        self.ratio = sampling.Ratio(settings.traces_sample_ratio if settings.otlp_endpoint else 0.0)
        self.provider: TracerProvider | None = None
        self.tracer: trace.Tracer = trace.NoOpTracer()
        self._leaf_spans: LeafSpans | None = None
        if settings.otlp_endpoint:
            # Importing the SDK takes a tenth of a second and 6 MB, which a process without spans saves.
            from app.telemetry.traces import leaf_spans  # noqa: PLC0415
            from app.telemetry.traces.provider import make_provider  # noqa: PLC0415

            self.provider = make_provider(settings, process, self.ratio, metrics)
            self.tracer = self.provider.get_tracer("app", settings.version)
            self._leaf_spans = leaf_spans.LeafSpans(self.provider, settings.version)

    def incoming(self, traceparent: str | None, tracestate: str | None = None) -> SpanContext:
        """Returns the caller's span, or the root of a new trace; its `sampled` flag is the decision."""
        return (sampling.parse(traceparent, tracestate) if traceparent else None) or self.ratio.new_trace()

    def records(self, parent: SpanContext) -> bool:
        """Returns whether this process records work under a parent."""
        return self.provider is not None and parent.trace_flags.sampled

    def recording(self) -> bool:
        """Returns whether the work under way is recorded. Clients check this before they build a span."""
        work = context.current()
        return work is not None and work.sampled

    @contextmanager
    def consuming(self, name: str, traceparent: str, tracestate: str | None = None) -> Iterator[SpanContext]:
        """Opens the consumer span of a job, as a child of the span that queued it."""
        parent = self.incoming(traceparent, tracestate or None)
        with trace.use_span(NonRecordingSpan(parent)):
            if self.records(parent):
                with self._recorded(name, SpanKind.CONSUMER) as span:
                    yield span.get_span_context()
            else:
                yield parent

    @contextmanager
    def arriving(self, headers: Mapping[str, str]) -> Iterator[None]:
        """Continues the trace of a message, if that is recorded."""
        parent = sampling.parse(headers.get("traceparent", ""), headers.get("tracestate"))
        if parent is None or not self.records(parent):
            yield
            return
        work = WorkContext("", f"{parent.trace_id:032x}", f"{parent.span_id:016x}", sampled=True)
        token = context.enter(work)
        try:
            with trace.use_span(NonRecordingSpan(parent)):
                yield
        finally:
            context.leave(token)

    def span(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, str | int] | None = None,
        expected: tuple[type[Exception], ...] = (),
    ) -> AbstractContextManager[Span | None]:
        """Opens a span around a part of the work under way; does nothing, at no cost, unless that is recorded.

        An `expected` exception does not set the span's status to error.
        """
        return self._recorded(name, kind, attributes, expected) if self.recording() else _NO_SPAN

    def leaf_spans(self) -> "LeafSpans":
        """Returns the factory of spans of statements and commands. Raises ValueError without an endpoint."""
        if self._leaf_spans is None:
            raise ValueError("no span is recorded: there is no endpoint")
        return self._leaf_spans

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """Adds the current trace context to the headers of a call."""
        if trace.get_current_span().get_span_context().is_valid:
            _PROPAGATOR.inject(headers)
        elif current := traceparent():
            headers["traceparent"] = current

    def shutdown(self) -> None:
        """Exports the remaining spans, for `exporting.SHUTDOWN_SECONDS` at most."""
        if self.provider is not None:
            self.provider.shutdown()

    @contextmanager
    def _recorded(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, str | int] | None = None,
        expected: tuple[type[Exception], ...] = (),
    ) -> Iterator[Span]:
        span = self.tracer.start_span(name, None, kind, attributes)
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield span
            except BaseException as error:
                if not isinstance(error, expected):
                    fail(span, error)
                raise


def fail(span: Span, error: BaseException) -> None:
    """Sets the status of a span to error, with the type of the exception and without its message."""
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(StatusCode.ERROR)


def record_exception(error: Exception) -> None:
    """Records an exception that is answered here on the current span."""
    trace.get_current_span().record_exception(error)


def link(header: str) -> None:
    """Links the current span to another one, given as the `traceparent` of an event that this one only observes."""
    span = trace.get_current_span()
    other = sampling.parse(header) if span.is_recording() else None
    if other is not None:
        span.add_link(other)


def traceparent() -> str:
    """Returns the current `traceparent`, to be stored with a row or a message; empty outside of any work.

    A trace that began here and is not recorded is not in OpenTelemetry's context: its ids are in the work context.
    """
    ids = trace.get_current_span().get_span_context()
    if ids.is_valid:
        return f"00-{ids.trace_id:032x}-{ids.span_id:016x}-{ids.trace_flags:02x}"
    work = context.current()
    return f"00-{work.trace_id}-{work.span_id}-02" if work is not None else ""


def tracestate() -> str:
    """Returns the current `tracestate`: entries of other vendors and of the sampling; may be empty."""
    return trace.get_current_span().get_span_context().trace_state.to_header()
