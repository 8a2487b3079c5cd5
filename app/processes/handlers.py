"""What is done in the background: every topic and its handler, the same in a worker and in an embedded API."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry

from app.accounts import refresh_tokens
from app.infra.database import Database
from app.infra.event_bus import Events
from app.infra.outbox import pending
from app.infra.outbox.bulkheads import Bulkhead, Bulkheads, shares
from app.infra.outbox.outbox import Outbox
from app.infra.outbox.reconciler import Sweep, Watch
from app.infra.outbox.runner import Runner
from app.infra.outbox.slots import Slots, local, shared
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
from app.reports import repository as reports
from app.reports.generation import MakeReport
from app.reports.service import MAKE_REPORT
from app.settings import Settings
from app.telemetry.metrics import DependencyMetrics, JobMetrics, OrderMetrics, OrderStateMetrics
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from app.infra.outbox.claimed_message import Handler

SWEEPS: tuple[Sweep, ...] = (pending.sweep, refresh_tokens.sweep, idempotency.sweep, reports.sweep)
# Each of these dependencies may take a share of a worker's slots, for the topics that need it.
NEEDED_BY: Final[Mapping[str, tuple[str, ...]]] = {PAYMENTS: (PAY_ORDER, REFUND_ORDER), MAIL: mail.TOPICS}
TOPICS: tuple[str, ...] = (PAY_ORDER, REFUND_ORDER, MAKE_REPORT, SEND_CAMPAIGN, *mail.TOPICS)


def watches(registry: CollectorRegistry) -> tuple[Watch, ...]:
    """What the one process that reconciles looks at beside the outbox."""
    return (status_counts.watch(OrderStateMetrics(registry)),)


def shared_slots(settings: Settings) -> dict[str, Slots]:
    """Returns each dependency's share of the slots of a pool of processes; to be called before they are forked."""
    return shared(shares(settings.worker_concurrency, NEEDED_BY))


@asynccontextmanager
async def open_runner(  # noqa: PLR0913 -- a process is put together here
    settings: Settings,
    database: Database,
    outbox: Outbox,
    events: Events,
    *,
    tracing: Tracing,
    order_metrics: OrderMetrics,
    dependency_metrics: DependencyMetrics,
    registry: CollectorRegistry,
    slots: Mapping[str, Slots] | None = None,
) -> AsyncIterator[Runner]:
    """Works on messages, with what the handlers need. `slots` are those of each dependency; without, this process's."""
    slots = local(shares(settings.worker_concurrency, NEEDED_BY)) if slots is None else slots
    async with (
        open_provider(settings, dependency_metrics, tracing) as provider,
        open_mailer(settings, dependency_metrics, tracing) as mailer,
    ):
        turns = TimeSlices(database, outbox)
        handlers: dict[str, Handler] = {
            PAY_ORDER: PayOrder(database, provider, events, order_metrics),
            REFUND_ORDER: RefundOrder(database, provider, events, order_metrics),
            MAKE_REPORT: MakeReport(turns, days=settings.report_days),
            SEND_CAMPAIGN: SendCampaign(turns, outbox),
            **mail.Sending(database, mailer).handlers(),
        }
        breakers = {PAYMENTS: provider.breaker, MAIL: mailer.breaker}
        bulkheads = {target: Bulkhead(breaker, slots[target]) for target, breaker in breakers.items()}
        by_topic = {topic: bulkheads[target] for target, topics in NEEDED_BY.items() for topic in topics}
        yield Runner(database, handlers, JobMetrics(registry, TOPICS), tracing, settings, Bulkheads(by_topic))
