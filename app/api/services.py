"""Services of one API process, and their dependencies."""

from starlette.requests import HTTPConnection

from app.accounts.access_tokens import Tokens
from app.accounts.administration import Administration
from app.accounts.authentication import Accounts
from app.accounts.login_limits import LoginLimits, RegistrationLimits
from app.accounts.passwords import Passwords
from app.accounts.profiles import Profiles
from app.accounts.refresh_tokens import Lifetimes
from app.accounts.revocation import Access
from app.api.open_streams import Presence, StreamLimits
from app.catalog.cached_items import CachedItems
from app.catalog.service import Catalog
from app.infra.cursors import Cursors
from app.infra.database import Database
from app.infra.event_bus import Bus
from app.infra.rate_limit.fixed_windows import Limits
from app.infra.signing_key import signing_key
from app.mail.campaigns import Campaigns
from app.orders.commands.cancel import CancelOrder
from app.orders.commands.place import PlaceOrder
from app.orders.popular import Popular
from app.orders.queries import OrderQueries
from app.orders.repository import anonymise_buyer
from app.orders.status_stream import Following
from app.rates.service import Rates
from app.reports.service import MAKE_REPORT, Reports
from app.settings import Settings
from app.tasks.dead_letters import DeadLetters
from app.tasks.task_status import Tasks
from app.telemetry.metrics import AccountMetrics, LimitMetrics, OrderMetrics, StreamMetrics
from app.telemetry.telemetry import Telemetry


class Services:
    """Services as attributes; created when the API starts."""

    def __init__(
        self, settings: Settings, telemetry: Telemetry, database: Database, bus: Bus, rates: Rates, limits: Limits
    ) -> None:
        limit_metrics, order_metrics = telemetry.metrics(LimitMetrics), telemetry.metrics(OrderMetrics)
        events = bus.events
        key = signing_key(settings)
        passwords = Passwords(wait_seconds=settings.password_wait_seconds, metrics=limit_metrics)
        lifetimes = Lifetimes(settings.refresh_token_seconds, settings.login_seconds)
        login_limits = LoginLimits(limits, settings, limit_metrics)
        registrations = RegistrationLimits(limits, settings, limit_metrics)

        self.access = Access(database)
        self.tokens = Tokens(key, settings.access_token_seconds)
        self.accounts = Accounts(
            database,
            events,
            passwords,
            self.tokens,
            lifetimes,
            limits=login_limits,
            registrations=registrations,
            metrics=telemetry.metrics(AccountMetrics),
        )
        self.administration = Administration(database, self.access, also_forget=(anonymise_buyer,))
        self.profiles = Profiles(
            database,
            passwords,
            self.access,
            limits=login_limits,
            registrations=registrations,
            anonymise=self.administration.anonymise,
        )
        self.catalog = Catalog(database, events, Cursors(key))
        self.cached_items = CachedItems(bus.cache, self.catalog)
        self.popular = Popular(database, bus.cache)
        self.rates = rates
        self.orders = OrderQueries(database)
        self.place_order = PlaceOrder(database, events, rates, order_metrics)
        self.cancel_order = CancelOrder(database, events, order_metrics)
        self.following = Following(database, bus.fanout)
        self.reports = Reports(database, bus.outbox, days=settings.report_days, at_once=settings.reports_at_once)
        self.tasks = Tasks(database, {MAKE_REPORT: f"{settings.root_path}/api/v1/reports/{{id}}/download"})
        self.campaigns = Campaigns(database, bus.outbox)
        self.dead_letters = DeadLetters(database, bus.outbox)
        self.limits = limits
        self.fanout = bus.fanout
        self.presence = Presence()
        self.stream_limits = StreamLimits(settings, limit_metrics)
        self.streams = telemetry.metrics(StreamMetrics)


def services_of(connection: HTTPConnection) -> Services:
    """Returns the services of the process that handles a request or a WebSocket."""
    services: Services = connection.app.state.services
    return services
