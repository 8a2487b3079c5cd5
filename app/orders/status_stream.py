"""Following an order: what its state is, who may see it, and a hint whenever it changes.

The database is the truth. A hint that is lost costs a few seconds, since whoever follows also looks by itself.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel

from app.errors import UnavailableError
from app.events import OrderCancelled, OrderFailed, OrderPaid, OrderRefunded
from app.infra.database import Database
from app.infra.fanout import Fanout, Message, Reader
from app.orders import repository
from app.orders.schemas import RefundState, Status
from app.telemetry.traces.tracing import link, traceparent

LOOK_SECONDS: Final = 5.0
TICK_SECONDS: Final = 0.5
OrderChanged = OrderPaid | OrderFailed | OrderCancelled | OrderRefunded
Party = Literal["buyer", "seller"]


class OrderState(BaseModel):
    """What those who follow an order are told. `final`: nothing more happens by itself."""

    order_id: UUID
    status: Status
    refund: RefundState
    failure_reason: str | None
    final: bool
    stage: int


def state_of(row: repository.State) -> OrderState:
    """The stage only grows: 1 pending, 2 paid or failed, 3 cancelled with money to come back, 4 cancelled for good."""
    stages = {"pending": 1, "paid": 2, "failed": 2, "cancelled": 3 if row.refund == "pending" else 4}
    stage = stages[row.status]
    return OrderState(
        order_id=row.id,
        status=row.status,
        refund=row.refund,
        failure_reason=row.failure_reason,
        final=stage in (2, 4),
        stage=stage,
    )


def announcing(fanout: Fanout) -> Callable[[OrderChanged], Awaitable[None]]:
    """A live subscriber of what happens to orders."""

    async def announce(event: OrderChanged) -> None:
        await fanout.publish(channel(event.order_id), traceparent().encode())

    return announce


def channel(order_id: UUID) -> str:
    return f"order:{order_id}"


class Following:
    """Lets buyers and sellers follow orders."""

    def __init__(self, database: Database, fanout: Fanout) -> None:
        self._database = database
        self._fanout = fanout

    async def party(self, order_id: UUID, account_id: UUID) -> Party | None:
        """What an account is to an order: its buyer, a seller of one of its items, or nothing."""
        async with self._database.read() as session:
            return await repository.party(session, order_id, account_id)

    @asynccontextmanager
    async def follow(self, order_id: UUID, *more: str, seen: int = 0) -> AsyncIterator["Follower"]:
        """Follows an order from a stage on, and hears what is said on `more` channels."""
        async with self._fanout.subscribe(channel(order_id), *more) as reader:
            yield Follower(self._database, reader, order_id, seen)


class Follower:
    """One who follows."""

    def __init__(self, database: Database, reader: Reader, order_id: UUID, seen: int) -> None:
        self._database = database
        self._reader = reader
        self._order_id = order_id
        self._look_at = float("-inf")
        self._seen = seen
        self._told = False

    async def next(self) -> OrderState | Message | None:
        """A state that was not seen yet, something that was said, or None after half a second without either.

        A final state is told even if it was seen: who comes again must learn that there is nothing to wait for. Raises
        SlowReaderError.
        """
        if time.monotonic() >= self._look_at:
            state = await self._look()
            if state is not None:
                return state
        message = await self._reader.within(TICK_SECONDS)
        if message is not None and message.channel == channel(self._order_id):
            self._look_at = float("-inf")
            link(message.content.decode("ascii", "replace"))
            return None
        return message

    async def _look(self) -> OrderState | None:
        self._look_at = time.monotonic() + LOOK_SECONDS
        try:
            async with self._database.read() as session:
                state = state_of(await repository.state(session, self._order_id))
        except UnavailableError:
            return None
        known, self._told = state.stage <= self._seen and (self._told or not state.final), True
        self._seen = max(state.stage, self._seen)
        return None if known else state
