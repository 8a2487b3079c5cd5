"""Health checks of database, outbox and Redis, for /health."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from app.api.health import Finding, Probe
from app.infra.database import Database
from app.infra.database.outages import OutageError
from app.infra.outbox import pending

if TYPE_CHECKING:
    from app.settings import Settings

MAX_WAIT_SECONDS: Final = 60.0  # the queue is degraded when a message waits longer
KEY: Final = "health"
KEY_SECONDS: Final = 10


@asynccontextmanager
async def open_probes(settings: "Settings", database: Database) -> AsyncIterator[Mapping[str, Probe]]:
    """Yields a check for each configured store, by name. Connections are opened by the first check."""

    async def ask_database() -> Finding:
        try:
            async with database.read() as session:
                await session.execute(text("SELECT 1"))
            await database.require_writes()
        except OutageError as outage:
            return Finding("down", f"{outage.reason[0].upper()}{outage.reason[1:]}.")
        return Finding("ok", "Answers.")

    async def ask_queue() -> Finding:
        async with database.read() as session:
            backlog = await pending.backlog(session)
        if not backlog:
            return Finding("ok", "No message waits.")
        count, oldest = sum(count for count, _ in backlog.values()), max(age for _, age in backlog.values())
        detail = f"{count} {'message waits' if count == 1 else 'messages wait'}, the oldest for {oldest:.0f} s."
        return Finding("degraded" if oldest > MAX_WAIT_SECONDS else "ok", detail)

    probes: dict[str, Probe] = {"database": ask_database, "queue": ask_queue}
    address = settings.redis
    if address is None:
        yield probes
        return
    from redis.exceptions import RedisError, ResponseError  # noqa: PLC0415 -- redis-py takes 5 MB

    from app.infra.redis.pool import open_client  # noqa: PLC0415

    async with open_client(address, connections=1) as client:

        async def ask_redis() -> Finding:
            try:
                await client.set(KEY, "", ex=KEY_SECONDS)
            except ResponseError:  # a replica, a full memory, a disk that can't be written
                return Finding("degraded", "Answers, but refuses to write.")
            except (RedisError, OSError):
                return Finding("down", "Does not answer.")
            return Finding("ok", "Takes writes.")

        yield {**probes, "redis": ask_redis}
