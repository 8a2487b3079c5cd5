"""Accounts with a role and their tokens."""

from dataclasses import dataclass
from uuid import UUID

import httpx2
from sqlalchemy import update

from app.accounts.models import Account
from app.infra.database import open_database
from app.settings import Settings
from tests.app.conftest import Api

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class LoggedInAccount:
    id: str
    name: str
    bearer: dict[str, str]
    refresh_token: str


async def log_in(api: Api, name: str, password: str = PASSWORD) -> httpx2.Response:
    return await api.client.post("/api/v1/auth/token", data={"username": name, "password": password})


async def refresh(api: Api, account: LoggedInAccount) -> httpx2.Response:
    return await api.client.post("/api/v1/auth/refresh", json={"refresh_token": account.refresh_token})


async def new_account(api: Api, settings: Settings, name: str, role: str = "user") -> LoggedInAccount:
    """Registers an account, assigns the role and logs in."""
    account = {
        "username": name,
        "email": f"{name}@example.com",
        "password": PASSWORD,
        "password_confirm": PASSWORD,
    }
    made = (await api.client.post("/api/v1/auth/register", json=account)).raise_for_status().json()
    if role != "user":
        async with open_database(settings) as database, database.write() as session:
            await session.execute(update(Account).where(Account.id == UUID(made["id"])).values(role=role))
    tokens = (await log_in(api, name)).raise_for_status().json()
    return LoggedInAccount(
        made["id"], name, {"Authorization": f"Bearer {tokens['access_token']}"}, tokens["refresh_token"]
    )
