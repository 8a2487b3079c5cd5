"""How the parts of one API process hang together: opened in this order, closed in the other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from app.accounts.services import account_services
from app.api.dependencies import Services
from app.api.health import Health
from app.api.health_probes import open_probes
from app.api.presence import Presence
from app.api.readiness import Readiness
from app.api.stream_limits import StreamLimits
from app.catalog.cached_items import CachedItems
from app.catalog.service import Catalog
from app.infra.cache import open_cache
from app.infra.cursors import Cursors
from app.infra.database import Database, open_database
from app.infra.database.instrumented_pool import measure
from app.infra.fanout import open_fanout
from app.infra.outbox.outbox import Outbox
from app.infra.outbox.reconciler import Reconciler
from app.infra.outbox.runner import Runner
from app.infra.queue.dispatch import Jobs
from app.infra.rate_limit.limits import open_limits
from app.infra.signing_key import signing_key
from app.mail.campaigns import Campaigns
from app.orders.commands.cancel import CancelOrder
from app.orders.commands.place import PlaceOrder
from app.orders.popular import Popular
from app.orders.queries import OrderQueries
from app.orders.repository import anonymise_buyer
from app.orders.status_stream import Following
from app.processes.handlers import SWEEPS, TOPICS, open_runner, watches
from app.processes.subscriptions import subscribe
from app.rates.service import open_rates
from app.reports.service import MAKE_REPORT, Reports
from app.settings import Settings
from app.tasks.dead_letters import DeadLetters
from app.tasks.service import Tasks
from app.telemetry.metrics import (
    BacklogMetrics,
    CacheMetrics,
    ConnectionMetrics,
    DependencyMetrics,
    FanoutMetrics,
    LimitMetrics,
    LoopMetrics,
    Metrics,
    OrderMetrics,
    OutboxMetrics,
    StreamMetrics,
)
from app.telemetry.metrics.sampler import sampling
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from app.infra.queue.celery import Publisher


@asynccontextmanager
async def open_services(
    settings: Settings, metrics: Metrics, tracing: Tracing, readiness: Readiness, health: Health
) -> AsyncIterator[Services]:
    """Everything that endpoints ask for."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, tracing.shutdown)  # last: what the others say is sent too
        database = await stack.enter_async_context(open_database(settings, tracing))
        readiness.watch(database)
        dependency_metrics = DependencyMetrics(metrics.registry)
        health.watch(await stack.enter_async_context(open_probes(settings, database)), dependency_metrics.breakers)
        look = measure(database.engine, ConnectionMetrics(metrics.registry), dependency_metrics)
        await stack.enter_async_context(sampling(LoopMetrics(metrics.registry), look))
        order_metrics = OrderMetrics(metrics.registry)
        jobs = Jobs(at_once=settings.worker_concurrency if settings.embedded else 4)
        cache = await stack.enter_async_context(
            open_cache(settings, CacheMetrics(metrics.registry), dependency_metrics, tracing)
        )
        rates = await stack.enter_async_context(open_rates(settings, cache, dependency_metrics, tracing))
        outbox = Outbox(jobs.enqueue)
        fanout_metrics = FanoutMetrics(metrics.registry)
        fanout = await stack.enter_async_context(open_fanout(settings, fanout_metrics, dependency_metrics, tracing))
        events = subscribe(outbox, cache, fanout)
        open_here = partial(
            open_runner,
            settings,
            database,
            outbox,
            events,
            tracing=tracing,
            order_metrics=order_metrics,
            dependency_metrics=dependency_metrics,
            registry=metrics.registry,
        )
        publishing = partial(_publisher, settings, dependency_metrics, tracing)
        await stack.enter_async_context(_background(settings, database, jobs, open_here, publishing, metrics))
        limit_metrics = LimitMetrics(metrics.registry)
        limits = await stack.enter_async_context(open_limits(settings, limit_metrics, dependency_metrics, tracing))
        people = account_services(settings, database, events, limits, metrics.registry, also_forget=(anonymise_buyer,))
        catalog = Catalog(database, events, Cursors(signing_key(settings)))
        yield Services(
            access=people.access,
            accounts=people.accounts,
            administration=people.administration,
            catalog=catalog,
            cached_items=CachedItems(cache, catalog),
            campaigns=Campaigns(database, outbox),
            cancel_order=CancelOrder(database, events, order_metrics),
            dead_letters=DeadLetters(database, outbox),
            fanout=fanout,
            following=Following(database, fanout),
            limits=limits,
            orders=OrderQueries(database),
            place_order=PlaceOrder(database, events, rates, order_metrics),
            popular=Popular(database, cache),
            presence=Presence(),
            profiles=people.profiles,
            rates=rates,
            reports=Reports(database, outbox, days=settings.report_days, at_once=settings.reports_at_once),
            stream_limits=StreamLimits(settings, limit_metrics),
            tasks=Tasks(database, {MAKE_REPORT: f"{settings.root_path}/api/v1/reports/{{id}}/download"}),
            streams=StreamMetrics(metrics.registry),
            tokens=people.tokens,
        )


def _publisher(settings: Settings, metrics: DependencyMetrics, tracing: Tracing) -> "Publisher":
    from app.infra.queue.celery import Publisher, make_celery  # noqa: PLC0415 -- 20 MB that an embedded shop saves

    return Publisher(make_celery(settings), metrics, tracing)


@asynccontextmanager
async def _background(
    settings: Settings,
    database: Database,
    jobs: Jobs,
    open_here: Callable[[], AbstractAsyncContextManager[Runner]],
    publishing: Callable[[], "Publisher"],
    metrics: Metrics,
) -> AsyncIterator[None]:
    """Where the work is done: by workers behind Redis, or here when embedded."""
    if not settings.embedded:
        publisher = publishing()
        async with jobs.running(publisher.publish):
            yield
        publisher.close()
        return
    reconciler = Reconciler(
        database,
        jobs,
        OutboxMetrics(metrics.registry),
        settings.reconcile_seconds,
        SWEEPS,
        backlog=BacklogMetrics(metrics.registry, TOPICS),
        watches=watches(metrics.registry),
    )
    async with open_here() as runner, jobs.running(runner.process):
        stop = asyncio.Event()
        looking = asyncio.create_task(reconciler.run(stop), name="reconciler")
        try:
            yield
        finally:
            stop.set()
            await looking
