"""The span of a request that is recorded, whoever says what it tells: a dict until its end, and handed over once.

The decision has fallen, and nobody else writes to the span while its request is answered, so that it needs neither the
SDK's sampler nor its locks.
"""

import time
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import Attributes, AttributeValue

from app.telemetry.requests.spans import record
from app.telemetry.traces.leaf_spans import sdk_tracer
from app.telemetry.traces.remote_parent import Origin
from app.telemetry.traces.sampling import below

_UNSET = Status()


class ServerSpan(Span):
    """A child of who called, or the root that was decided on. What is said of it after its end is not heard."""

    kind = SpanKind.SERVER

    def __init__(self, recorder: "Recorder", origin: Origin, name: str, attributes: dict[str, AttributeValue]) -> None:
        caller = origin.get_span_context()
        self._recorder = recorder
        self.name = name
        self.context: SpanContext = below(caller) if caller.is_remote else caller
        self.parent = caller if caller.is_remote else None
        self.attributes = attributes
        self.events: list[Event] = []
        self.links: list[Link] = []
        self.status = _UNSET
        self.recording = True
        self._passing: BaseException | None = None
        self.started = time.time_ns()

    def get_span_context(self) -> SpanContext:
        return self.context

    def is_recording(self) -> bool:
        return self.recording

    def set_attribute(self, key: str, value: Any) -> None:
        if self.recording:
            self.attributes[key] = value

    def set_attributes(self, attributes: Any) -> None:
        if self.recording:
            self.attributes.update(attributes)

    def update_name(self, name: str) -> None:
        self.name = name

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        if self.recording:
            self.events.append(Event(name, attributes, timestamp))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        if self.recording:
            self.links.append(Link(context, attributes))

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,  # noqa: ARG002 -- OpenTelemetry's signature, and what it tells may hold anything
        timestamp: int | None = None,  # noqa: ARG002
        escaped: bool = False,  # noqa: ARG002, FBT001, FBT002
    ) -> None:
        """Once, though several layers see it go by."""
        if self.recording and exception is not self._passing:
            self._passing = exception
            record(self, exception)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:  # noqa: ARG002 -- as above
        """Ok is final, and nothing is ever unset again."""
        code = status.status_code if isinstance(status, Status) else status
        if code is not StatusCode.UNSET and self.status.status_code is not StatusCode.OK:
            self.status = Status(code)

    def end(self, end_time: int | None = None) -> None:
        if self.recording:
            self.recording, self._passing = False, None
            self._recorder.take(self, end_time or time.time_ns())


class Recorder:
    """Hands spans over to what sends them."""

    def __init__(self, provider: TracerProvider, scope: InstrumentationScope) -> None:
        self._tracer = sdk_tracer(provider, scope)
        self._scope = scope

    def take(self, span: ServerSpan, ended: int) -> None:
        self._tracer.span_processor.on_end(
            ReadableSpan(
                span.name,
                span.context,
                span.parent,
                self._tracer.resource,
                span.attributes,
                span.events,
                span.links,
                kind=span.kind,
                status=span.status,
                start_time=span.started,
                end_time=ended,
                instrumentation_scope=self._scope,
            )
        )
