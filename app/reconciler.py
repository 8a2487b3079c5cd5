"""The reconciler as a process of its own, beside the workers."""

import asyncio
import signal
import time

from prometheus_client import CollectorRegistry

from app.infra.celery import Publisher, make_celery
from app.infra.database import open_database
from app.infra.jobs import Jobs
from app.ops.admin import alive, serve_admin
from app.orders.reconcile import Reconciler
from app.settings import Settings
from app.telemetry.metrics import Metrics, OutboxMetrics


def reconcile(settings: Settings) -> None:
    """Reconciles until SIGTERM or SIGINT. Raises ValueError without REDIS_URL."""
    publisher = Publisher(make_celery(settings))
    metrics = Metrics(CollectorRegistry(), version=settings.version, revision=settings.revision)
    metrics.watch_process()
    outbox_metrics = OutboxMetrics(metrics.registry)
    limit = settings.reconcile_seconds * 4 + 10

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        jobs = Jobs(publisher.publish, at_once=4)
        async with open_database(settings) as database, jobs.running():
            reconciler = Reconciler(database, jobs.enqueue, outbox_metrics, settings.reconcile_seconds)
            checks = {"livez": alive, "readyz": lambda: _stale(reconciler, limit)}
            with serve_admin(settings.admin_host, settings.admin_port, metrics.registry, checks):
                looking = asyncio.create_task(reconciler.run())
                stopping = asyncio.create_task(stop.wait())
                await asyncio.wait({looking, stopping}, return_when=asyncio.FIRST_COMPLETED)
                looking.cancel()
                stopping.cancel()
                results = await asyncio.gather(looking, stopping, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    asyncio.run(main())
    publisher.close()


def _stale(reconciler: Reconciler, limit: float) -> str | None:
    seconds = time.monotonic() - reconciler.looked_at
    return f"the last look that succeeded was {seconds:.0f} s ago" if seconds > limit else None
