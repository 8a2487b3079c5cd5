"""Items for sale, and accounts that may sell or moderate."""

from typing import Any
from uuid import uuid4

import httpx2
from sqlalchemy import update

from app.accounts.models import Account
from app.infra.database import open_database
from app.settings import Settings
from tests.app.conftest import Api

URL = "/api/v1/items"
SEXTANT = {"name": "Sextant", "description": "Brass.", "price": "249.00", "currency": "EUR", "stock": 12}


async def offer(client: httpx2.AsyncClient, **change: Any) -> httpx2.Response:
    """Creates an item of the current account, with a unique name unless one is given."""
    answer = await client.post(URL, json=SEXTANT | {"name": f"item {uuid4()}"} | change)
    return answer.raise_for_status()


async def login_as(role: str, api: Api, settings: Settings) -> httpx2.AsyncClient:
    """Registers an account with this role and logs in."""
    name = f"{role[:3]}{uuid4().hex[:8]}"
    await api.login(name)
    async with open_database(settings) as database, database.write() as session:
        await session.execute(update(Account).where(Account.username == name).values(role=role))
    form = {"username": name, "password": "correct horse battery"}
    token = (await api.client.post("/api/v1/auth/token", data=form)).raise_for_status().json()["access_token"]
    api.client.headers["Authorization"] = f"Bearer {token}"
    return api.client
