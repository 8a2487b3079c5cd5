"""Assembles the API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from app.api import contract, docs, edge, probes, problems, routes, websocket
from app.api.dependency_checks import open_probes
from app.api.edge.rate_limits import RateLimits
from app.api.fast_item_reads import FastItemReads
from app.api.head import Head
from app.api.health import Health
from app.api.readiness import Readiness, ServingState
from app.api.services import Services
from app.api.version_header import Versioning
from app.infra.event_bus import Bus
from app.infra.outbox.reconciler import Reconciler
from app.infra.queue.dispatch import Jobs
from app.infra.rate_limit.fixed_windows import open_limits
from app.processes.handlers import make_reconciler, open_runner
from app.processes.platform import Platform, open_bus, open_platform, open_publisher
from app.rates.service import open_rates
from app.settings import Settings
from app.telemetry.metrics import HttpMetrics, ReadinessMetrics, RejectedMetrics
from app.telemetry.requests.instrumentation import FRAMEWORK_TELEMETRY, observe
from app.telemetry.requests.layer import TelemetryLayer
from app.telemetry.telemetry import Telemetry, start_telemetry

PUBLISHERS: Final = 4  # messages to publish to the queue concurrently


@dataclass(frozen=True, slots=True)
class Binnacle:
    """API for a server: an ASGI application, its serving state, and the metrics that the server records."""

    asgi: TelemetryLayer
    app: FastAPI
    serving_state: ServingState
    telemetry: Telemetry
    http: HttpMetrics
    rejected: RejectedMetrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.asgi(scope, receive, send)


def create_app(settings: Settings, registry: CollectorRegistry | None = None) -> Binnacle:
    """Returns the API for these settings. Its ASGI lifespan opens and closes the services."""
    telemetry = start_telemetry(settings, "api", registry)
    serving_state, health = ServingState(), Health()
    readiness = Readiness(serving_state, telemetry.metrics(ReadinessMetrics))
    rates = RateLimits(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with _open_services(settings, telemetry, readiness, health) as services:
                app.state.services, app.state.serving_state = services, serving_state
                rates.use(services.limits)
                serving_state.started = True
                yield
        finally:
            await asyncio.to_thread(telemetry.close)  # last, so that it sends the spans and errors of the shutdown

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
    app.router.routes.extend(routes.routes)  # first, so that other routers do not slow them down
    app.include_router(probes.router(settings, serving_state, readiness, health))
    app.include_router(websocket.router(settings, serving_state))
    if settings.docs and settings.environment != "production":
        app.include_router(docs.router)
    contract.complete(app, settings.root_path)
    app.add_middleware(FastItemReads)
    app.add_middleware(Versioning)
    app.add_middleware(Head)
    edge.install(app, settings, rates, largest_body=routes.LARGEST_BODY_BYTES)
    http = telemetry.metrics(HttpMetrics)
    asgi = observe(app, metrics=http, tracing=telemetry.tracing, draining=lambda: serving_state.draining)
    return Binnacle(asgi, app, serving_state, telemetry, http, telemetry.metrics(RejectedMetrics))


@asynccontextmanager
async def _open_services(
    settings: Settings, telemetry: Telemetry, readiness: Readiness, health: Health
) -> AsyncIterator[Services]:
    """Opens the parts of an API process in this order, and closes them in reverse order."""
    jobs = Jobs(at_once=settings.worker_concurrency if settings.embedded else PUBLISHERS)
    async with (
        open_platform(settings, telemetry) as platform,
        open_probes(settings, platform.database) as probes,
        open_bus(platform, jobs.enqueue) as bus,
        open_rates(settings, telemetry, bus.cache) as rates,
        open_limits(settings, telemetry) as limits,
        _open_background(platform, bus, jobs),
    ):
        readiness.watch(platform.database)
        health.watch(probes, telemetry.dependencies.breakers)
        yield Services(settings, telemetry, platform.database, bus, rates, limits)


@asynccontextmanager
async def _open_background(platform: Platform, bus: Bus, jobs: Jobs) -> AsyncIterator[None]:
    """Publishes jobs to the workers' queue. When embedded, runs the jobs and the reconciler in this process."""
    if not platform.settings.embedded:
        with open_publisher(platform) as publisher:
            async with jobs.running(publisher.publish):
                yield
        return
    async with (
        open_runner(platform, bus) as runner,
        jobs.running(runner.process),
        _reconciling(make_reconciler(platform, jobs)),
    ):
        yield


@asynccontextmanager
async def _reconciling(reconciler: Reconciler) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(reconciler.run(stop), name="reconciler")
    try:
        yield
    finally:
        stop.set()
        await running
