"""What endpoints ask for: the services of this process, and who is calling."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from app.accounts.access_tokens import Identity, Tokens
from app.accounts.administration import Administration
from app.accounts.authentication import Accounts
from app.accounts.permissions import Permission, require_any
from app.accounts.profiles import Profiles
from app.accounts.revocation import Access
from app.api.presence import Presence
from app.api.stream_limits import StreamLimits
from app.catalog.cached_items import CachedItems
from app.catalog.service import Catalog
from app.errors import UnauthenticatedError
from app.infra.fanout import Fanout
from app.infra.rate_limit.limits import Limits
from app.mail.campaigns import Campaigns
from app.orders.commands.cancel import CancelOrder
from app.orders.commands.place import PlaceOrder
from app.orders.popular import Popular
from app.orders.queries import OrderQueries
from app.orders.status_stream import Following
from app.rates.service import Rates
from app.reports.service import Reports
from app.tasks.dead_letters import DeadLetters
from app.tasks.service import Tasks
from app.telemetry import context
from app.telemetry.metrics import StreamMetrics


@dataclass(frozen=True, slots=True)
class Services:
    """Made once by the lifespan of the application."""

    access: Access
    accounts: Accounts
    administration: Administration
    cached_items: CachedItems
    campaigns: Campaigns
    cancel_order: CancelOrder
    catalog: Catalog
    dead_letters: DeadLetters
    fanout: Fanout
    following: Following
    limits: Limits
    orders: OrderQueries
    place_order: PlaceOrder
    popular: Popular
    presence: Presence
    profiles: Profiles
    rates: Rates
    reports: Reports
    tasks: Tasks
    stream_limits: StreamLimits
    streams: StreamMetrics
    tokens: Tokens


_bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False)


# All of these are coroutines: the framework takes a plain function to a thread.
async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _caller(
    services: Annotated[Services, Depends(_services)], token: Annotated[str | None, Depends(_bearer)]
) -> Identity:
    if token is None:
        raise UnauthenticatedError("This needs an access token: Authorization: Bearer …")
    identity = services.tokens.read(token)
    await services.access.check(identity)
    work = context.current()
    if work is not None:
        work.user_id = str(identity.account_id)
    return identity


async def _accounts(services: Annotated[Services, Depends(_services)]) -> Accounts:
    return services.accounts


async def _administration(services: Annotated[Services, Depends(_services)]) -> Administration:
    return services.administration


async def _popular(services: Annotated[Services, Depends(_services)]) -> Popular:
    return services.popular


async def _profiles(services: Annotated[Services, Depends(_services)]) -> Profiles:
    return services.profiles


async def _catalog(services: Annotated[Services, Depends(_services)]) -> Catalog:
    return services.catalog


async def _orders(services: Annotated[Services, Depends(_services)]) -> OrderQueries:
    return services.orders


async def _place_order(services: Annotated[Services, Depends(_services)]) -> PlaceOrder:
    return services.place_order


async def _cancel_order(services: Annotated[Services, Depends(_services)]) -> CancelOrder:
    return services.cancel_order


async def _dead_letters(services: Annotated[Services, Depends(_services)]) -> DeadLetters:
    return services.dead_letters


async def _campaigns(services: Annotated[Services, Depends(_services)]) -> Campaigns:
    return services.campaigns


async def _reports(services: Annotated[Services, Depends(_services)]) -> Reports:
    return services.reports


async def _tasks(services: Annotated[Services, Depends(_services)]) -> Tasks:
    return services.tasks


async def _rates(services: Annotated[Services, Depends(_services)]) -> Rates:
    return services.rates


async def _client_address(request: Request) -> str:
    return request.client.host if request.client else ""


Bearer = Annotated[str | None, Depends(_bearer)]
Caller = Annotated[Identity, Depends(_caller)]
ClientAddress = Annotated[str, Depends(_client_address)]
ServicesOf = Annotated[Services, Depends(_services)]


def require_any_permission(*permissions: Permission) -> Callable[[Identity], Awaitable[Identity]]:
    """A dependency: the caller, whose role has one of these permissions at least; else 403, which names them."""

    async def check(caller: Caller) -> Identity:
        require_any(caller.role, *permissions)
        return caller

    return check


def require_permission(permission: Permission) -> Callable[[Identity], Awaitable[Identity]]:
    """A dependency: the caller, whose role has this permission; else 403, which names it."""
    return require_any_permission(permission)


AccountsService = Annotated[Accounts, Depends(_accounts)]
AdministrationService = Annotated[Administration, Depends(_administration)]
CatalogService = Annotated[Catalog, Depends(_catalog)]
OrdersService = Annotated[OrderQueries, Depends(_orders)]
Placing = Annotated[PlaceOrder, Depends(_place_order)]
Cancelling = Annotated[CancelOrder, Depends(_cancel_order)]
PopularService = Annotated[Popular, Depends(_popular)]
ProfilesService = Annotated[Profiles, Depends(_profiles)]
DeadLettersService = Annotated[DeadLetters, Depends(_dead_letters)]
CampaignsService = Annotated[Campaigns, Depends(_campaigns)]
ReportsService = Annotated[Reports, Depends(_reports)]
TasksService = Annotated[Tasks, Depends(_tasks)]
RatesService = Annotated[Rates, Depends(_rates)]
