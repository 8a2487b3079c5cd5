"""Concurrent buyers: the stock is never oversold, and no item is lost."""

import asyncio
from collections import Counter

import pytest

from tests.app.conftest import Api

pytestmark = pytest.mark.anyio


async def test_of_many_buyers_as_many_succeed_as_there_are_items(api: Api) -> None:
    client = await api.login()
    item = (await client.post("/api/v1/items", json={"name": "Bell", "price": "1.00", "stock": 7})).json()["id"]
    order = {"lines": [{"item_id": item, "quantity": 1}]}
    answers = await asyncio.gather(*(client.post("/api/v1/orders", json=order) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {202: 7, 409: 13}
    assert (await client.get(f"/api/v1/items/{item}")).json()["stock"] == 0
    assert len((await client.get("/api/v1/orders")).json()["orders"]) == 7


async def test_orders_for_the_same_items_in_any_sequence_do_not_deadlock(api: Api) -> None:
    client = await api.login()
    news = [{"name": f"Bell {number}", "price": "1.00", "stock": 10} for number in range(3)]
    items = [(await client.post("/api/v1/items", json=new)).json()["id"] for new in news]
    orders = [
        {"lines": [{"item_id": item, "quantity": 1} for item in (items if number % 2 else items[::-1])]}
        for number in range(16)
    ]
    answers = await asyncio.gather(*(client.post("/api/v1/orders", json=order) for order in orders))
    assert Counter(answer.status_code for answer in answers) == {202: 10, 409: 6}
    assert [(await client.get(f"/api/v1/items/{item}")).json()["stock"] for item in items] == [0, 0, 0]


async def test_of_many_concurrent_creations_of_one_name_one_succeeds(api: Api) -> None:
    password = "correct horse battery"
    accounts = [
        {"username": "ada", "email": f"a{number}@example.com", "password": password, "password_confirm": password}
        for number in range(5)
    ]
    answers = await asyncio.gather(*(api.client.post("/api/v1/auth/register", json=account) for account in accounts))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 4}
