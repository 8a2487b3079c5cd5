"""Domain events: durable subscribers commit with them, live ones run afterwards, and failures are isolated."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from app.errors import ConflictError
from app.events import Event, UserRegistered
from app.infra.event_bus import Events
from app.infra.outbox.models import OutboxMessage
from tests.app.infra.outbox.conftest import OutboxFixture
from tests.support.recorded_telemetry import recorded_logs

pytestmark = pytest.mark.anyio


async def _topics(outbox: OutboxFixture) -> list[tuple[str, dict[str, str]]]:
    async with outbox.database.read() as session:
        rows = (await session.execute(select(OutboxMessage.topic, OutboxMessage.payload))).all()
        return sorted((row.topic, row.payload) for row in rows)


async def test_subscribers_are_notified_independently(outbox: OutboxFixture) -> None:
    received: list[Event] = []

    async def broken(_event: Event) -> None:
        raise RuntimeError("not today")

    async def listen(event: Event) -> None:
        received.append(event)

    events = Events(outbox.writer, {UserRegistered: ("greet", "count")}, {UserRegistered: (broken, listen)})
    event = UserRegistered(uuid4())
    with recorded_logs() as recorded:
        async with outbox.database.write() as session:
            events.record(session, event)
            assert received == [], "not before it has happened"
    assert received == [event]
    assert [line["event_name"] for line in recorded.lines("event_listener_failed")] == ["user.registered"]
    payload = {"account_id": str(event.account_id)}
    assert await _topics(outbox) == [("count", payload), ("greet", payload)]
    assert len(outbox.enqueued) == 2


async def test_a_rolled_back_transaction_notifies_nobody(outbox: OutboxFixture) -> None:
    received: list[Event] = []

    async def listen(event: Event) -> None:
        received.append(event)

    events = Events(outbox.writer, {UserRegistered: ("greet",)}, {UserRegistered: (listen,)})

    async def fail() -> None:
        async with outbox.database.write() as session:
            events.record(session, UserRegistered(uuid4()))
            raise ConflictError("no")

    with pytest.raises(ConflictError):
        await fail()
    assert (received, outbox.enqueued, await _topics(outbox)) == ([], [], [])
