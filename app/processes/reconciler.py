"""The reconciler as a process of its own, beside the workers."""

import asyncio
import signal
import time

from prometheus_client import CollectorRegistry

from app.infra.database import open_database
from app.infra.database.instrumented_pool import measure
from app.infra.outbox.reconciler import Reconciler
from app.infra.queue.celery import Publisher, make_celery
from app.ops.admin import alive, open_admin
from app.ops.control import Control
from app.ops.pod_state import board
from app.processes.handlers import SWEEPS, TOPICS, watches
from app.settings import Settings
from app.telemetry import shutdown
from app.telemetry.metrics import (
    BacklogMetrics,
    ConnectionMetrics,
    DependencyMetrics,
    LoopMetrics,
    Metrics,
    OutboxMetrics,
)
from app.telemetry.metrics.sampler import sampling


def reconcile(settings: Settings) -> None:
    """Reconciles until SIGTERM or SIGINT. Raises ValueError without REDIS_URL."""
    metrics = Metrics(CollectorRegistry(), version=settings.version, revision=settings.revision)
    dependencies = DependencyMetrics(metrics.registry)
    publisher = Publisher(make_celery(settings), dependencies)
    metrics.watch_process()
    shutdown.count_losses(metrics.registry)
    outbox_metrics = OutboxMetrics(metrics.registry)
    backlog = BacklogMetrics(metrics.registry, TOPICS)
    watching = watches(metrics.registry)
    loop_metrics, connection_metrics = LoopMetrics(metrics.registry), ConnectionMetrics(metrics.registry)
    limit = settings.reconcile_seconds * 4 + 10

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with (
            open_database(settings) as database,
            sampling(loop_metrics, measure(database.engine, connection_metrics, dependencies)),
        ):
            reconciler = Reconciler(
                database,
                publisher,
                outbox_metrics,
                settings.reconcile_seconds,
                SWEEPS,
                backlog=backlog,
                watches=watching,
            )
            checks = {"livez": alive, "readyz": lambda: _stale(reconciler, limit)}
            with open_admin(settings, metrics.registry, checks, Control(board(), settings.log_level)):
                await reconciler.run(stop)

    asyncio.run(main())
    publisher.close()
    shutdown.close()


def _stale(reconciler: Reconciler, limit: float) -> str | None:
    seconds = time.monotonic() - reconciler.looked_at
    return f"the last look that succeeded was {seconds:.0f} s ago" if seconds > limit else None
