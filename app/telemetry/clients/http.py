"""HTTP client spans, and trace context in the headers of each call.

Names: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span
"""

from typing import Any

import httpx2
from opentelemetry.trace import Span

from app.telemetry.traces.tracing import Tracing


class TracedTransport(httpx2.AsyncBaseTransport):
    """Wraps another transport; calls of recorded work pass OpenTelemetry's instrumentation."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, tracing: Tracing) -> None:
        self._plain = transport
        self._tracing = tracing
        self._recorded: httpx2.AsyncBaseTransport | None = None
        if tracing.provider is not None:
            # The import takes 50 ms, which a process without spans saves.
            from opentelemetry.instrumentation.httpx import AsyncOpenTelemetryTransportHttpx2  # noqa: PLC0415
            from opentelemetry.metrics import NoOpMeterProvider  # noqa: PLC0415

            self._recorded = AsyncOpenTelemetryTransportHttpx2(
                transport,
                tracer_provider=tracing.provider,
                meter_provider=NoOpMeterProvider(),
                request_hook=_without_query,
            )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._recorded is not None and self._tracing.recording():
            return await self._recorded.handle_async_request(request)
        self._tracing.inject(request.headers)
        return await self._plain.handle_async_request(request)

    async def aclose(self) -> None:
        await self._plain.aclose()


async def _without_query(span: Span, request: Any) -> None:
    """Removes query and credentials from `url.full`: they may hold personal data."""
    span.set_attribute("url.full", str(request.url.copy_with(query=None, userinfo=b"")))
