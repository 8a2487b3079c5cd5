"""SQLAlchemy's connection pool, in which waits end as soon as the database is unavailable."""

import asyncio
from collections import deque
from contextlib import nullcontext
from typing import Any

from sqlalchemy import AsyncAdaptedQueuePool
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util.concurrency import await_

from app.infra.database.connection_gate import Gate
from app.telemetry.metrics import ConnectionMetrics


class Pool(AsyncAdaptedQueuePool):
    """Measures waits, and wakes the next waiter when a connection can't be opened; SQLAlchemy's own does not."""

    metrics: ConnectionMetrics | None = None
    gate: Gate | None = None
    _sqla_logger_namespace = "sqlalchemy.pool.Pool"  # the logger of SQLAlchemy's own pool

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._permits = self.size() + self._max_overflow
        self._waiting: deque[asyncio.Future[None]] = deque()

    def recreate(self) -> "Pool":
        pool: Pool = super().recreate()  # type: ignore[assignment]  # it creates an instance of the same class
        pool.metrics, pool.gate = self.metrics, self.gate
        return pool

    def look(self) -> None:
        """Updates the gauges of used and idle connections."""
        if self.metrics is not None:
            self.metrics.hold(used=self.checkedout(), idle=self.checkedin(), most=self.size() + self._max_overflow)

    def _do_get(self) -> ConnectionPoolEntry:
        if self._permits > 0:
            self._permits -= 1
        else:
            with self.metrics.waiting(PoolTimeoutError) if self.metrics is not None else nullcontext():
                await_(self._permit())
        try:
            return super()._do_get()
        except BaseException:
            self._release()
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        try:
            super()._do_return_conn(record)
        finally:
            self._release()

    def _release(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._permits += 1

    async def _permit(self) -> None:
        """Waits until a connection is returned. Raises PoolTimeoutError, and ConnectError while the gate is closed."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(self._timeout):
                await (waiter if self.gate is None else self.gate.while_open(waiter))
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():  # a connection came too late
                self._release()
            waiter.cancel()
            if isinstance(error, TimeoutError):
                raise PoolTimeoutError(f"no connection became free in {self._timeout:g} s", code="3o7r") from None
            raise
