"""The worker: Celery's prefork pool, each process with one event loop for the same code that the API runs embedded."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import redis
import structlog
from celery import Celery, signals
from prometheus_client import CollectorRegistry, multiprocess

from app.errors import UnavailableError
from app.infra.celery import PROCESS_ORDER, make_celery
from app.infra.database import open_database
from app.infra.http_client import open_client
from app.ops.admin import alive, serve_admin
from app.orders.payment import Payments
from app.orders.provider import Provider
from app.settings import Settings
from app.telemetry import errors, logs
from app.telemetry.metrics import Metrics, OrderMetrics
from app.telemetry.tracing import Tracing


class PaymentProcess:
    """What one process of the pool holds: opened after the fork, closed before the exit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runner: asyncio.Runner | None = None
        self._stack = AsyncExitStack()
        self._payments: Payments | None = None

    def start(self, **_signal: Any) -> None:
        settings = self._settings
        logs.configure(settings.log_level, settings.log_format)
        errors.configure(settings, "worker")
        self._runner = asyncio.Runner()
        self._payments = self._runner.run(self._open())

    def pay(self, message_id: str) -> str:
        """One payment; the returned outcome is for the log."""
        if self._runner is None or self._payments is None:
            raise RuntimeError("the pool's process was not started by its signal")
        try:
            return self._runner.run(self._payments.process(UUID(message_id)))
        except UnavailableError as error:
            # Not retried by Celery: the row is still there, and the reconciler will queue it again.
            structlog.get_logger().warning("payment_postponed", message_id=message_id, reason=str(error))
            return "later"
        except Exception as error:
            errors.capture(error, task=PROCESS_ORDER)
            raise

    def stop(self, **_signal: Any) -> None:
        if self._runner is not None:
            self._runner.run(self._stack.aclose())
            self._runner.close()

    async def _open(self) -> Payments:
        settings = self._settings
        tracing = Tracing(settings, "worker")
        self._stack.push_async_callback(asyncio.to_thread, tracing.shutdown)
        metrics = Metrics(CollectorRegistry(), version=settings.version, revision=settings.revision)
        order_metrics = OrderMetrics(metrics.registry)
        database = await self._stack.enter_async_context(open_database(settings))
        client = await self._stack.enter_async_context(
            open_client(settings.provider_url, settings.provider_timeout_seconds, tracing)
        )
        provider = Provider(client, order_metrics)
        return Payments(database, provider, order_metrics, tracing, settings.claim_seconds)


def work(settings: Settings) -> None:
    """Works until SIGTERM, then finishes what it has begun. Raises ValueError without REDIS_URL."""
    celery = make_celery(settings)
    process = PaymentProcess(settings)
    celery.task(name=PROCESS_ORDER)(process.pay)
    signals.setup_logging.connect(_keep_our_logs)
    signals.worker_process_init.connect(process.start)
    signals.worker_process_shutdown.connect(process.stop)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    checks = {"livez": alive, "readyz": lambda: _broker_gone(settings)}
    with serve_admin(settings.admin_host, settings.admin_port, registry, checks):
        _run(celery)


def _run(celery: Celery) -> None:
    celery.Worker(
        pool="prefork", loglevel="INFO", without_gossip=True, without_mingle=True, quiet=True, send_events=False
    ).start()


def _broker_gone(settings: Settings) -> str | None:
    if settings.redis_url is None:
        return "REDIS_URL is not set"
    try:
        with redis.Redis.from_url(
            settings.redis_url.get_secret_value(), socket_timeout=1, socket_connect_timeout=1
        ) as client:
            client.ping()
    except redis.RedisError as error:
        return f"redis: {type(error).__name__}"
    return None


def _keep_our_logs(**_signal: Any) -> None:
    """Connected, it stops Celery from setting up logging of its own."""
