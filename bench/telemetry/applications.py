"""Applications to measure: one route alone, with parts of our telemetry, with all of it, or with a peer's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import read
from app.telemetry.metrics import HttpMetrics
from app.telemetry.metrics.traces import TraceMetrics
from app.telemetry.requests.instrumentation import FRAMEWORK_TELEMETRY, observe
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

PATH: Final = "/items/7"


@dataclass(frozen=True, slots=True)
class Application:
    """ASGI application of a server. `flush` exports the queued spans before it returns; `close` stops the exporter."""

    asgi: ASGIApp
    flush: Callable[[], object] = lambda: None
    close: Callable[[], object] = lambda: None


class Item(BaseModel):
    """Response of the route."""

    id: int
    name: str
    price: str
    currency: str
    stock: int


_ITEM: Final = Item(id=7, name="Brass bell", price="19.90", currency="EUR", stock=9)


def route() -> FastAPI:
    """Returns the bare route, without FastAPI's own telemetry, so that nothing is measured twice."""
    app = FastAPI(telemetry=FRAMEWORK_TELEMETRY)

    @app.get("/items/{item_id}")
    async def get_item(item_id: int) -> Item:  # noqa: ARG001 -- as a route has one
        return _ITEM

    return app


def bare(_endpoint: str) -> Application:
    return Application(route())


class Wrapper:
    """ASGI middleware that wraps `receive` and `send` and does nothing: the minimal cost of any such layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receiving() -> Message:
            return await receive()

        async def sending(message: Message) -> None:
            await send(message)

        await self._app(scope, receiving, sending)


def wrapped(_endpoint: str) -> Application:
    return Application(Wrapper(route()))


class Nothing:
    """Null object in place of metrics: each attribute and each call returns the object itself."""

    def __getattr__(self, _name: str) -> "Nothing":
        return self

    def __call__(self, *_arguments: object, **_options: object) -> "Nothing":
        return self


def ours(*, ratio: float | None = None, counted: bool = True) -> Callable[[str], Application]:
    """Returns a builder of our layer: without an OTLP endpoint if `ratio` is None, without metrics unless `counted`."""

    def build(endpoint: str) -> Application:
        settings = read(
            otlp_endpoint=None if ratio is None else endpoint, traces_sample_ratio=ratio or 0, _env_file=None
        )
        registry = CollectorRegistry()
        tracing = Tracing(settings, "api", TraceMetrics(registry))
        metrics: Any = HttpMetrics(registry) if counted else Nothing()
        layer = observe(route(), metrics=metrics, tracing=tracing)
        return _application(layer, tracing.provider)

    return build


def instrumentator(_endpoint: str) -> Application:
    """Builds prometheus-fastapi-instrumentator as in its README."""
    from prometheus_fastapi_instrumentator import Instrumentator  # noqa: PLC0415 -- only the benchmark's own lock has it

    app = route()
    Instrumentator().instrument(app).expose(app)
    return Application(app)


def contrib(ratio: float) -> Callable[[str], Application]:
    """Returns a builder of opentelemetry-instrumentation-fastapi as in its README, with batches over OTLP/HTTP."""

    def build(endpoint: str) -> Application:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415

        app = route()
        provider = TracerProvider(sampler=ParentBasedTraceIdRatio(ratio), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
        # Not set globally, since that would enable FastAPI's own telemetry in other applications.
        FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
        return _application(app, provider)

    return build


def _application(asgi: ASGIApp, provider: "TracerProvider | None") -> Application:
    return Application(asgi) if provider is None else Application(asgi, provider.force_flush, provider.shutdown)
