"""Spans that nothing hangs below and nobody writes to while they last, such as a statement's.

They need none of what the SDK does for a span that others may get hold of (a sampler, a lock, a check of each
attribute): they are made once, at their end.
"""

import time
from collections.abc import Mapping
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan, Tracer, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span

from app.telemetry.traces.sampling import below

_UNSET: Final = Status()
_ERROR: Final = Status(StatusCode.ERROR)


def sdk_tracer(provider: TracerProvider, scope: InstrumentationScope) -> Tracer:
    """A tracer whose processors can be given spans that are over. Raises TypeError when the SDK is switched off."""
    tracer = provider.get_tracer(scope.name, scope.version, schema_url=scope.schema_url)
    if not isinstance(tracer, Tracer):
        raise TypeError("OTEL_SDK_DISABLED: without the SDK there are no spans; leave the endpoint out instead")
    return tracer


class Leaves:
    """Makes them, of recorded work: below its current span."""

    def __init__(self, provider: TracerProvider, version: str) -> None:
        self._scope = InstrumentationScope("app", version)
        self._tracer = sdk_tracer(provider, self._scope)

    def make(
        self, name: str, attributes: Mapping[str, str | int], started: int, *, kind: SpanKind = SpanKind.CLIENT
    ) -> None:
        """A span from `started`, of `time.time_ns()`, until now. With an `error.type` it failed."""
        parent = get_current_span().get_span_context()
        tracer = self._tracer
        tracer.span_processor.on_end(
            ReadableSpan(
                name,
                below(parent),
                parent,
                tracer.resource,
                attributes,
                kind=kind,
                status=_ERROR if "error.type" in attributes else _UNSET,
                start_time=started,
                end_time=time.time_ns(),
                instrumentation_scope=self._scope,
            )
        )
