"""Accounts and tokens."""

from typing import Annotated

from fastapi import APIRouter, Form

from app.accounts.schemas import AccountView, PasswordGrant, RefreshRequest, Registration, Token
from app.api.dependencies import AccountsService, ClientAddress
from app.api.responses import documented

router = APIRouter(prefix="/auth", tags=["accounts"])


@router.post("/register", status_code=201, responses=documented(409))
async def register(registration: Registration, accounts: AccountsService, address: ClientAddress) -> AccountView:
    """Makes an account; 409 when its name or address is taken."""
    return AccountView.model_validate(await accounts.register(registration, address))


@router.post("/token", responses=documented(401))
async def token(form: Annotated[PasswordGrant, Form()], accounts: AccountsService, address: ClientAddress) -> Token:
    """Tokens for a username and a password (RFC 6749, 4.3)."""
    return await accounts.token(form.username, form.password.get_secret_value(), address)


@router.post("/refresh", responses=documented(401))
async def refresh(request: RefreshRequest, accounts: AccountsService) -> Token:
    """The next pair of tokens. A refresh token works once; one that comes again ends all that came from its login."""
    return await accounts.refresh(request.refresh_token.get_secret_value())


@router.post("/logout", status_code=204)
async def logout(request: RefreshRequest, accounts: AccountsService) -> None:
    """Ends the login that a refresh token came from; 204 as well when it had ended, or never was."""
    await accounts.logout(request.refresh_token.get_secret_value())
