"""Fixtures of the outbox: a database and a runner for handlers of the test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import RowMapping, select, update

from app.errors import UnavailableError
from app.infra.database import Database, open_database
from app.infra.outbox import dead_letters
from app.infra.outbox.claimed_message import Handler
from app.infra.outbox.models import OutboxMessage
from app.infra.outbox.outbox import Outbox
from app.infra.outbox.runner import Runner
from app.settings import Settings
from app.telemetry.metrics import JobMetrics
from app.telemetry.traces.tracing import Tracing

TOPIC = "ring_the_bell"


@dataclass(slots=True)
class FakeQueue:
    """In-memory queue: records published ids; `wait` is its length; after `room` messages it is unavailable."""

    taken: list[UUID] = field(default_factory=list)
    wait: int = 0
    room: float = inf

    async def publish(self, message_id: UUID) -> None:
        if self.room <= 0:
            raise UnavailableError("The queue does not answer.")
        self.room -= 1
        self.taken.append(message_id)

    async def waiting(self) -> int:
        return self.wait


@dataclass(slots=True)
class OutboxFixture:
    """An outbox and its database. `enqueued` holds the ids that workers were notified of."""

    database: Database
    settings: Settings
    enqueued: list[UUID] = field(default_factory=list)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    writer: Outbox = field(init=False)

    def __post_init__(self) -> None:
        self.writer = Outbox(self.enqueued.append)

    async def add(self, **payload: Any) -> UUID:
        async with self.database.write() as session:
            return self.writer.add(session, TOPIC, payload or {"bell": "1"})

    def runner(self, handler: Handler, **settings: Any) -> Runner:
        made = self.settings.model_copy(update=settings)
        metrics = JobMetrics(CollectorRegistry(), [TOPIC])
        return Runner(self.database, {TOPIC: handler}, metrics, Tracing(made, "test"), made)

    async def row(self, message_id: UUID) -> RowMapping | None:
        async with self.database.read() as session:
            query = select(*OutboxMessage.__table__.columns).where(OutboxMessage.id == message_id)
            return (await session.execute(query)).mappings().one_or_none()

    async def dead(self) -> list[tuple[UUID, str]]:
        async with self.database.read() as session:
            rows, _ = await dead_letters.page(session, offset=0, limit=10)
            return [(row["id"], row["error"]) for row in rows]

    async def pass_time(self, message_id: UUID, seconds: float) -> None:
        row = await self.row(message_id)
        assert row is not None
        moments = ("created_at", "available_at", "claimed_until", "done_at")
        moved = {name: row[name] - timedelta(seconds=seconds) for name in moments if row[name] is not None}
        async with self.database.write() as session:
            await session.execute(update(OutboxMessage).where(OutboxMessage.id == message_id).values(**moved))


@pytest.fixture
async def outbox(settings: Settings) -> AsyncIterator[OutboxFixture]:
    """An outbox on each database."""
    async with open_database(settings) as database:
        yield OutboxFixture(database, settings)
