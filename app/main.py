"""create_app: the one place where the parts of the API meet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from app.accounts.access import Access
from app.accounts.administration import Administration
from app.accounts.login_limits import LoginLimits
from app.accounts.passwords import Passwords
from app.accounts.profiles import Profiles
from app.accounts.refresh import Lifetimes
from app.accounts.service import Accounts
from app.accounts.tokens import Tokens
from app.api import probes, problems, v1, v2
from app.api.dependencies import Services
from app.api.guard import HostGuard, LengthGuard
from app.api.readiness import Readiness
from app.api.versioning import Versioning
from app.catalog.service import Catalog
from app.infra.cursors import Cursors
from app.infra.database import Database, open_database
from app.infra.http_client import open_client
from app.infra.jobs import Jobs
from app.infra.keys import signing_key
from app.infra.limits import open_limits
from app.lifecycle import Lifecycle
from app.orders.payment import Payments
from app.orders.provider import Provider
from app.orders.reconcile import Reconciler
from app.orders.service import Orders
from app.settings import Settings
from app.telemetry import errors
from app.telemetry.instrumentation import FRAMEWORK_TELEMETRY, observe
from app.telemetry.layer import TelemetryLayer
from app.telemetry.metrics import (
    AccountMetrics,
    HttpMetrics,
    LimitMetrics,
    Metrics,
    OrderMetrics,
    OutboxMetrics,
    ReadinessMetrics,
)
from app.telemetry.tracing import Tracing

LARGEST_BODY_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Binnacle:
    """The API as a server takes it: an ASGI application, and what the server needs to know of it."""

    asgi: TelemetryLayer
    app: FastAPI
    lifecycle: Lifecycle
    metrics: Metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.asgi(scope, receive, send)


def create_app(settings: Settings, registry: CollectorRegistry | None = None) -> Binnacle:
    """The whole API for these settings. Nothing is opened before its lifespan starts."""
    errors.configure(settings, "api")
    metrics = Metrics(registry or CollectorRegistry(), version=settings.version, revision=settings.revision)
    lifecycle = Lifecycle()
    tracing = Tracing(settings, "api")
    readiness = Readiness(lifecycle, ReadinessMetrics(metrics.registry))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(asyncio.to_thread, tracing.shutdown)  # last: what the others say is sent too
            database = await stack.enter_async_context(open_database(settings))
            readiness.watch(database)
            order_metrics = OrderMetrics(metrics.registry)
            jobs = await stack.enter_async_context(_jobs(settings, database, order_metrics, metrics, tracing))
            tokens = Tokens(signing_key(settings), settings.access_token_seconds)
            limit_metrics = LimitMetrics(metrics.registry)
            limits = await stack.enter_async_context(open_limits(settings, limit_metrics))
            login_limits = LoginLimits(limits, settings, limit_metrics)
            access, passwords = Access(database), Passwords()
            app.state.services = Services(
                access=access,
                accounts=Accounts(
                    database,
                    passwords,
                    tokens,
                    Lifetimes(settings.refresh_token_seconds, settings.login_seconds),
                    limits=login_limits,
                    metrics=AccountMetrics(metrics.registry),
                ),
                administration=Administration(database, access),
                catalog=Catalog(database, Cursors(signing_key(settings))),
                orders=Orders(database, jobs, order_metrics, tracing),
                profiles=Profiles(database, passwords, access, login_limits),
                tokens=tokens,
            )
            lifecycle.start()
            yield

    app = FastAPI(
        title="Binnacle",
        version=settings.version,
        lifespan=lifespan,
        telemetry=FRAMEWORK_TELEMETRY,
        redirect_slashes=False,
        responses={"default": problems.DOCUMENTED},
    )
    problems.install(app)
    app.include_router(probes.router(settings, lifecycle, readiness))
    for api in (v1, v2):
        app.include_router(api.router, max_body_size=LARGEST_BODY_BYTES)
    app.add_middleware(Versioning)
    app.add_middleware(LengthGuard, largest=LARGEST_BODY_BYTES)
    app.add_middleware(HostGuard, allowed=settings.allowed_hosts)
    asgi = observe(app, metrics=HttpMetrics(metrics.registry), tracing=tracing, draining=lambda: lifecycle.draining)
    return Binnacle(asgi, app, lifecycle, metrics)


@asynccontextmanager
async def _jobs(
    settings: Settings, database: Database, order_metrics: OrderMetrics, metrics: Metrics, tracing: Tracing
) -> AsyncIterator[Jobs]:
    """Where the payments are made: by workers behind Redis, or here when embedded."""
    if not settings.embedded:
        from app.infra.celery import Publisher, make_celery  # noqa: PLC0415 -- 20 MB that an embedded shop saves

        publisher = Publisher(make_celery(settings))
        jobs = Jobs(publisher.publish, at_once=4)
        async with jobs.running():
            yield jobs
        publisher.close()
        return
    async with open_client(settings.provider_url, settings.provider_timeout_seconds, tracing) as client:
        payments = Payments(database, Provider(client, order_metrics), order_metrics, tracing, settings.claim_seconds)
        jobs = Jobs(payments.process, at_once=settings.worker_concurrency)
        reconciler = Reconciler(database, jobs.enqueue, OutboxMetrics(metrics.registry), settings.reconcile_seconds)
        async with jobs.running():
            looking = asyncio.create_task(reconciler.run(), name="reconciler")
            try:
                yield jobs
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
