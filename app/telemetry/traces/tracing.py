"""Traces: W3C Trace Context in and out, OTLP over HTTP, one provider a process.

The sampling decision falls before any instrumentation runs: an unsampled request keeps its trace id, for its log
lines and for what it sends on, and pays for nothing else.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.telemetry import context
from app.telemetry.context import WorkContext
from app.telemetry.traces import sampling
from app.telemetry.traces.remote_parent import Origin

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from app.settings import Settings
    from app.telemetry.metrics.traces import TraceMetrics
    from app.telemetry.traces.leaf_spans import Leaves

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_NOTHING: Final = nullcontext()


class Tracing:
    """The traces of one process. Without an endpoint nothing is recorded; trace ids exist all the same."""

    def __init__(self, settings: "Settings", process: str, metrics: "TraceMetrics | None" = None) -> None:
        self._ratio = sampling.Ratio(settings.traces_sample_ratio if settings.otlp_endpoint else 0.0)
        self.provider: TracerProvider | None = None
        self.tracer: trace.Tracer = trace.NoOpTracer()
        self._leaves: Leaves | None = None
        if settings.otlp_endpoint:
            # The SDK takes a tenth of a second and 6 MB, which a process that sends nowhere saves.
            from app.telemetry.traces import provider  # noqa: PLC0415

            self.provider = provider.make_provider(settings, process, self._ratio, metrics)
            self.tracer = self.provider.get_tracer("app", settings.version)
            self._leaves = provider.Leaves(self.provider, settings.version)

    def incoming(self, traceparent: str | None, tracestate: str | None = None) -> SpanContext:
        """Who called, or a new trace; its `sampled` flag is the decision for this request."""
        return (sampling.parse(traceparent, tracestate) if traceparent else None) or self._ratio.new_trace()

    def origin(self, traceparent: str | None, tracestate: str | None = None) -> Origin:
        """The same for a request, of which there are many: a new trace costs a third."""
        if traceparent is not None:
            return Origin.of(self.incoming(traceparent, tracestate))
        trace_id, span_id, sampled = self._ratio.new_ids()
        return Origin(trace_id, span_id, sampled=sampled, state=self._ratio.state)

    def records(self, parent: SpanContext) -> bool:
        """Whether work under this parent is recorded by this process."""
        return self.provider is not None and parent.trace_flags.sampled

    def recording(self) -> bool:
        """Whether the work under way is recorded. Asked by all that is traced, before anything that costs."""
        work = context.current()
        return work is not None and work.sampled

    @contextmanager
    def unrecorded(self, parent: SpanContext) -> Iterator[None]:
        """Keeps a trace id for what is sent on, at no other cost."""
        token = otel_context.attach(trace.set_span_in_context(NonRecordingSpan(parent)))
        try:
            yield
        finally:
            otel_context.detach(token)

    @contextmanager
    def consuming(self, name: str, traceparent: str, tracestate: str | None = None) -> Iterator[SpanContext]:
        """The span of a job, as a child of whoever asked for it, in whichever process it runs."""
        parent = self.incoming(traceparent, tracestate or None)
        if not self.records(parent):
            with self.unrecorded(parent):
                yield parent
            return
        origin = trace.set_span_in_context(NonRecordingSpan(parent))
        with self._recorded(name, SpanKind.CONSUMER, None, origin) as span:
            yield span.get_span_context()

    @contextmanager
    def arriving(self, headers: Mapping[str, str]) -> Iterator[None]:
        """Goes on with the work that a message comes from, if that is recorded."""
        parent = sampling.parse(headers.get("traceparent", ""), headers.get("tracestate"))
        if parent is None or not self.records(parent):
            yield
            return
        work = WorkContext("", f"{parent.trace_id:032x}", f"{parent.span_id:016x}", sampled=True)
        token = context.enter(work)
        try:
            with self.unrecorded(parent):
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
        """A span around a part of the work under way; nothing, and no cost, unless that is recorded.

        An error that is `expected` is an answer, and no fault of this part.
        """
        return self._recorded(name, kind, attributes, expected=expected) if self.recording() else _NOTHING

    def leaves(self) -> "Leaves":
        """What makes the cheaper spans of statements and commands. Raises ValueError where nothing is recorded."""
        if self._leaves is None:
            raise ValueError("nothing is recorded: there is no endpoint")
        return self._leaves

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """Adds the current context to what is sent on."""
        if trace.get_current_span().get_span_context().is_valid:
            _PROPAGATOR.inject(headers)
        elif current := traceparent():
            headers["traceparent"] = current

    def shutdown(self) -> None:
        """Sends what is left, for `exporting.SHUTDOWN_SECONDS` at most."""
        if self.provider is not None:
            self.provider.shutdown()

    @contextmanager
    def _recorded(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, str | int] | None,
        origin: otel_context.Context | None = None,
        expected: tuple[type[Exception], ...] = (),
    ) -> Iterator[Span]:
        span = self.tracer.start_span(name, origin, kind, attributes)
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield span
            except BaseException as error:
                if not isinstance(error, expected):
                    fail(span, error)
                raise


def fail(span: Span, error: BaseException) -> None:
    """Says that a span ended with an error: of which type, and no word of its message."""
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(StatusCode.ERROR)


def link(origin: str) -> None:
    """Links the current span to another one, given as a W3C header, such as that of what this one only hears of."""
    span = trace.get_current_span()
    other = sampling.parse(origin) if span.is_recording() else None
    if other is not None:
        span.add_link(other)


def traceparent() -> str:
    """The current context as a W3C header, to travel with a row or a message; empty outside of any work.

    Work that began here and is not recorded isn't in OpenTelemetry's context: its ids are its own, and random.
    """
    ids = trace.get_current_span().get_span_context()
    if ids.is_valid:
        return f"00-{ids.trace_id:032x}-{ids.span_id:016x}-{ids.trace_flags:02x}"
    work = context.current()
    return f"00-{work.trace_id}-{work.span_id}-02" if work is not None else ""


def tracestate() -> str:
    """What other vendors, and the sampling, have to say of the current trace; may be empty."""
    return trace.get_current_span().get_span_context().trace_state.to_header()
