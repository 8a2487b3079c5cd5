"""The span of a job: a child of the span that requested it, and the parent of its statements and calls."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from app.infra.outbox.repository import Claim
from app.telemetry import context
from app.telemetry.context import WorkContext
from app.telemetry.traces import sampling
from app.telemetry.traces.tracing import Tracing

_FAILED = ("later", "dead")


@contextmanager
def job(tracing: Tracing, traceparent: str, tracestate: str = "") -> Iterator[WorkContext]:
    """Opens the span of a job: under the notification's trace before the message is claimed, else under its own."""
    with tracing.consuming("process outbox", traceparent, tracestate) as ids:
        work = WorkContext("", format_trace_id(ids.trace_id), format_span_id(ids.span_id), tracing.records(ids))
        token = context.enter(work)
        try:
            yield work
        finally:
            context.leave(token)


def claimed(claim: Claim) -> None:
    """Sets the message's attributes, and links to its trace if that differs from the notification's."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    span.update_name(f"process {claim.topic}")
    span.set_attributes(
        {
            "messaging.system": "outbox",
            "messaging.destination.name": claim.topic,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.message.id": str(claim.message_id),
        }
    )
    origin = sampling.parse(claim.traceparent)
    if origin is not None and origin.trace_id != span.get_span_context().trace_id:
        span.add_link(origin)


def ended(outcome: str) -> None:
    """Sets the outcome. A failed try is an error, even if the next one may succeed."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute("binnacle.job.outcome", outcome)
        if outcome in _FAILED:
            span.set_status(StatusCode.ERROR)
