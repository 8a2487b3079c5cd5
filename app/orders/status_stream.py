"""Streams the status of an order to its buyer and sellers.

The database is the source of truth. A notification only speeds a stream up: a follower also polls the database.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from app.errors import UnavailableError
from app.events import OrderEvent
from app.infra.database import Database
from app.infra.fanout import Fanout, Message, Reader
from app.orders import repository
from app.orders.models import OrderStatus, RefundStatus
from app.orders.repository import ParticipantRole
from app.telemetry.traces.tracing import link, traceparent

POLL_SECONDS: Final = 5.0
TICK_SECONDS: Final = 0.5


class OrderState(BaseModel):
    """Status message of a stream. `final`: the status changes no more by itself. `stage` is the event id."""

    order_id: UUID
    status: OrderStatus
    refund: RefundStatus
    failure_reason: str | None
    final: bool
    stage: int


def state_of(row: repository.State) -> OrderState:
    """Returns the message for a state. Stages only grow: 1 pending, 2 paid or failed, 3 cancelled, 4 refund settled."""
    refunding = row.refund == RefundStatus.PENDING
    stages = {OrderStatus.PENDING: 1, OrderStatus.PAID: 2, OrderStatus.FAILED: 2, OrderStatus.CANCELLED: 4 - refunding}
    stage = stages[row.status]
    return OrderState(order_id=row.id, final=stage in (2, 4), stage=stage, **row._asdict())


def publish_order_change(fanout: Fanout) -> Callable[[OrderEvent], Awaitable[None]]:
    """Returns the live subscriber that notifies the followers of an order."""

    async def publish(event: OrderEvent) -> None:
        await fanout.publish(channel(event.order_id), traceparent().encode())

    return publish


def channel(order_id: UUID) -> str:
    return f"order:{order_id}"


class Following:
    """Opens streams of orders."""

    def __init__(self, database: Database, fanout: Fanout) -> None:
        self._database = database
        self._fanout = fanout

    async def participant_role(self, order_id: UUID, account_id: UUID) -> ParticipantRole | None:
        """Returns the part of an account in an order: its buyer, a seller of one of its items, or None."""
        async with self._database.read() as session:
            return await repository.participant_role(session, order_id, account_id)

    @asynccontextmanager
    async def follow(self, order_id: UUID, *more: str, seen: int = 0) -> AsyncIterator["Follower"]:
        """Follows an order from the stage after `seen`, and receives the messages of `more` channels."""
        async with self._fanout.subscribe(channel(order_id), *more) as reader:
            yield Follower(self._database, reader, order_id, seen)


class Follower:
    """One stream of an order's status."""

    def __init__(self, database: Database, reader: Reader, order_id: UUID, seen: int) -> None:
        self._database = database
        self._reader = reader
        self._order_id = order_id
        self._poll_at = float("-inf")
        self._seen = seen
        self._sent = False

    async def next(self) -> OrderState | Message | None:
        """Returns a new state, a message of another channel, or None after half a second without either.

        A final state is returned even if it was seen: a client that reconnects must learn that the stream is over.
        Raises SlowReaderError.
        """
        if time.monotonic() >= self._poll_at:
            state = await self._poll()
            if state is not None:
                return state
        message = await self._reader.within(TICK_SECONDS)
        if message is not None and message.channel == channel(self._order_id):
            self._poll_at = float("-inf")
            link(message.content.decode("ascii", "replace"))
            return None
        return message

    async def _poll(self) -> OrderState | None:
        self._poll_at = time.monotonic() + POLL_SECONDS
        try:
            async with self._database.read() as session:
                state = state_of(await repository.state(session, self._order_id))
        except UnavailableError:
            return None
        known, self._sent = state.stage <= self._seen and (self._sent or not state.final), True
        self._seen = max(state.stage, self._seen)
        return None if known else state
