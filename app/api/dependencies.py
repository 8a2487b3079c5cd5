"""Dependencies of endpoints: the services of this process, and the caller."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_type_hints

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
    """The services of one process, made by app/processes/services.py.

    A new one takes a field here, an alias below and its constructor there.
    """

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


_FIELDS: Final = {kind: name for name, kind in get_type_hints(Services).items()}
_bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False)


# Dependencies are coroutines: FastAPI runs a plain function in a thread.
async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def service(kind: type) -> Any:
    """Returns a dependency: the field of Services that has this type."""
    name = _FIELDS[kind]

    async def get(request: Request) -> Any:
        return getattr(request.app.state.services, name)

    return Depends(get)


AccountsService = Annotated[Accounts, service(Accounts)]
AdministrationService = Annotated[Administration, service(Administration)]
CampaignsService = Annotated[Campaigns, service(Campaigns)]
Cancelling = Annotated[CancelOrder, service(CancelOrder)]
CatalogService = Annotated[Catalog, service(Catalog)]
DeadLettersService = Annotated[DeadLetters, service(DeadLetters)]
OrdersService = Annotated[OrderQueries, service(OrderQueries)]
Placing = Annotated[PlaceOrder, service(PlaceOrder)]
PopularService = Annotated[Popular, service(Popular)]
ProfilesService = Annotated[Profiles, service(Profiles)]
RatesService = Annotated[Rates, service(Rates)]
ReportsService = Annotated[Reports, service(Reports)]
ServicesOf = Annotated[Services, Depends(_services)]
TasksService = Annotated[Tasks, service(Tasks)]


async def _caller(services: ServicesOf, token: Annotated[str | None, Depends(_bearer)]) -> Identity:
    if token is None:
        raise UnauthenticatedError("This needs an access token: Authorization: Bearer …")
    identity = services.tokens.read(token)
    await services.access.check(identity)
    work = context.current()
    if work is not None:
        work.user_id = str(identity.account_id)
    return identity


async def _client_address(request: Request) -> str:
    return request.client.host if request.client else ""


Bearer = Annotated[str | None, Depends(_bearer)]
Caller = Annotated[Identity, Depends(_caller)]
ClientAddress = Annotated[str, Depends(_client_address)]


def require_any_permission(*permissions: Permission) -> Callable[[Identity], Awaitable[Identity]]:
    """Returns a dependency: the caller, if their role has one of these permissions; else 403, which names them."""

    async def check(caller: Caller) -> Identity:
        require_any(caller.role, *permissions)
        return caller

    return check


def require_permission(permission: Permission) -> Callable[[Identity], Awaitable[Identity]]:
    """Returns a dependency: the caller, if their role has this permission; else 403, which names it."""
    return require_any_permission(permission)
