"""Refuses new connections at once while the database is known to be gone, and looks whether it is back.

Connections that are open stay in use: only what would have to connect, or to wait for others that do, is refused.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import structlog

from app.infra.database.outage_errors import ConnectError, RefusedError
from app.infra.database.outages import is_gone, outage_of

LOOK_SECONDS: Final = 0.5
LOOK_AT_REFUSALS_SECONDS: Final = 5.0  # a server may lock out those who fail to log in too often
_T = TypeVar("_T")


class Gate:
    """Open until a connection can't be opened; then closed until one can. `connect` opens one and closes it again."""

    def __init__(self, connect: Callable[[], Awaitable[None]]) -> None:
        self._connect = connect
        self._error: ConnectError | None = None
        self._closing: asyncio.Future[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    @property
    def closed(self) -> bool:
        return self._error is not None

    async def while_open(self, work: Awaitable[_T]) -> _T:
        """The result of `work`. Raises ConnectError, and cancels it, as soon as the gate is closed."""
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
        """Call it when a connection can't be opened."""
        if self._error is not None or not is_gone(error):
            return
        self._error = error
        self._until_closed().set_result(None)
        self._looking = asyncio.create_task(self._look(), name="database gate")

    async def stop(self) -> None:
        """Looks no more."""
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    def _until_closed(self) -> "asyncio.Future[None]":
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_future()
        return self._closing

    async def _look(self) -> None:
        log, began = structlog.get_logger(), time.monotonic()
        log.warning("database_gone", reason=self._reason(), cause=repr(self._error and self._error.__cause__))
        while self._error is not None:
            refused = isinstance(outage_of(self._error), RefusedError)
            await asyncio.sleep(LOOK_AT_REFUSALS_SECONDS if refused else LOOK_SECONDS)
            try:
                await self._connect()
            except ConnectError as error:
                self._error = error if is_gone(error) else None
            else:
                self._error = None
        self._closing = None
        log.info("database_back", seconds=round(time.monotonic() - began, 3))

    def _reason(self) -> str:
        outage = outage_of(self._error) if self._error is not None else None
        return outage.reason if outage is not None else ""
