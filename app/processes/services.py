"""The services of an API process, each with what it needs. Endpoints get them from app/api/dependencies.py."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.accounts.access_tokens import Tokens
from app.accounts.administration import Administration
from app.accounts.authentication import Accounts
from app.accounts.login_limits import LoginLimits
from app.accounts.passwords import Passwords
from app.accounts.profiles import Profiles
from app.accounts.refresh_tokens import Lifetimes
from app.accounts.registration_limits import RegistrationLimits
from app.accounts.revocation import Access
from app.api.dependencies import Services
from app.api.health import Health
from app.api.health_probes import open_probes
from app.api.presence import Presence
from app.api.readiness import Readiness
from app.api.stream_limits import StreamLimits
from app.catalog.cached_items import CachedItems
from app.catalog.service import Catalog
from app.infra.cursors import Cursors
from app.infra.queue.dispatch import Jobs
from app.infra.rate_limit.limits import Limits, open_limits
from app.infra.signing_key import signing_key
from app.mail.campaigns import Campaigns
from app.orders.commands.cancel import CancelOrder
from app.orders.commands.place import PlaceOrder
from app.orders.popular import Popular
from app.orders.queries import OrderQueries
from app.orders.repository import anonymise_buyer
from app.orders.status_stream import Following
from app.processes.background import open_background
from app.processes.platform import Bus, Platform, open_bus, open_platform
from app.rates.service import Rates, open_rates
from app.reports.service import MAKE_REPORT, Reports
from app.settings import Settings
from app.tasks.dead_letters import DeadLetters
from app.tasks.service import Tasks
from app.telemetry.metrics import AccountMetrics, LimitMetrics, OrderMetrics, StreamMetrics
from app.telemetry.telemetry import Telemetry

PUBLISHERS = 4  # threads at most that wait for the queue at once


@asynccontextmanager
async def open_services(
    settings: Settings, telemetry: Telemetry, readiness: Readiness, health: Health
) -> AsyncIterator[Services]:
    """Opens the parts of an API process in this order, and closes them in the reverse one."""
    jobs = Jobs(at_once=settings.worker_concurrency if settings.embedded else PUBLISHERS)
    async with (
        open_platform(settings, telemetry) as platform,
        open_probes(settings, platform.database) as probes,
        open_bus(platform, jobs.enqueue) as bus,
        open_rates(settings, telemetry, bus.cache) as rates,
        open_limits(settings, telemetry) as limits,
        open_background(platform, bus, jobs),
    ):
        readiness.watch(platform.database)
        health.watch(probes, telemetry.dependencies.breakers)
        yield _services(platform, bus, rates, limits)


def _services(platform: Platform, bus: Bus, rates: Rates, limits: Limits) -> Services:
    settings, telemetry, database = platform.settings, platform.telemetry, platform.database
    limit_metrics, order_metrics = telemetry.metrics(LimitMetrics), telemetry.metrics(OrderMetrics)
    logins = LoginLimits(limits, settings, limit_metrics)
    registrations = RegistrationLimits(limits, settings, limit_metrics)
    passwords = Passwords(wait_seconds=settings.password_wait_seconds, metrics=limit_metrics)
    lifetimes = Lifetimes(settings.refresh_token_seconds, settings.login_seconds)
    key = signing_key(settings)
    access, tokens = Access(database), Tokens(key, settings.access_token_seconds)
    administration = Administration(database, access, also_forget=(anonymise_buyer,))
    catalog = Catalog(database, bus.events, Cursors(key))
    return Services(
        access=access,
        accounts=Accounts(
            database,
            bus.events,
            passwords,
            tokens,
            lifetimes,
            limits=logins,
            registrations=registrations,
            metrics=telemetry.metrics(AccountMetrics),
        ),
        administration=administration,
        cached_items=CachedItems(bus.cache, catalog),
        campaigns=Campaigns(database, bus.outbox),
        cancel_order=CancelOrder(database, bus.events, order_metrics),
        catalog=catalog,
        dead_letters=DeadLetters(database, bus.outbox),
        fanout=bus.fanout,
        following=Following(database, bus.fanout),
        limits=limits,
        orders=OrderQueries(database),
        place_order=PlaceOrder(database, bus.events, rates, order_metrics),
        popular=Popular(database, bus.cache),
        presence=Presence(),
        profiles=Profiles(
            database,
            passwords,
            access,
            limits=logins,
            registrations=registrations,
            anonymise=administration.anonymise,
        ),
        rates=rates,
        reports=Reports(database, bus.outbox, days=settings.report_days, at_once=settings.reports_at_once),
        stream_limits=StreamLimits(settings, limit_metrics),
        streams=telemetry.metrics(StreamMetrics),
        tasks=Tasks(database, {MAKE_REPORT: f"{settings.root_path}/api/v1/reports/{{id}}/download"}),
        tokens=tokens,
    )
