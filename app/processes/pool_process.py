"""Process of the worker's pool: runs jobs in an event loop, with the same code as an embedded API."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from app.errors import UnavailableError
from app.infra.outbox.bulkheads import forked_slots, shares
from app.infra.outbox.runner import Runner
from app.infra.queue.celery import Publisher
from app.infra.queue.messages import PROCESS_MESSAGE
from app.ops.control import Control, board
from app.processes.handlers import NEEDED_BY, open_runner
from app.processes.platform import Platform, open_bus, open_platform
from app.settings import Settings
from app.telemetry import errors, logs
from app.telemetry.telemetry import Telemetry, start_telemetry

if TYPE_CHECKING:
    from celery import Celery


@dataclass(frozen=True, slots=True)
class Jobs:
    """Runs one job after the other; `enqueued` holds the messages that the current job has added to the outbox."""

    platform: Platform
    runner: Runner
    publisher: Publisher
    enqueued: list[tuple[UUID, Context]]

    async def process(self, message_id: UUID, headers: Mapping[str, str]) -> str:
        """Processes a message in the trace of its headers, and returns the outcome, which Celery logs."""
        async with self.platform.sampling():
            with self.platform.telemetry.tracing.arriving(headers):
                return await self._process(message_id)

    async def _process(self, message_id: UUID) -> str:
        try:
            outcome = await self.runner.process(message_id)
            while self.enqueued:  # in order: the next time slice of a long job follows the messages of this one
                next_id, context = self.enqueued.pop(0)
                await asyncio.create_task(self.publisher.publish(next_id), context=context)
        except UnavailableError as error:
            # Celery does not retry it: the message is still in the database, and the reconciler queues it again.
            self.enqueued.clear()
            structlog.get_logger().warning("job_postponed", message_id=message_id, reason=str(error))
            return "later"
        except Exception as error:
            errors.capture(error, task=PROCESS_MESSAGE)
            raise
        return outcome


class PoolProcess:
    """Lifecycle of a process of the pool: `start` runs after the fork, `stop` before the exit."""

    def __init__(self, settings: Settings, celery: "Celery") -> None:
        self._settings = settings
        self._celery = celery
        # Before the fork: the processes of the pool share them.
        self._slots = forked_slots(shares(settings.worker_concurrency, NEEDED_BY))
        self._stack = ExitStack()
        self._run: Callable[[str, Mapping[str, str]], str] | None = None

    def start(self, **_signal: Any) -> None:
        """Opens the process, and follows the log level of the pod."""
        settings = self._settings
        logs.configure(settings.log_level, settings.log_format)
        telemetry = self._stack.enter_context(closing(start_telemetry(settings, "worker")))
        Control(board(), settings.log_level).follow()
        loop = self._stack.enter_context(asyncio.Runner())
        services = AsyncExitStack()
        self._stack.callback(lambda: loop.run(services.aclose()))
        jobs = loop.run(services.enter_async_context(self._open(telemetry)))
        self._run = lambda message_id, headers: loop.run(jobs.process(UUID(message_id), headers))

    def process(self, message_id: str, headers: Mapping[str, str]) -> str:
        """Processes a message with its headers, and returns the outcome, which Celery logs."""
        if self._run is None:
            raise RuntimeError("the pool's process was not started by its signal")
        return self._run(message_id, headers)

    def stop(self, **_signal: Any) -> None:
        """Closes the process, and flushes its telemetry."""
        self._stack.close()

    @asynccontextmanager
    async def _open(self, telemetry: Telemetry) -> AsyncIterator[Jobs]:
        enqueued: list[tuple[UUID, Context]] = []
        async with (
            open_platform(self._settings, telemetry, pauses=True) as platform,
            open_bus(platform, lambda message_id: enqueued.append((message_id, copy_context()))) as bus,
            open_runner(platform, bus, self._slots) as runner,
        ):
            yield Jobs(platform, runner, Publisher(self._celery, telemetry), enqueued)
