"""Reconciler process: queues overdue messages again."""

import asyncio
import signal
import time
from contextlib import closing

from app.infra.outbox.reconciler import Reconciler
from app.ops.admin import alive, open_admin
from app.processes.handlers import make_reconciler
from app.processes.platform import open_platform, open_publisher
from app.settings import Settings
from app.telemetry.metrics.process import register_process
from app.telemetry.telemetry import Telemetry, start_telemetry


def reconcile(settings: Settings) -> None:
    """Runs the reconciler until SIGTERM or SIGINT. Raises ValueError without REDIS_URL."""
    with closing(start_telemetry(settings, "reconciler", traced=False)) as telemetry:
        register_process(telemetry.registry)
        asyncio.run(_reconcile(settings, telemetry))


async def _reconcile(settings: Settings, telemetry: Telemetry) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_platform(settings, telemetry) as platform:
        with open_publisher(platform) as publisher:
            reconciler = make_reconciler(platform, publisher)
            checks = {"livez": alive, "readyz": lambda: _stale(reconciler, settings.reconcile_seconds * 4 + 10)}
            with open_admin(settings, telemetry.registry, checks):
                await reconciler.run(stop)


def _stale(reconciler: Reconciler, limit: float) -> str | None:
    seconds = time.monotonic() - reconciler.looked_at
    return f"the last successful run was {seconds:.0f} s ago" if seconds > limit else None
