"""Endpoints of registration and tokens."""

from typing import Annotated, Final

from fastapi import APIRouter, Form

from app.accounts.schemas import AccountView, PasswordGrant, RefreshRequest, Registration, Token
from app.api.contract.responses import ID, answered, refused
from app.api.dependencies import AppServices, ClientAddress

router = APIRouter(prefix="/auth", tags=["accounts"])
_REFRESH: Final = {"refresh_token": "$response.body#/refresh_token"}
_TOKEN: Final = answered(200, links={"refresh": {"body": _REFRESH}, "logout": {"body": _REFRESH}}) | refused(401)
_REGISTERED: Final = answered(
    201,
    links={
        "token": {"body": {name: f"$request.body#/{name}" for name in ("username", "password")}},
        **{name: {"path.user_id": ID} for name in ("get_user", "replace_rights", "change_rights", "delete_user")},
    },
)


@router.post("/register", status_code=201, summary="Register an account", responses=_REGISTERED | refused(409))
async def register(registration: Registration, services: AppServices, address: ClientAddress) -> AccountView:
    """Creates an account; 409 when the username or the e-mail address is taken."""
    return AccountView.model_validate(await services.accounts.register(registration, address))


@router.post("/token", summary="Log in", responses=_TOKEN)
async def token(form: Annotated[PasswordGrant, Form()], services: AppServices, address: ClientAddress) -> Token:
    """Returns an access token and a refresh token for a username and a password (RFC 6749, 4.3)."""
    return await services.accounts.token(form.username, form.password.get_secret_value(), address)


@router.post("/refresh", summary="Refresh tokens", responses=_TOKEN)
async def refresh(request: RefreshRequest, services: AppServices) -> Token:
    """Returns new tokens for a refresh token, which works once. Using it again ends its login and all its tokens."""
    return await services.accounts.refresh(request.refresh_token.get_secret_value())


@router.post("/logout", status_code=204, summary="Log out")
async def logout(request: RefreshRequest, services: AppServices) -> None:
    """Ends the login of a refresh token. The response is 204 for an ended login and an unknown token as well."""
    await services.accounts.logout(request.refresh_token.get_secret_value())
