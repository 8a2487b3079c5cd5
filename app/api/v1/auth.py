"""Accounts and tokens."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.security import OAuth2PasswordRequestForm

from app.accounts.schemas import AccountView, Registration, Token
from app.api.dependencies import AccountsService

router = APIRouter(prefix="/auth", tags=["accounts"])


@router.post("/register", status_code=201)
async def register(registration: Registration, accounts: AccountsService) -> AccountView:
    """Makes an account; 409 when its name or address is taken."""
    return AccountView.model_validate(await accounts.register(registration))


@router.post("/token")
async def token(form: Annotated[OAuth2PasswordRequestForm, Depends()], accounts: AccountsService) -> Token:
    """An access token for a username and a password (RFC 6749, 4.3)."""
    return await accounts.token(form.username, form.password)
