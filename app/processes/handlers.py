"""Background work: the handler of each topic, and the sweeps and counts of the reconciler."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from app.accounts import refresh_tokens
from app.infra.event_bus import Bus
from app.infra.outbox import pending
from app.infra.outbox.bulkheads import Bulkhead, Slots, local_slots, shares
from app.infra.outbox.reconciler import Queue, Reconciler, Sweep
from app.infra.outbox.runner import Runner
from app.infra.outbox.time_slices import TimeSlices
from app.mail import handlers as mail
from app.mail.campaigns import SendCampaign
from app.mail.mailer import TARGET as MAIL
from app.mail.mailer import open_mailer
from app.mail.topics import SEND_CAMPAIGN
from app.orders import idempotency, status_counts
from app.orders.commands.pay import PAY_ORDER, PayOrder
from app.orders.commands.refund import REFUND_ORDER, RefundOrder
from app.orders.payment_provider import TARGET as PAYMENTS
from app.orders.payment_provider import open_provider
from app.processes.platform import Platform
from app.reports import repository as reports
from app.reports.generation import MakeReport
from app.reports.service import MAKE_REPORT
from app.telemetry.metrics import BacklogMetrics, JobMetrics, OrderMetrics, OrderStateMetrics, OutboxMetrics

if TYPE_CHECKING:
    from app.infra.outbox.claimed_message import Handler

SWEEPS: Final[tuple[Sweep, ...]] = (pending.sweep, refresh_tokens.sweep, idempotency.sweep, reports.sweep)
# Topics that call a dependency; together they may use only a share of a worker's slots.
NEEDED_BY: Final[Mapping[str, tuple[str, ...]]] = {PAYMENTS: (PAY_ORDER, REFUND_ORDER), MAIL: mail.TOPICS}
TOPICS: Final[tuple[str, ...]] = (PAY_ORDER, REFUND_ORDER, MAKE_REPORT, SEND_CAMPAIGN, *mail.TOPICS)


@asynccontextmanager
async def open_runner(platform: Platform, bus: Bus, slots: Mapping[str, Slots] | None = None) -> AsyncIterator[Runner]:
    """Opens the handlers and their clients. `slots` maps dependencies to shared slots; by default they are local."""
    settings, telemetry, database = platform.settings, platform.telemetry, platform.database
    slots = local_slots(shares(settings.worker_concurrency, NEEDED_BY)) if slots is None else slots
    async with open_provider(settings, telemetry) as provider, open_mailer(settings, telemetry) as mailer:
        slices, orders = TimeSlices(database, bus.outbox), telemetry.metrics(OrderMetrics)
        handlers: dict[str, Handler] = {
            PAY_ORDER: PayOrder(database, provider, bus.events, orders),
            REFUND_ORDER: RefundOrder(database, provider, bus.events, orders),
            MAKE_REPORT: MakeReport(slices, days=settings.report_days),
            SEND_CAMPAIGN: SendCampaign(slices, bus.outbox),
            **mail.handlers(database, mailer),
        }
        breakers = {PAYMENTS: provider.breaker, MAIL: mailer.breaker}
        bulkheads = {target: Bulkhead(breaker, slots[target]) for target, breaker in breakers.items()}
        by_topic = {topic: bulkheads[target] for target, topics in NEEDED_BY.items() for topic in topics}
        jobs = JobMetrics(telemetry.registry, TOPICS)
        yield Runner(database, handlers, jobs, telemetry.tracing, settings, by_topic)


def make_reconciler(platform: Platform, queue: Queue) -> Reconciler:
    """Returns the reconciler, for one process to run; registers the metrics of waiting messages."""
    registry = platform.telemetry.registry
    return Reconciler(
        platform.database,
        queue,
        OutboxMetrics(registry),
        platform.settings.reconcile_seconds,
        SWEEPS,
        backlog=BacklogMetrics(registry, TOPICS),
        watches=(status_counts.watch(OrderStateMetrics(registry)),),
    )
