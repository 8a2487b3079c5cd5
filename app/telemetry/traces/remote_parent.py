"""Where the trace of a request comes from: its caller, or itself."""

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, format_span_id, format_trace_id

from app.telemetry.traces.sampling import begun


class Origin(NonRecordingSpan):
    """The span that a request begins under, recorded by its caller or by nobody: what is sent on carries its ids.

    Of a new trace the SpanContext is made only when it is asked for; most requests send nothing on.
    """

    def __init__(self, trace_id: str, span_id: str, *, sampled: bool, state: TraceState | None = None) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.sampled = sampled
        self._state = state
        self._made: SpanContext | None = None

    @classmethod
    def of(cls, parent: SpanContext) -> "Origin":
        """Who called."""
        sampled = parent.trace_flags.sampled
        origin = cls(format_trace_id(parent.trace_id), format_span_id(parent.span_id), sampled=sampled)
        origin._made = parent
        return origin

    def get_span_context(self) -> SpanContext:
        if self._made is None:
            state = self._state if self.sampled else None
            self._made = begun(self.trace_id, self.span_id, state, sampled=self.sampled)
        return self._made

    def unrecorded(self) -> NonRecordingSpan:
        """The same ids, for work of which nothing is to be recorded."""
        ids = self.get_span_context()
        flags = TraceFlags(ids.trace_flags & ~TraceFlags.SAMPLED)
        return NonRecordingSpan(SpanContext(ids.trace_id, ids.span_id, ids.is_remote, flags, ids.trace_state))

    def __repr__(self) -> str:
        return f"Origin({self.get_span_context()!r})"
