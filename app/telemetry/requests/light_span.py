"""Light server span for the instrumentation: a dict until its end, without the SDK's sampler, locks and checks.

With the SDK's own span a sampled request costs 57 µs more, which at 10 % sampling adds 0.06 to the ratio that
docs/telemetry-cost.md limits to 1.45.
"""

import time
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace import Tracer as SDKTracer
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TraceState,
    format_span_id,
    get_current_span,
)
from opentelemetry.util.types import Attributes, AttributeValue

from app.telemetry import context as work_context
from app.telemetry.errors import exceptions
from app.telemetry.traces.sampling import child_of, root_of

_UNSET = Status()


class LightTracer(Tracer):
    """Starts the span of a sampled request: a child of the caller's span, or the root of its trace.

    The instrumentation takes it for an internal span when the caller's is the current one, so `kind` is ignored.
    """

    def __init__(self, sdk: SDKTracer, state: TraceState) -> None:
        self._sdk = sdk
        self._state = state

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,  # noqa: ARG002 -- see above
        attributes: Attributes = None,
        *_more: Any,
        **_options: Any,
    ) -> Span:
        caller, work = get_current_span(context).get_span_context(), work_context.current()
        if work is None:
            raise LookupError("only work under way has a server span")
        if not caller.is_valid:
            return LightSpan(self._sdk, name, root_of(work.trace_id, work.span_id, self._state), None, attributes)
        ids = child_of(caller)
        work.span_id = format_span_id(ids.span_id)
        return LightSpan(self._sdk, name, ids, caller, attributes)

    def start_as_current_span(self, *arguments: Any, **options: Any) -> Any:
        return self._sdk.start_as_current_span(*arguments, **options)


class LightSpan(ReadableSpan, Span):
    """Span that one request writes to and that ignores writes after its end."""

    def __init__(
        self, sdk: SDKTracer, name: str, ids: SpanContext, parent: SpanContext | None, attributes: Attributes
    ) -> None:
        self._values: dict[str, AttributeValue] = dict(attributes or {})
        self._noted: list[Event] = []
        self._linked: list[Link] = []
        super().__init__(
            name,
            ids,
            parent,
            sdk.resource,
            self._values,
            self._noted,
            self._linked,
            SpanKind.SERVER,
            status=_UNSET,
            start_time=time.time_ns(),
            instrumentation_scope=sdk._instrumentation_scope,  # noqa: SLF001 -- as the SDK's own span has it
        )
        self._ids = ids
        self._processor = sdk.span_processor
        self._recorded: BaseException | None = None

    def get_span_context(self) -> SpanContext:
        return self._ids

    def is_recording(self) -> bool:
        return self._end_time is None

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        if self._end_time is None:
            self._values[key] = value

    def set_attributes(self, attributes: Any) -> None:
        if self._end_time is None:
            self._values.update(attributes)

    def update_name(self, name: str) -> None:
        if self._end_time is None:
            self._name = name

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        if self._end_time is None:
            self._noted.append(Event(name, attributes, timestamp))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        if self._end_time is None:
            self._linked.append(Link(context, attributes))

    def record_exception(self, exception: BaseException, *_more: Any, **_options: Any) -> None:
        """Records the type alone, and once, though several layers see an exception pass."""
        if exception is not self._recorded:
            self._recorded = exception
            name = exceptions.chain(exception)[0].name
            self.add_event("exception", {"exception.type": name, "exception.escaped": "False"})
            self.set_status(StatusCode.ERROR)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:  # noqa: ARG002 -- private
        code = status.status_code if isinstance(status, Status) else status
        if self._end_time is None and code is not StatusCode.UNSET:
            self._status = Status(code)

    def end(self, end_time: int | None = None) -> None:
        if self._end_time is None:
            self._end_time, self._recorded = end_time or time.time_ns(), None
            self._processor.on_end(self)
