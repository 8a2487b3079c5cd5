"""What the instrumentation asks for its spans: those of requests are light ones, any other is the SDK's."""

from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Span, SpanKind, Tracer, get_current_span
from opentelemetry.trace import TracerProvider as AnyTracerProvider
from opentelemetry.util.types import Attributes

from app.telemetry.requests.server_span import Recorder, ServerSpan
from app.telemetry.traces.remote_parent import Origin


class ServerTracers(AnyTracerProvider):
    """In the place of the SDK's provider, whose processors get the spans."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        asked = instrumenting_module_name, instrumenting_library_version, schema_url, attributes
        return ServerTracer(Recorder(self._provider, InstrumentationScope(*asked)), self._provider.get_tracer(*asked))


class ServerTracer(Tracer):
    """Below the origin of a request it makes the span of that request, whatever kind is asked for.

    The layer has read who called. The instrumentation finds that there is somebody, and so doesn't look itself, but
    takes the span for an internal one.
    """

    def __init__(self, recorder: Recorder, otherwise: Tracer) -> None:
        self._recorder = recorder
        self._otherwise = otherwise

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        *more: Any,
        **options: Any,
    ) -> Span:
        origin = get_current_span(context)
        if isinstance(origin, Origin):
            return ServerSpan(self._recorder, origin, name, dict(attributes or {}))
        return self._otherwise.start_span(name, context, kind, attributes, *more, **options)

    def start_as_current_span(self, name: str, *more: Any, **options: Any) -> Any:
        return self._otherwise.start_as_current_span(name, *more, **options)
