"""Events: what is durable is committed with them, what is live runs after, and nobody's failure is another's."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from app.errors import ConflictError
from app.events import Event, UserRegistered
from app.infra.event_bus import Events
from app.infra.outbox.models import OutboxMessage
from tests.app.infra.outbox.conftest import Bench
from tests.support.recorded_telemetry import recorded_logs

pytestmark = pytest.mark.anyio


async def _topics(bench: Bench) -> list[tuple[str, dict[str, str]]]:
    async with bench.database.read() as session:
        rows = (await session.execute(select(OutboxMessage.topic, OutboxMessage.payload))).all()
        return sorted((row.topic, row.payload) for row in rows)


async def test_every_subscriber_is_told_on_its_own(bench: Bench) -> None:
    told: list[Event] = []

    async def broken(_event: Event) -> None:
        raise RuntimeError("not today")

    async def listen(event: Event) -> None:
        told.append(event)

    events = Events(bench.outbox, {UserRegistered: ("greet", "count")}, {UserRegistered: (broken, listen)})
    event = UserRegistered(uuid4())
    with recorded_logs() as recorded:
        async with bench.database.write() as session:
            events.record(session, event)
            assert told == [], "not before it has happened"
    assert told == [event]
    assert [line["event_name"] for line in recorded.lines("event_listener_failed")] == ["user.registered"]
    payload = {"account_id": str(event.account_id)}
    assert await _topics(bench) == [("count", payload), ("greet", payload)]
    assert len(bench.hints) == 2


async def test_nobody_is_told_of_what_did_not_happen(bench: Bench) -> None:
    told: list[Event] = []

    async def listen(event: Event) -> None:
        told.append(event)

    events = Events(bench.outbox, {UserRegistered: ("greet",)}, {UserRegistered: (listen,)})

    async def fail() -> None:
        async with bench.database.write() as session:
            events.record(session, UserRegistered(uuid4()))
            raise ConflictError("no")

    with pytest.raises(ConflictError):
        await fail()
    assert (told, bench.hints, await _topics(bench)) == ([], [], [])
