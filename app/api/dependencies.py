"""FastAPI dependencies of the endpoints: the services of this process, and the caller."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from app.accounts.access_tokens import Identity
from app.accounts.permissions import Permission, require_any
from app.api.services import Services, services_of
from app.errors import UnauthenticatedError
from app.telemetry import context


# Dependencies are coroutines: FastAPI runs a plain function in a thread.
async def _services(request: Request) -> Services:
    return services_of(request)


AppServices = Annotated[Services, Depends(_services)]
Bearer = Annotated[str | None, Depends(OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False))]


async def _caller(services: AppServices, token: Bearer) -> Identity:
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


Caller = Annotated[Identity, Depends(_caller)]
ClientAddress = Annotated[str, Depends(_client_address)]


def requires(permission: Permission) -> Any:
    """Returns a dependency that responds with 403 if the caller's role lacks the permission."""

    async def check(caller: Caller) -> None:
        require_any(caller.role, permission)

    return Depends(check)
