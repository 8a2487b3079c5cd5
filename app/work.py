"""What is done in the background: every topic and its handler, the same in a worker and in an embedded API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from app.accounts import refresh
from app.infra.database import Database
from app.infra.events import Events
from app.infra.outbox import waiting
from app.infra.outbox.outbox import Outbox
from app.infra.outbox.reconciler import Sweep, Watch
from app.infra.outbox.runner import Runner
from app.infra.outbox.turns import Turns
from app.mail import sending
from app.mail.campaigns import SendCampaign
from app.mail.mailer import open_mailer
from app.mail.topics import SEND_CAMPAIGN
from app.orders import idempotency, states
from app.orders.commands.pay import PAY_ORDER, PayOrder
from app.orders.commands.refund import REFUND_ORDER, RefundOrder
from app.orders.provider import open_provider
from app.reports import repository as reports
from app.reports.making import MakeReport
from app.reports.service import MAKE_REPORT
from app.settings import Settings
from app.telemetry.metrics import DependencyMetrics, JobMetrics, OrderMetrics, OrderStateMetrics
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from app.infra.outbox.message import Handler

SWEEPS: tuple[Sweep, ...] = (waiting.sweep, refresh.sweep, idempotency.sweep, reports.sweep)
TOPICS: tuple[str, ...] = (PAY_ORDER, REFUND_ORDER, MAKE_REPORT, SEND_CAMPAIGN, *sending.TOPICS)


def watches(registry: CollectorRegistry) -> tuple[Watch, ...]:
    """What the one process that reconciles looks at beside the outbox."""
    return (states.watch(OrderStateMetrics(registry)),)


@asynccontextmanager
async def open_runner(
    settings: Settings,
    database: Database,
    outbox: Outbox,
    events: Events,
    *,
    tracing: Tracing,
    order_metrics: OrderMetrics,
    dependency_metrics: DependencyMetrics,
    registry: CollectorRegistry,
) -> AsyncIterator[Runner]:
    """Who works on messages, with what the handlers need."""
    async with (
        open_provider(settings, dependency_metrics, tracing) as provider,
        open_mailer(settings, dependency_metrics, tracing) as mailer,
    ):
        turns = Turns(database, outbox)
        handlers: dict[str, Handler] = {
            PAY_ORDER: PayOrder(database, provider, events, order_metrics),
            REFUND_ORDER: RefundOrder(database, provider, events, order_metrics),
            MAKE_REPORT: MakeReport(turns, days=settings.report_days),
            SEND_CAMPAIGN: SendCampaign(turns, outbox),
            **sending.Sending(database, mailer).handlers(),
        }
        yield Runner(database, handlers, JobMetrics(registry, TOPICS), tracing, settings)
