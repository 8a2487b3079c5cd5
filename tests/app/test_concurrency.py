"""Concurrent requests on two API processes that share PostgreSQL and Redis: one of each kind succeeds."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select

from app.accounts.access_tokens import Identity, Tokens
from app.accounts.models import Account
from app.catalog.models import Item
from app.infra.database import Database, open_database
from app.infra.signing_key import signing_key
from app.orders.models import OrderLine
from app.settings import read
from tests.support import loopback
from tests.support.customer import Shopper
from tests.support.shops import RunningShop

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("standing_shop", ["distributed"], indirect=True)]


@dataclass(frozen=True, slots=True)
class ConcurrentShop:
    """Two processes of one shop, and any number of buyers."""

    database: Database
    tokens: Tokens
    clients: list[httpx2.AsyncClient]

    def client(self, number: int) -> httpx2.AsyncClient:
        return self.clients[number % len(self.clients)]

    async def buyers(self, count: int) -> list[dict[str, str]]:
        """The headers of new accounts."""
        ids = [uuid4() for _ in range(count)]
        rows = [
            {"id": one, "password_hash": "none"}
            | dict.fromkeys(("username", "username_key", "email", "email_key"), one.hex)
            for one in ids
        ]
        async with self.database.write() as session:
            await session.execute(insert(Account), rows)
        return [{"Authorization": f"Bearer {self.tokens.issue(Identity(one, 'user', 0))}"} for one in ids]

    async def item(self, stock: int) -> UUID:
        async with self.database.write() as session:
            owner = (await session.execute(select(Account.id).limit(1))).scalar_one()
            item = Item(id=uuid4(), owner_id=owner, name=uuid4().hex, price_minor=100, currency="EUR", stock=stock)
            session.add(item)
        return item.id


@pytest.fixture
async def shop(running_shop: RunningShop) -> AsyncIterator[ConcurrentShop]:
    secrets = {
        "database_url": running_shop.stores["DATABASE_URL"],
        "secret_key": SecretStr(running_shop.stores["SECRET_KEY"]),
    }
    settings = read(**secrets, _env_file=None)
    async with AsyncExitStack() as stack:
        limits = httpx2.Limits(max_connections=200)
        opened = [loopback.async_client(base_url=url, timeout=60, limits=limits) for url in running_shop.urls]
        clients = [await stack.enter_async_context(client) for client in opened]
        database = await stack.enter_async_context(open_database(settings))
        yield ConcurrentShop(database, Tokens(signing_key(settings), 900), clients)


async def test_of_200_buyers_of_the_last_10_items_10_succeed(shop: ConcurrentShop) -> None:
    item, buyers = await shop.item(stock=10), await shop.buyers(200)
    order = {"lines": [{"item_id": str(item), "quantity": 1}]}
    answers = await asyncio.gather(
        *(shop.client(number).post("/api/v1/orders", json=order, headers=buyer) for number, buyer in enumerate(buyers))
    )
    assert Counter(answer.status_code for answer in answers) == {202: 10, 409: 190}
    shown = (await shop.client(0).get(f"/api/v1/items/{item}")).json()
    assert shown["stock"] == 0


async def test_of_10_requests_with_one_key_one_makes_an_order_and_all_get_its_answer(shop: ConcurrentShop) -> None:
    item, [buyer] = await shop.item(stock=10), await shop.buyers(1)
    order = {"lines": [{"item_id": str(item), "quantity": 1}]}
    headers = buyer | {"Idempotency-Key": uuid4().hex}
    answers = await asyncio.gather(
        *(shop.client(number).post("/api/v1/orders", json=order, headers=headers) for number in range(10))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    async with shop.database.read() as session:
        assert len((await session.execute(select(OrderLine.order_id).where(OrderLine.item_id == item))).all()) == 1


async def test_of_20_exchanges_of_one_refresh_token_one_succeeds_and_the_family_is_revoked(
    shop: ConcurrentShop,
) -> None:
    with Shopper(str(shop.client(0).base_url)) as shopper:
        token = shopper.refresh_token
    body = {"refresh_token": token}
    answers = await asyncio.gather(
        *(shop.client(number).post("/api/v1/auth/refresh", json=body) for number in range(20))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 19}
    [won] = [answer.json()["refresh_token"] for answer in answers if answer.is_success]
    again = await shop.client(1).post("/api/v1/auth/refresh", json={"refresh_token": won})
    assert again.status_code == 401, "a token that came twice may have been stolen"
