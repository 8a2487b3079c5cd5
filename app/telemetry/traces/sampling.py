"""Who is recorded: decided once, at the door, and the same for all that follows.

A caller's decision is ours: a trace is whole or not there. A new trace is decided by its id, its 56 random bits against
a threshold that `tracestate` then tells: two services that decide about the same trace come to the same, and who counts
spans knows how many each stands for. https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
"""

import random
import re
from typing import Final

from opentelemetry.trace import SpanContext, TraceFlags, TraceState

# https://www.w3.org/TR/trace-context-2/
_TRACEPARENT: Final = re.compile(r"[ \t]*([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?[ \t]*")
LONGEST_TRACESTATE: Final = 512
_RANDOM_BITS: Final = 56
_RANDOM: Final = TraceFlags(TraceFlags.RANDOM_TRACE_ID)
_RANDOM_SAMPLED: Final = TraceFlags(TraceFlags.RANDOM_TRACE_ID | TraceFlags.SAMPLED)


class Ratio:
    """The share of new traces that is recorded. `state` is what `tracestate` tells of it."""

    def __init__(self, share: float) -> None:
        self._threshold = round((1 - share) * (1 << _RANDOM_BITS))
        digits = f"{self._threshold:014x}".rstrip("0") or "0"
        self.state = TraceState([("ot", f"th:{digits}")])

    def new_trace(self) -> SpanContext:
        """An id, and whether it is recorded."""
        trace_id, span_id, sampled = self.new_ids()
        return begun(trace_id, span_id, self.state if sampled else None, sampled=sampled)

    def new_ids(self) -> tuple[str, str, bool]:
        """The same as text: the ids of a trace and of a span in it, and whether it is recorded."""
        ids = random.randbytes(24).hex()  # noqa: S311 -- no secret
        return ids[:32], ids[32:], int(ids[18:32], 16) >= self._threshold


def begun(trace_id: str, span_id: str, state: TraceState | None, *, sampled: bool) -> SpanContext:
    """A trace that begins here, of ids in hexadecimal."""
    flags = _RANDOM_SAMPLED if sampled else _RANDOM
    ids = int(trace_id, 16) or 1, int(span_id, 16) or 1
    return SpanContext(*ids, is_remote=False, trace_flags=flags, trace_state=state)


def below(parent: SpanContext) -> SpanContext:
    """A span of ours below another: of the same trace, with an id of its own."""
    flags = TraceFlags(parent.trace_flags & _RANDOM_SAMPLED)
    return SpanContext(parent.trace_id, random.getrandbits(64) or 1, False, flags, parent.trace_state)  # noqa: FBT003


def parse(traceparent: str, tracestate: str | None = None) -> SpanContext | None:
    """Who called; None when the header makes no sense. A tracestate that makes none, or is too long, is left out."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    context = SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(flags, 16)),
        trace_state=_state(tracestate) if tracestate else None,
    )
    return context if context.is_valid else None


def _state(tracestate: str) -> TraceState | None:
    return TraceState.from_header([tracestate]) if len(tracestate) <= LONGEST_TRACESTATE else None
