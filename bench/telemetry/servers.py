"""Servers under load, one for each variant, and their back end."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from subprocess import DEVNULL, PIPE
from typing import Any, Final

from bench.client import Client, connected
from bench.processes import cpu_seconds, main_thread_seconds
from bench.telemetry.applications import PATH
from bench.telemetry.control import Process

HEADERS: Final = {"User-Agent": "bench/1.0 (a client)", "Accept": "application/json", "Accept-Encoding": "gzip"}
_STILL_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class Server:
    """A running variant, and a client that is connected to it."""

    name: str
    process: Process
    client: Client

    def used(self) -> tuple[float, float]:
        """Returns the CPU seconds since the start: of the event loop's thread, and of all others."""
        loop, all_of_it = main_thread_seconds(self.process.pid), cpu_seconds(self.process.pid)
        return loop, all_of_it - loop

    async def load(self, requests: int) -> None:
        """Sends requests, then waits until all other threads of the server are idle. Raises RuntimeError on failure."""
        try:
            statuses = await self.client.fire(requests)
        except* (OSError, EOFError, TimeoutError) as error:
            raise RuntimeError(f"{self.name} stopped answering: {error.exceptions[0]}") from error
        if set(statuses) != {200}:
            raise RuntimeError(f"{self.name}: not all were answered with 200: {dict(statuses)}")
        before, now = -1.0, self.used()[1]
        while now != before:
            await asyncio.sleep(_STILL_SECONDS)
            before, now = now, self.used()[1]

    def flush(self) -> None:
        """Exports the queued spans."""
        self.process.ask("flush")


@dataclass(frozen=True, slots=True)
class Bench:
    """Servers by variant, and their back end."""

    servers: Mapping[str, Server]
    backend: Process

    def counts(self) -> dict[str, int]:
        """Returns the number of spans and lines of all servers so far."""
        counts: dict[str, Any] = self.backend.ask("counts")
        return counts


@asynccontextmanager
async def open_bench(names: Sequence[str], *, lines_to: str) -> AsyncIterator[Bench]:
    """Starts a server for each name. Their logs go to a `pipe` that the back end reads, or to /dev/null."""
    async with AsyncExitStack() as stack:
        backend = stack.enter_context(Process("bench.telemetry.backend", stdin=PIPE))
        endpoint = f"http://127.0.0.1:{backend.ask('port')}"
        stdout = backend.stdin if lines_to == "pipe" else DEVNULL
        processes = {
            name: stack.enter_context(Process("bench.telemetry.server", name, endpoint, stdout=stdout))
            for name in names
        }
        servers = {}
        for name, process in processes.items():
            url = f"http://127.0.0.1:{process.ask('port')}"
            servers[name] = Server(name, process, await stack.enter_async_context(connected(url, [PATH], HEADERS)))
        yield Bench(servers, backend)
