"""FastAPI dependencies of the endpoints: the services of this process, and the caller."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from app.accounts.access_tokens import Identity
from app.accounts.administration import Administration
from app.accounts.authentication import Accounts
from app.accounts.permissions import Permission, require_any
from app.accounts.profiles import Profiles
from app.api.services import Services
from app.catalog.service import Catalog
from app.errors import UnauthenticatedError
from app.mail.campaigns import Campaigns
from app.orders.commands.cancel import CancelOrder
from app.orders.commands.place import PlaceOrder
from app.orders.popular import Popular
from app.orders.queries import OrderQueries
from app.rates.service import Rates
from app.reports.service import Reports
from app.tasks.dead_letters import DeadLetters
from app.tasks.task_status import Tasks
from app.telemetry import context

_bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False)


# Dependencies are coroutines: FastAPI runs a plain function in a thread.
async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def service(name: str) -> Any:
    """Returns a dependency that provides the attribute `name` of Services."""

    async def get(request: Request) -> Any:
        return getattr(request.app.state.services, name)

    return Depends(get)


AccountsService = Annotated[Accounts, service("accounts")]
AdministrationService = Annotated[Administration, service("administration")]
CampaignsService = Annotated[Campaigns, service("campaigns")]
Cancelling = Annotated[CancelOrder, service("cancel_order")]
CatalogService = Annotated[Catalog, service("catalog")]
DeadLettersService = Annotated[DeadLetters, service("dead_letters")]
OrdersService = Annotated[OrderQueries, service("orders")]
Placing = Annotated[PlaceOrder, service("place_order")]
PopularService = Annotated[Popular, service("popular")]
ProfilesService = Annotated[Profiles, service("profiles")]
RatesService = Annotated[Rates, service("rates")]
ReportsService = Annotated[Reports, service("reports")]
ServicesOf = Annotated[Services, Depends(_services)]
TasksService = Annotated[Tasks, service("tasks")]


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
    """Returns a dependency that provides the caller, or responds with 403 if their role has none of the permissions."""

    async def check(caller: Caller) -> Identity:
        require_any(caller.role, *permissions)
        return caller

    return check


def require_permission(permission: Permission) -> Callable[[Identity], Awaitable[Identity]]:
    """Returns a dependency that provides the caller, or responds with 403 if their role lacks the permission."""
    return require_any_permission(permission)
