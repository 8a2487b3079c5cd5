"""Accounts and tokens."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.security import OAuth2PasswordRequestForm

from app.accounts.schemas import AccountView, RefreshRequest, Registration, Token
from app.api.dependencies import AccountsService

router = APIRouter(prefix="/auth", tags=["accounts"])


@router.post("/register", status_code=201)
async def register(registration: Registration, accounts: AccountsService) -> AccountView:
    """Makes an account; 409 when its name or address is taken."""
    return AccountView.model_validate(await accounts.register(registration))


@router.post("/token")
async def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], accounts: AccountsService, request: Request
) -> Token:
    """Tokens for a username and a password (RFC 6749, 4.3)."""
    return await accounts.token(form.username, form.password, request.client.host if request.client else "")


@router.post("/refresh")
async def refresh(request: RefreshRequest, accounts: AccountsService) -> Token:
    """The next pair of tokens. A refresh token works once; one that comes again ends all that came from its login."""
    return await accounts.refresh(request.refresh_token.get_secret_value())


@router.post("/logout", status_code=204)
async def logout(request: RefreshRequest, accounts: AccountsService) -> None:
    """Ends the login that a refresh token came from; 204 as well when it had ended, or never was."""
    await accounts.logout(request.refresh_token.get_secret_value())
