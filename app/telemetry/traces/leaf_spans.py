"""Leaf spans: spans without children that nobody writes to while they last, such as that of a statement.

Each is created once, at its end, without the SDK's sampler, locks and checks of attributes: half of the price.
"""

import time
from collections.abc import Mapping
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan, Tracer, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span

from app.telemetry.traces.sampling import child_of

_UNSET: Final = Status()
_ERROR: Final = Status(StatusCode.ERROR)


class LeafSpans:
    """Creates leaf spans below the current span, which must be recorded.

    Raises TypeError when the SDK is disabled.
    """

    def __init__(self, provider: TracerProvider, version: str) -> None:
        self._scope = InstrumentationScope("app", version)
        tracer = provider.get_tracer("app", version)
        if not isinstance(tracer, Tracer):
            raise TypeError("OTEL_SDK_DISABLED: without the SDK there are no spans; leave the endpoint out instead")
        self._tracer = tracer

    def make(self, name: str, attributes: Mapping[str, str | int], started: int) -> None:
        """Ends a client span that started at `started`, `time.time_ns()`. With an `error.type` its status is error."""
        parent = get_current_span().get_span_context()
        tracer = self._tracer
        tracer.span_processor.on_end(
            ReadableSpan(
                name,
                child_of(parent),
                parent,
                tracer.resource,
                attributes,
                kind=SpanKind.CLIENT,
                status=_ERROR if "error.type" in attributes else _UNSET,
                start_time=started,
                end_time=time.time_ns(),
                instrumentation_scope=self._scope,
            )
        )
