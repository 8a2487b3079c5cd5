"""Opens clients of Redis. redis-py takes 5 MB, so it is imported only by processes that have a Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app.telemetry.clients.redis import record_commands

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from app.settings.redis import RedisAddress
    from app.telemetry.traces.tracing import Tracing


@asynccontextmanager
async def open_client(
    address: "RedisAddress", connections: int, tracing: "Tracing | None" = None
) -> AsyncIterator["Redis"]:
    """Opens a client with a pool of its own, which connects at its first use. `tracing` records spans of commands."""
    from redis.asyncio import Redis  # noqa: PLC0415

    from app.infra.redis.pool import open_pool  # noqa: PLC0415

    async with Redis.from_pool(open_pool(address, connections)) as client:
        record_commands(client, tracing)
        yield client
