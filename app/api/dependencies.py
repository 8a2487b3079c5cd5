"""What endpoints ask for: the services of this process, and who is calling."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from app.accounts.access import Access
from app.accounts.administration import Administration
from app.accounts.permissions import Permission, demand_any
from app.accounts.profiles import Profiles
from app.accounts.service import Accounts
from app.accounts.tokens import Identity, Tokens
from app.catalog.service import Catalog
from app.errors import UnauthenticatedError
from app.orders.service import Orders
from app.telemetry import context


@dataclass(frozen=True, slots=True)
class Services:
    """Made once by the lifespan of the application."""

    access: Access
    accounts: Accounts
    administration: Administration
    catalog: Catalog
    orders: Orders
    profiles: Profiles
    tokens: Tokens


_bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False)


def _services(request: Request) -> Services:
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


def _accounts(services: Annotated[Services, Depends(_services)]) -> Accounts:
    return services.accounts


def _administration(services: Annotated[Services, Depends(_services)]) -> Administration:
    return services.administration


def _profiles(services: Annotated[Services, Depends(_services)]) -> Profiles:
    return services.profiles


def _catalog(services: Annotated[Services, Depends(_services)]) -> Catalog:
    return services.catalog


def _orders(services: Annotated[Services, Depends(_services)]) -> Orders:
    return services.orders


Caller = Annotated[Identity, Depends(_caller)]


def require_any_permission(*permissions: Permission) -> Callable[[Identity], Awaitable[Identity]]:
    """A dependency: the caller, whose role has one of these permissions at least; else 403, which names them."""

    async def check(caller: Caller) -> Identity:
        demand_any(caller.role, *permissions)
        return caller

    return check


def require_permission(permission: Permission) -> Callable[[Identity], Awaitable[Identity]]:
    """A dependency: the caller, whose role has this permission; else 403, which names it."""
    return require_any_permission(permission)


AccountsService = Annotated[Accounts, Depends(_accounts)]
AdministrationService = Annotated[Administration, Depends(_administration)]
CatalogService = Annotated[Catalog, Depends(_catalog)]
OrdersService = Annotated[Orders, Depends(_orders)]
ProfilesService = Annotated[Profiles, Depends(_profiles)]
