"""A shop without HTTP: the database, a provider, and time that passes when told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from app.accounts.models import Account
from app.catalog.models import Item
from app.infra.database import Database, open_database
from app.infra.jobs import Jobs
from app.orders.models import Order, OutboxMessage
from app.orders.payment import Payments
from app.orders.provider import Provider
from app.orders.reconcile import Reconciler
from app.orders.schemas import NewLine, NewOrder
from app.orders.service import Orders
from app.settings import Settings
from app.telemetry.metrics import OrderMetrics, OutboxMetrics
from app.telemetry.tracing import Tracing
from tests.app.sandbox.running import sandbox_client

STOCK = 1000
CLAIM_SECONDS = 30.0


@dataclass(slots=True)
class Shop:
    """`registry` holds the metrics, `queued` what the reconciler queued, `client` talks to the provider."""

    database: Database
    settings: Settings
    client: httpx2.AsyncClient
    buyer: UUID = field(default_factory=uuid4)
    item: UUID = field(default_factory=uuid4)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    queued: list[UUID] = field(default_factory=list)
    metrics: OrderMetrics = field(init=False)
    tracing: Tracing = field(init=False)
    reconciler: Reconciler = field(init=False)

    def __post_init__(self) -> None:
        self.metrics = OrderMetrics(self.registry)
        self.tracing = Tracing(self.settings, "test")
        outbox_metrics = OutboxMetrics(self.registry)
        self.reconciler = Reconciler(self.database, self.queued.append, outbox_metrics, every=5)

    async def stock_up(self) -> None:
        name = self.buyer.hex
        async with self.database.write() as session:
            session.add(
                Account(
                    id=self.buyer, username=name, username_key=name, email=name, email_key=name, password_hash="none"
                )
            )
            await session.flush()
            session.add(
                Item(id=self.item, owner_id=self.buyer, name="Bell", price_minor=1990, currency="EUR", stock=STOCK)
            )

    async def order(self, quantity: int = 1) -> UUID:
        """The id of the message of a new order."""
        orders = Orders(self.database, Jobs(self.nothing, at_once=1), self.metrics, self.tracing)
        lines = [NewLine(item_id=self.item, quantity=quantity)]
        placed = await orders.place(self.buyer, NewOrder(lines=lines))
        async with self.database.read() as session:
            query = select(OutboxMessage.id).where(OutboxMessage.order_id == placed.id)
            return (await session.execute(query)).scalar_one()

    def worker(self, client: httpx2.AsyncClient | None = None, claim_seconds: float = CLAIM_SECONDS) -> Payments:
        provider = Provider(client or self.client, self.metrics)
        return Payments(self.database, provider, self.metrics, self.tracing, claim_seconds)

    async def pass_time(self, seconds: float) -> None:
        """Moves every moment of the outbox into the past."""
        async with self.database.write() as session:
            for row in (await session.execute(select(OutboxMessage))).scalars():
                for name in ("created_at", "available_at", "claimed_until", "done_at"):
                    moment = getattr(row, name)
                    if moment is not None:
                        setattr(row, name, moment - timedelta(seconds=seconds))

    async def status(self, message_id: UUID) -> tuple[str, str | None]:
        """Status and reason of the order of a message."""
        async with self.database.read() as session:
            query = (
                select(Order.status, Order.failure_reason)
                .join(OutboxMessage, OutboxMessage.order_id == Order.id)
                .where(OutboxMessage.id == message_id)
            )
            status, reason = (await session.execute(query)).one()
            return status, reason

    async def order_of(self, message_id: UUID) -> UUID:
        async with self.database.read() as session:
            query = select(OutboxMessage.order_id).where(OutboxMessage.id == message_id)
            return (await session.execute(query)).scalar_one()

    async def stock(self) -> int:
        async with self.database.read() as session:
            return (await session.execute(select(Item.stock).where(Item.id == self.item))).scalar_one()

    async def available_at(self, message_id: UUID) -> datetime:
        """From when on the reconciler may queue a message."""
        async with self.database.read() as session:
            query = select(OutboxMessage.available_at).where(OutboxMessage.id == message_id)
            return (await session.execute(query)).scalar_one()

    async def behave(self, **behaviour: Any) -> None:
        (await self.client.put("/v1/behaviour", json=behaviour)).raise_for_status()

    async def charges(self) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = (await self.client.get("/v1/charges")).raise_for_status().json()["charges"]
        return answer

    def counted(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(name, labels)
        assert value is not None, f"{name}{labels} is not there"
        return value

    @staticmethod
    async def nothing(_message_id: UUID) -> None:
        """Hints are lost here: what is tested is what happens without them."""


@asynccontextmanager
async def open_shop(settings: Settings) -> AsyncIterator[Shop]:
    """A shop on a migrated database, with a sandbox provider of its own."""
    async with open_database(settings) as database, sandbox_client(settings.state_dir) as client:
        shop = Shop(database, settings, client)
        await shop.stock_up()
        yield shop
