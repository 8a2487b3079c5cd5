"""A shop without HTTP: a database, a sandbox provider, and time that tests move."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx2
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from app.accounts.models import Account
from app.catalog.models import Item
from app.infra.cache import Cache
from app.infra.cache.memory import Memory
from app.infra.database import Database, open_database
from app.infra.event_bus import Events
from app.infra.fanout import Fanout
from app.infra.outbox.models import OutboxMessage
from app.infra.outbox.outbox import Outbox
from app.infra.outbox.reconciler import Reconciler
from app.infra.outbox.runner import Runner
from app.infra.resilience.circuit_breaker import Breaker, BreakerRules
from app.infra.resilience.dependency import Dependency
from app.infra.resilience.retry import Retries, RetryRules
from app.orders.commands.cancel import CancelOrder
from app.orders.commands.pay import PAY_ORDER, PayOrder
from app.orders.commands.place import PlaceOrder
from app.orders.commands.refund import REFUND_ORDER, RefundOrder
from app.orders.models import Order
from app.orders.payment_provider import OPERATIONS, TARGET, Provider
from app.orders.queries import OrderQueries
from app.orders.schemas import NewLine, NewOrder, OrderDetail
from app.processes.subscriptions import subscribe
from app.rates.service import Rates, open_rates
from app.settings import Settings
from app.telemetry.metrics import (
    CacheMetrics,
    DependencyMetrics,
    FanoutMetrics,
    JobMetrics,
    OrderMetrics,
    OutboxMetrics,
)
from app.telemetry.traces.tracing import Tracing
from tests.app.infra.outbox.conftest import FakeQueue
from tests.support.sandbox import sandbox_client
from tests.support.telemetry import metered

if TYPE_CHECKING:
    from app.infra.outbox.claimed_message import Handler

STOCK = 1000
CLAIM_SECONDS = 30.0
PATIENCE_SECONDS = 30.0  # on a slow machine the sandbox in this process may answer late


@dataclass(slots=True)
class Shop:
    """`registry` holds the metrics, `queued` what the reconciler queued, `client` talks to the provider."""

    database: Database
    settings: Settings
    client: httpx2.AsyncClient
    rates: Rates
    buyer: UUID = field(default_factory=uuid4)
    item: UUID = field(default_factory=uuid4)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    queued: list[UUID] = field(default_factory=list)
    metrics: OrderMetrics = field(init=False)
    dependencies: DependencyMetrics = field(init=False)
    job_metrics: JobMetrics = field(init=False)
    tracing: Tracing = field(init=False)
    reconciler: Reconciler = field(init=False)
    events: Events = field(init=False)
    enqueued: list[UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.metrics = OrderMetrics(self.registry)
        self.dependencies = DependencyMetrics(self.registry)
        self.tracing = Tracing(self.settings, "test")
        cache, fanout = Cache(Memory(), CacheMetrics(self.registry)), Fanout(FanoutMetrics(self.registry))
        self.events = subscribe(Outbox(self.enqueued.append), cache, fanout)
        self.job_metrics = JobMetrics(self.registry, [PAY_ORDER, REFUND_ORDER])
        outbox_metrics = OutboxMetrics(self.registry)
        self.reconciler = Reconciler(self.database, FakeQueue(self.queued), outbox_metrics, every=5)

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
        """Places an order and returns the id of its message."""
        place = PlaceOrder(self.database, self.events, self.rates, self.metrics)
        new = NewOrder(lines=[NewLine(item_id=self.item, quantity=quantity)])
        order = (await place(self.buyer, new)).order_id
        return await self.message(PAY_ORDER, order)  # not enqueued: workers get no notification in these tests

    async def cancel(self, order_id: UUID) -> OrderDetail:
        return await CancelOrder(self.database, self.events, self.metrics)(self.buyer, order_id)

    async def see(self, order_id: UUID) -> OrderDetail:
        return await OrderQueries(self.database).get(self.buyer, order_id)

    async def message(self, topic: str, order_id: UUID) -> UUID:
        """The one message of this topic for an order."""
        async with self.database.read() as session:
            of_the_order = OutboxMessage.payload["order_id"].as_string() == str(order_id)
            query = select(OutboxMessage.id).where(OutboxMessage.topic == topic, of_the_order)
            return (await session.execute(query)).scalar_one()

    def provider(self, client: httpx2.AsyncClient | None = None) -> Provider:
        """A client of the provider that calls once without retries, and whose breaker never opens."""
        dependency = Dependency(
            TARGET,
            client or self.client,
            self.dependencies,
            operations=OPERATIONS,
            breaker=Breaker(TARGET, self.dependencies, BreakerRules(failures_in_a_row=1000, calls=1000)),
            retries=Retries(TARGET, self.dependencies, RetryRules(tries=1)),
            try_seconds=PATIENCE_SECONDS,
        )
        return Provider(dependency, PATIENCE_SECONDS)

    def worker(self, client: httpx2.AsyncClient | None = None) -> Runner:
        provider = self.provider(client)
        handlers: dict[str, Handler] = {
            PAY_ORDER: PayOrder(self.database, provider, self.events, self.metrics),
            REFUND_ORDER: RefundOrder(self.database, provider, self.events, self.metrics),
        }
        return Runner(self.database, handlers, self.job_metrics, self.tracing, self.settings)

    async def pass_time(self, seconds: float) -> None:
        """Moves every timestamp of unfinished messages into the past."""
        async with self.database.write() as session:
            query = select(OutboxMessage).where(OutboxMessage.done_at.is_(None))
            for row in (await session.execute(query)).scalars():
                for name in ("created_at", "available_at", "claimed_until"):
                    moment = getattr(row, name)
                    if moment is not None:
                        setattr(row, name, moment - timedelta(seconds=seconds))

    async def status(self, message_id: UUID) -> tuple[str, str | None]:
        """Status and reason of the order of a message."""
        async with self.database.read() as session:
            query = select(Order.status, Order.failure_reason).where(Order.id == await self.order_of(message_id))
            status, reason = (await session.execute(query)).one()
            return status, reason

    async def order_of(self, message_id: UUID) -> UUID:
        async with self.database.read() as session:
            query = select(OutboxMessage.payload).where(OutboxMessage.id == message_id)
            return UUID((await session.execute(query)).scalar_one()["order_id"])

    async def stock(self) -> int:
        async with self.database.read() as session:
            return (await session.execute(select(Item.stock).where(Item.id == self.item))).scalar_one()

    async def available_at(self, message_id: UUID) -> datetime:
        """The time from which the reconciler may queue a message."""
        async with self.database.read() as session:
            query = select(OutboxMessage.available_at).where(OutboxMessage.id == message_id)
            return (await session.execute(query)).scalar_one()

    async def behave(self, **behaviour: Any) -> None:
        (await self.client.put("/v1/behaviour", json=behaviour)).raise_for_status()

    async def refunds(self) -> list[dict[str, Any]]:
        return await self._ledger("refunds")

    async def charges(self, order_id: UUID | None = None) -> list[dict[str, Any]]:
        """Charges of all orders, or of one."""
        return await self._ledger("charges", **({} if order_id is None else {"reference": str(order_id)}))

    async def _ledger(self, kind: str, **of: str) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = (await self.client.get(f"/v1/{kind}", params=of)).raise_for_status().json()[kind]
        return lines

    def counted(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(name, labels)
        assert value is not None, f"{name}{labels} is not there"
        return value


@asynccontextmanager
async def open_shop(settings: Settings) -> AsyncIterator[Shop]:
    """A shop on a migrated database, with its own sandbox provider."""
    async with open_database(settings) as database, sandbox_client(settings.state_dir) as client:
        telemetry = metered(settings)
        cache = Cache(Memory(), telemetry.metrics(CacheMetrics))
        async with open_rates(settings, telemetry, cache) as rates:
            shop = Shop(database, settings, client, rates)
            await shop.stock_up()
            yield shop
