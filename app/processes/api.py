"""create_app: the one place where the parts of the API meet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from app.api import contract, docs, edge, probes, problems, routes, websocket
from app.api.edge.rate_limits import RateLimits
from app.api.fast_path import FastPath
from app.api.head import Head
from app.api.health import Health
from app.api.lifecycle import Lifecycle
from app.api.readiness import Readiness
from app.api.version_header import Versioning
from app.processes.services import open_services
from app.settings import Settings
from app.telemetry import errors, shutdown
from app.telemetry.metrics import HttpMetrics, Metrics, ReadinessMetrics, RejectedMetrics
from app.telemetry.metrics.traces import TraceMetrics
from app.telemetry.requests.instrumentation import FRAMEWORK_TELEMETRY, observe
from app.telemetry.requests.layer import TelemetryLayer
from app.telemetry.traces.tracing import Tracing


@dataclass(frozen=True, slots=True)
class Binnacle:
    """The API as a server takes it: an ASGI application, and what the server needs to know of it."""

    asgi: TelemetryLayer
    app: FastAPI
    lifecycle: Lifecycle
    metrics: Metrics
    http: HttpMetrics
    rejected: RejectedMetrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.asgi(scope, receive, send)


def create_app(settings: Settings, registry: CollectorRegistry | None = None) -> Binnacle:
    """The whole API for these settings. Nothing is opened before its lifespan starts."""
    errors.configure(settings, "api")
    metrics = Metrics(registry or CollectorRegistry(), version=settings.version, revision=settings.revision)
    shutdown.count_losses(metrics.registry)
    lifecycle = Lifecycle()
    tracing = Tracing(settings, "api", TraceMetrics(metrics.registry))
    rates = RateLimits(settings)
    readiness, health = Readiness(lifecycle, ReadinessMetrics(metrics.registry)), Health()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(asyncio.to_thread, shutdown.close)  # last: what ends may fail, and say so
            services = await stack.enter_async_context(open_services(settings, metrics, tracing, readiness, health))
            app.state.services, app.state.lifecycle = services, lifecycle
            rates.use(services.limits)
            lifecycle.start()
            yield

    app = FastAPI(
        title="Binnacle",
        version=settings.version,
        lifespan=lifespan,
        telemetry=FRAMEWORK_TELEMETRY,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=contract.name,
    )
    problems.install(app)
    app.router.routes.extend(routes.routes)  # first, since they are passed over at once by what is not theirs
    app.include_router(probes.router(settings, lifecycle, readiness, health))
    app.include_router(websocket.router(settings, lifecycle))
    if settings.docs and settings.environment != "production":
        app.include_router(docs.router)
    contract.complete(app, settings.root_path)
    app.add_middleware(FastPath)
    app.add_middleware(Versioning)
    app.add_middleware(Head)
    edge.install(app, settings, rates, largest_body=routes.LARGEST_BODY_BYTES)
    http = HttpMetrics(metrics.registry)
    asgi = observe(app, metrics=http, tracing=tracing, draining=lambda: lifecycle.draining)
    return Binnacle(asgi, app, lifecycle, metrics, http, RejectedMetrics(metrics.registry))
