"""Notifies workers in this process. The reconciler repeats lost notifications: the database is the source of truth."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from typing import Any, Final
from uuid import UUID

import structlog

from app.errors import UnavailableError

QUEUE_LIMIT: Final = 10_000
DRAIN_SECONDS: Final = 5.0


class Jobs:
    """Passes message ids to a bounded number of concurrent handlers, outside the request that enqueued them."""

    def __init__(self, *, at_once: int) -> None:
        self._at_once = at_once
        self._queue: asyncio.Queue[tuple[UUID, Context]] = asyncio.Queue(QUEUE_LIMIT)

    def enqueue(self, message_id: UUID) -> None:
        """Never waits and never fails: when the queue is full, the reconciler queues the message later."""
        try:
            self._queue.put_nowait((message_id, copy_context()))  # with the trace context of this work
        except asyncio.QueueFull:
            structlog.get_logger().warning("job_queue_full", limit=QUEUE_LIMIT)

    async def publish(self, message_id: UUID) -> None:
        """Does the same as `enqueue`, as the interface of the reconciler."""
        self.enqueue(message_id)

    async def waiting(self) -> int:
        """Returns the number of ids that no handler has taken."""
        return self._queue.qsize()

    @asynccontextmanager
    async def running(self, handle: Callable[[UUID], Coroutine[Any, Any, object]]) -> AsyncIterator[None]:
        """Passes each id to `handle` until the block ends, then drains the queue for a bounded time."""
        workers = [asyncio.create_task(self._work(handle), name=f"jobs-{number}") for number in range(self._at_once)]
        try:
            yield
        finally:
            try:
                await asyncio.wait_for(self._queue.join(), DRAIN_SECONDS)
            except TimeoutError:
                structlog.get_logger().warning("jobs_left_to_the_reconciler", count=self._queue.qsize())
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, handle: Callable[[UUID], Coroutine[Any, Any, object]]) -> None:
        while True:
            message_id, context = await self._queue.get()
            try:
                await asyncio.create_task(handle(message_id), name="job", context=context)
            except UnavailableError as error:
                structlog.get_logger().warning("job_postponed", message_id=message_id, reason=str(error))
            except Exception:  # noqa: BLE001 -- one job's fault must not end the others
                structlog.get_logger().exception("job_failed", message_id=message_id)
            finally:
                self._queue.task_done()
