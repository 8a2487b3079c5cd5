"""Refuses new connections at once during an outage of the database, and checks when it is over.

Open connections are still used: only callers that would have to connect, or to wait for a connection, are refused.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import structlog

from app.infra.database.outages import ConnectError, RefusedError, is_gone, outage_of

CHECK_SECONDS: Final = 0.5
REFUSED_CHECK_SECONDS: Final = 5.0  # a server may lock out clients that fail to log in too often
_T = TypeVar("_T")


class Gate:
    """Open until a connection fails, then closed until one succeeds. `connect` opens one and closes it again."""

    def __init__(self, connect: Callable[[], Awaitable[None]]) -> None:
        self._connect = connect
        self._error: ConnectError | None = None
        self._closing: asyncio.Future[None] | None = None
        self._checking: asyncio.Task[None] | None = None

    @property
    def closed(self) -> bool:
        return self._error is not None

    async def while_open(self, work: Awaitable[_T]) -> _T:
        """Returns the result of `work`. When the gate closes, cancels it and raises ConnectError."""
        task = asyncio.ensure_future(work)
        try:
            if self._error is None:
                either: set[asyncio.Future[Any]] = {task, self._until_closed()}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise ConnectError from (self._error and self._error.__cause__)
        finally:
            task.cancel()

    def close(self, error: ConnectError) -> None:
        """Closes the gate after a connection has failed."""
        if self._error is not None or not is_gone(error):
            return
        self._error = error
        self._until_closed().set_result(None)
        self._checking = asyncio.create_task(self._check_until_open(error), name="database gate")

    async def stop(self) -> None:
        """Stops checking."""
        if self._checking is not None:
            self._checking.cancel()
            with suppress(asyncio.CancelledError):
                await self._checking

    def _until_closed(self) -> "asyncio.Future[None]":
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_future()
        return self._closing

    async def _check_until_open(self, error: ConnectError) -> None:
        log, began, outage = structlog.get_logger(), time.monotonic(), outage_of(error)
        log.warning("database_gone", reason=outage.reason if outage else "", cause=repr(error.__cause__))
        while self._error is not None:
            refused = isinstance(outage_of(self._error), RefusedError)
            await asyncio.sleep(REFUSED_CHECK_SECONDS if refused else CHECK_SECONDS)
            try:
                await self._connect()
            except ConnectError as failure:
                self._error = failure if is_gone(failure) else None
            else:
                self._error = None
        self._closing = None
        log.info("database_back", seconds=round(time.monotonic() - began, 3))
