"""Outbox, handlers and mailer that send to a sandbox provider in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import httpx2
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select, update

from app.accounts.models import Account
from app.infra.database import Database, open_database
from app.infra.outbox.claimed_message import Handler
from app.infra.outbox.models import OutboxMessage
from app.infra.outbox.outbox import Outbox
from app.infra.outbox.runner import Runner
from app.infra.outbox.time_slices import TimeSlices
from app.infra.resilience.circuit_breaker import Breaker
from app.infra.resilience.dependency import Dependency
from app.infra.resilience.retry import Retries, RetryRules
from app.mail.campaigns import SendCampaign
from app.mail.handlers import handlers
from app.mail.mailer import OPERATIONS, TARGET, HttpMailer
from app.mail.topics import SEND_CAMPAIGN
from app.settings import Settings
from app.telemetry.metrics import DependencyMetrics, JobMetrics
from app.telemetry.traces.tracing import Tracing
from tests.support.sandbox import sandbox_client

PATIENCE_SECONDS: Final = 30  # on a slow machine the sandbox in this process may answer late


def mailer(client: httpx2.AsyncClient, sender: str | None = None) -> HttpMailer:
    """A mailer that sends through this client."""
    metrics = DependencyMetrics(CollectorRegistry())
    dependency = Dependency(
        TARGET,
        client,
        metrics,
        operations=OPERATIONS,
        breaker=Breaker(TARGET, metrics),
        retries=Retries(TARGET, metrics, RetryRules(tries=1)),
        try_seconds=PATIENCE_SECONDS,
    )
    return HttpMailer(dependency, sender=sender, within=PATIENCE_SECONDS)


@dataclass(slots=True)
class MailFixture:
    """`enqueued` holds the ids of messages that no worker has processed yet."""

    database: Database
    settings: Settings
    client: httpx2.AsyncClient
    enqueued: list[UUID] = field(default_factory=list)
    outbox: Outbox = field(init=False)
    handlers: dict[str, Handler] = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.enqueued.append)
        campaign = SendCampaign(TimeSlices(self.database, self.outbox), self.outbox, accounts_at_once=2)
        self.handlers = {SEND_CAMPAIGN: campaign, **handlers(self.database, mailer(self.client))}

    def runner(self, **settings: Any) -> Runner:
        made = self.settings.model_copy(update=settings)
        metrics = JobMetrics(CollectorRegistry(), self.handlers)
        return Runner(self.database, self.handlers, metrics, Tracing(made, "test"), made)

    async def add_message(self, topic: str, **payload: object) -> UUID:
        """Adds a message and does not enqueue it."""
        async with self.database.write() as session:
            message_id = self.outbox.add(session, topic, {name: str(value) for name, value in payload.items()})
        self.enqueued.remove(message_id)
        return message_id

    async def account(self, name: str, **values: Any) -> UUID:
        account_id = uuid4()
        named = {"username": name, "username_key": name, "email_key": f"{name}@example.com", "password_hash": "none"}
        row = Account(id=account_id, **{**named, "email": f"{name}@example.com", **values})
        async with self.database.write() as session:
            session.add(row)
        return account_id

    async def change(self, account_id: UUID, **values: Any) -> None:
        async with self.database.write() as session:
            await session.execute(update(Account).where(Account.id == account_id).values(**values))

    async def messages(self, topic: str) -> int:
        async with self.database.read() as session:
            query = select(func.count()).select_from(OutboxMessage).where(OutboxMessage.topic == topic)
            return (await session.execute(query)).scalar_one()

    async def process_enqueued(self, runner: Runner) -> None:
        """Processes the enqueued messages in order, and those that they enqueue."""
        while self.enqueued:
            await runner.process(self.enqueued.pop(0))

    async def behave(self, **faults: Any) -> None:
        (await self.client.put("/v1/behaviour", json={"mails": faults})).raise_for_status()

    async def mails(self) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = (await self.client.get("/v1/mails")).raise_for_status().json()["mails"]
        return answer


@asynccontextmanager
async def open_mail_fixture(settings: Settings) -> AsyncIterator[MailFixture]:
    async with open_database(settings) as database, sandbox_client(settings.state_dir) as client:
        yield MailFixture(database, settings, client)
