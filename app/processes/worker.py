"""The worker: Celery's prefork pool, each process with one event loop for the same code that the API runs embedded."""

import asyncio
import warnings
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from contextvars import Context, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import redis
import structlog
from celery import Celery, signals
from celery.exceptions import SecurityWarning
from prometheus_client import CollectorRegistry

from app.errors import UnavailableError
from app.infra.cache import open_cache
from app.infra.database import open_database
from app.infra.database.instrumented_pool import measure
from app.infra.fanout import open_fanout
from app.infra.outbox.outbox import Outbox
from app.infra.outbox.runner import Runner
from app.infra.queue.celery import Publisher, make_celery
from app.infra.queue.messages import PROCESS_MESSAGE, REASONS
from app.ops.admin import alive, open_admin
from app.ops.control import Control
from app.ops.pod_state import board
from app.processes.handlers import open_runner, shared_slots
from app.processes.subscriptions import subscribe
from app.settings import Settings
from app.telemetry import errors, logs, shutdown
from app.telemetry.metrics import (
    CacheMetrics,
    ConnectionMetrics,
    DependencyMetrics,
    FanoutMetrics,
    LoopMetrics,
    Metrics,
    OrderMetrics,
    QueueMetrics,
    aggregation,
)
from app.telemetry.metrics.sampler import sampling
from app.telemetry.metrics.traces import TraceMetrics
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class PoolProcess:
    """What one process of the pool holds: opened after the fork, closed before the exit."""

    def __init__(self, settings: Settings, celery: Celery) -> None:
        self._settings = settings
        self._celery = celery
        self._slots = shared_slots(settings)  # before the fork: the processes of the pool share them
        self._publisher = Publisher(celery)
        self._hints: list[tuple[UUID, Context]] = []
        self._loop: asyncio.Runner | None = None
        self._stack = AsyncExitStack()
        self._runner: Runner | None = None
        self._sampling: Callable[[], AbstractAsyncContextManager[None]] | None = None
        self._tracing: Tracing | None = None

    def start(self, **_signal: Any) -> None:
        settings = self._settings
        logs.configure(settings.log_level, settings.log_format)
        errors.configure(settings, "worker")
        Control(board(), settings.log_level).follow()
        self._loop = asyncio.Runner()
        self._runner = self._loop.run(self._open())

    def process(self, message_id: str, headers: "Mapping[str, str]") -> str:
        """One message, which came with these headers; the returned outcome is for the log."""
        if self._loop is None:
            raise RuntimeError("the pool's process was not started by its signal")
        return self._loop.run(self._sampled(UUID(message_id), headers))

    def stop(self, **_signal: Any) -> None:
        if self._loop is not None:
            self._loop.run(self._stack.aclose())
            self._loop.close()
        shutdown.close()

    async def _sampled(self, message_id: UUID, headers: "Mapping[str, str]") -> str:
        """Between two jobs the loop stands still, which is no lag."""
        if self._runner is None or self._sampling is None or self._tracing is None:
            raise RuntimeError("the pool's process was not opened")
        async with self._sampling():
            with self._tracing.arriving(headers):
                return await self._process(self._runner, message_id)

    async def _process(self, runner: Runner, message_id: UUID) -> str:
        try:
            outcome = await runner.process(message_id)
            while self._hints:  # in their order: a long job's own next turn comes after what it asked for
                hint, context = self._hints.pop(0)
                await asyncio.create_task(self._publisher.publish(hint), context=context)
        except UnavailableError as error:
            # Not retried by Celery: the row is still there, and the reconciler will queue it again.
            self._hints.clear()
            structlog.get_logger().warning("job_postponed", message_id=message_id, reason=str(error))
            return "later"
        except Exception as error:
            errors.capture(error, task=PROCESS_MESSAGE)
            raise
        return outcome

    async def _open(self) -> Runner:
        settings = self._settings
        metrics = Metrics(CollectorRegistry(), version=settings.version, revision=settings.revision)
        shutdown.count_losses(metrics.registry)
        self._tracing = tracing = Tracing(settings, "worker", TraceMetrics(metrics.registry))
        self._stack.push_async_callback(asyncio.to_thread, tracing.shutdown)
        dependencies = DependencyMetrics(metrics.registry)
        self._publisher = Publisher(self._celery, dependencies, tracing)
        database = await self._stack.enter_async_context(open_database(settings, tracing))
        look = measure(database.engine, ConnectionMetrics(metrics.registry), dependencies)
        self._sampling = partial(sampling, LoopMetrics(metrics.registry, always=False), look)
        cache = await self._stack.enter_async_context(
            open_cache(settings, CacheMetrics(metrics.registry), dependencies, tracing)
        )
        outbox = Outbox(lambda message_id: self._hints.append((message_id, copy_context())))
        fanout_metrics = FanoutMetrics(metrics.registry)
        fanout = await self._stack.enter_async_context(open_fanout(settings, fanout_metrics, dependencies, tracing))
        events = subscribe(outbox, cache, fanout)
        return await self._stack.enter_async_context(
            open_runner(
                settings,
                database,
                outbox,
                events,
                tracing=tracing,
                order_metrics=OrderMetrics(metrics.registry),
                dependency_metrics=dependencies,
                registry=metrics.registry,
                slots=self._slots,
            )
        )


def work(settings: Settings) -> int:
    """Works until SIGTERM, then finishes what it has begun. Returns the exit code: 0 only after SIGTERM.

    Raises ValueError without REDIS_URL.
    """
    celery = make_celery(settings, QueueMetrics(CollectorRegistry(), REASONS).dropped)
    process = PoolProcess(settings, celery)

    def process_message(task: Any, message_id: str) -> str:
        return process.process(message_id, task.request.headers or {})

    celery.task(name=PROCESS_MESSAGE, bind=True)(process_message)
    signals.setup_logging.connect(_keep_our_logs)
    signals.worker_process_init.connect(process.start)
    signals.worker_process_shutdown.connect(process.stop)
    registry = aggregation.sums()
    checks = {"livez": alive, "readyz": lambda: _broker_gone(settings)}
    with open_admin(settings, registry, checks, Control(board(), settings.log_level)):
        return _run(celery)


def _run(celery: Celery) -> int:
    # It takes users and groups without a name, as containers have them, for root.
    warnings.simplefilter("ignore", SecurityWarning)
    worker = celery.Worker(
        pool="prefork",
        loglevel="INFO",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,  # an event too, for which nobody listens, on a channel that Redis may refuse
        quiet=True,
        send_events=False,
    )
    worker.start()
    return 1 if worker.exitcode is None else int(worker.exitcode)  # None: nobody asked it to end


def _broker_gone(settings: Settings) -> str | None:
    address = settings.redis
    if address is None:
        return "REDIS_URL is not set"
    waits = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
    try:
        with redis.Redis(**waits | address.options(), ssl=address.tls is not None, **address.tls or {}) as client:
            client.ping()
    except redis.RedisError as error:
        return f"redis: {type(error).__name__}"
    return None


def _keep_our_logs(**_signal: Any) -> None:
    """Connected, it stops Celery from setting up logging of its own."""
