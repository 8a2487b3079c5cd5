"""Sampling: decided once, when a request or job arrives, and followed by all that it causes.

The decision of a caller is followed, so that a trace is recorded whole or not at all. A new trace is decided by the 56
random bits of its id against a threshold that `tracestate` carries: services that decide about the same trace agree,
and a back end knows how many traces each one stands for.
https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
"""

import random
import re
from typing import Final

from opentelemetry.trace import SpanContext, TraceFlags, TraceState, format_span_id, format_trace_id

# https://www.w3.org/TR/trace-context-2/
_TRACEPARENT: Final = re.compile(r"[ \t]*([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?[ \t]*")
LONGEST_TRACESTATE: Final = 512
_RANDOM_BITS: Final = 56
_RANDOM: Final = TraceFlags(TraceFlags.RANDOM_TRACE_ID)
_RANDOM_SAMPLED: Final = TraceFlags(TraceFlags.RANDOM_TRACE_ID | TraceFlags.SAMPLED)


class Ratio:
    """Share of new traces that is recorded. `state` is the `tracestate` of those."""

    def __init__(self, share: float) -> None:
        self._threshold = round((1 - share) * (1 << _RANDOM_BITS))
        digits = f"{self._threshold:014x}".rstrip("0") or "0"
        self.state = TraceState([("ot", f"th:{digits}")])

    def new_trace(self) -> SpanContext:
        """Returns the root of a new trace, with its sampling decision."""
        trace_id, span_id, sampled = self.new_ids()
        return root_of(trace_id, span_id, self.state if sampled else None)

    def new_ids(self) -> tuple[str, str, bool]:
        """Returns trace id, span id and decision of a new trace, in a third of the time of `new_trace`.

        The ids are hexadecimal.
        """
        ids = random.randbytes(24).hex()  # noqa: S311 -- no secret
        return ids[:32], ids[32:], int(ids[18:32], 16) >= self._threshold


def ids_of(span: SpanContext) -> tuple[str, str, bool]:
    """Returns trace id, span id and decision of a span. The ids are hexadecimal."""
    return format_trace_id(span.trace_id), format_span_id(span.span_id), span.trace_flags.sampled


def root_of(trace_id: str, span_id: str, state: TraceState | None) -> SpanContext:
    """Returns the root of a trace, sampled if it has a state, from ids in hexadecimal."""
    flags = _RANDOM if state is None else _RANDOM_SAMPLED
    return SpanContext(int(trace_id, 16) or 1, int(span_id, 16) or 1, False, flags, state)  # noqa: FBT003


def child_of(parent: SpanContext) -> SpanContext:
    """Returns a new span of the same trace in this process."""
    flags = TraceFlags(parent.trace_flags & _RANDOM_SAMPLED)
    return SpanContext(parent.trace_id, random.getrandbits(64) or 1, False, flags, parent.trace_state)  # noqa: FBT003


def unsampled(span: SpanContext) -> SpanContext:
    """Returns the same ids with the decision not to record."""
    flags = TraceFlags(span.trace_flags & ~TraceFlags.SAMPLED)
    return SpanContext(span.trace_id, span.span_id, span.is_remote, flags, span.trace_state)


def parse(traceparent: str, tracestate: str | None = None) -> SpanContext | None:
    """Parses W3C headers; None for an invalid traceparent. An invalid or too long tracestate is ignored."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    state = TraceState.from_header([tracestate]) if tracestate and len(tracestate) <= LONGEST_TRACESTATE else None
    context = SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(flags, 16)),
        trace_state=state,
    )
    return context if context.is_valid else None
