"""Drains a server without losing a request: docs/decisions/0004-drain.md."""

import asyncio
import gc
import logging
import signal
import socket
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any, Final

from uvicorn.server import Server

from app.processes.api import Binnacle

LAST_CALL_SECONDS: Final = 0.5


class DrainingServer(Server):
    """Keeps serving for a while after SIGTERM, with `Connection: close`; SIGINT skips the wait."""

    def __init__(self, config: Any, binnacle: Binnacle, drain_seconds: float) -> None:
        super().__init__(config)
        self._binnacle = binnacle
        self._drain_seconds = drain_seconds
        self._drain_ends: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._binnacle.serving_state.drain()
        if sig != signal.SIGTERM or self._drain_seconds == 0 or self._drain_ends is not None:
            super().handle_exit(sig, frame)
            return
        self._captured_signals.append(sig)
        self._drain_ends = asyncio.get_running_loop().time() + self._drain_seconds
        logging.getLogger("app.server").info("draining for %g s", self._drain_seconds)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Excludes objects of the startup from garbage collection, which would stop the event loop for some 60 ms."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()

    async def on_tick(self, counter: int) -> bool:
        if self._drain_ends is not None and asyncio.get_running_loop().time() >= self._drain_ends:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves connections that wait in the listen queue; the stock server resets them."""
        loop = asyncio.get_running_loop()
        make: Any = self.config.http_protocol_class
        protocol = partial(make, config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        for connection in self._stop_listening(sockets or []):
            await loop.connect_accepted_socket(protocol, connection)
        ends = loop.time() + LAST_CALL_SECONDS
        while self.server_state.connections and loop.time() < ends:  # noqa: ASYNC110 -- no event
            await asyncio.sleep(0.05)
        await super().shutdown(sockets)

    def _stop_listening(self, sockets: list[socket.socket]) -> list[socket.socket]:
        """Accepts the connections in the listen queues, then closes the sockets, which would reset them."""
        waiting = []
        for listening in sockets:
            with suppress(BlockingIOError):
                while True:
                    waiting.append(listening.accept()[0])
        for listener in self.servers:
            listener.close()
        for listening in sockets:
            listening.close()
        return waiting
