"""Idempotency-Key: one key, one order, one answer."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import func, select, update

from app.infra.database import open_database
from app.infra.database.orm import now
from app.orders import idempotency
from app.orders.models import IdempotencyKey, Order
from app.settings import Settings
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

URL = "/api/v1/orders"
REPLAYED = "Idempotency-Replayed"


async def _body(client: httpx2.AsyncClient, stock: int = 100) -> dict[str, Any]:
    item = {"name": f"Sextant {uuid4()}", "price": "19.90", "stock": stock}
    made = (await client.post("/api/v1/items", json=item)).raise_for_status().json()
    return {"lines": [{"item_id": made["id"], "quantity": 1}]}


async def _stock(client: httpx2.AsyncClient, body: dict[str, Any]) -> int:
    item = body["lines"][0]["item_id"]
    return int((await client.get(f"/api/v1/items/{item}")).json()["stock"])


async def test_a_repeated_key_gets_the_first_answer_byte_for_byte(api: Api) -> None:
    client = await api.login()
    body, key = await _body(client), {"Idempotency-Key": str(uuid4())}
    first = await client.post(URL, json=body, headers=key)
    await client.post(f"{first.headers['Location']}/cancel")
    again = await client.post(URL, json=body, headers=key)
    assert first.status_code == again.status_code == 202
    assert first.content == again.content
    assert first.headers["Location"] == again.headers["Location"]
    assert first.headers["Content-Type"] == again.headers["Content-Type"] == "application/json"
    assert (first.headers.get(REPLAYED), again.headers.get(REPLAYED)) == (None, "true")
    assert await _stock(client, body) == 100
    samples = api.binnacle.telemetry.registry.get_sample_value
    assert (samples("orders_placed_total"), samples("orders_replayed_total")) == (1, 1)


async def test_ten_concurrent_requests_make_one_order(api: Api) -> None:
    client = await api.login()
    body, key = await _body(client), {"Idempotency-Key": "k"}
    answers = await asyncio.gather(*(client.post(URL, json=body, headers=key) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert Counter(answer.headers.get(REPLAYED) for answer in answers) == {"true": 9, None: 1}
    assert await _stock(client, body) == 99
    assert len((await client.get(URL)).json()["orders"]) == 1


async def test_another_body_under_a_used_key_is_refused_and_an_equivalent_body_is_not(api: Api) -> None:
    client = await api.login()
    body, key = await _body(client), {"Idempotency-Key": "k"}
    first = await client.post(URL, json=body, headers=key)
    other = await client.post(URL, json=body | {"notes": "Ring twice."}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    equivalent = {"lines": [{"quantity": 1, "item_id": body["lines"][0]["item_id"].upper()}]}
    assert (await client.post(URL, json=equivalent, headers=key)).content == first.content
    await api.login()
    mine = await client.post(URL, json=body, headers=key)
    assert (mine.status_code, mine.headers.get(REPLAYED)) == (202, None), "a key is its account's own"
    assert mine.json()["id"] != first.json()["id"]


async def test_a_refused_order_leaves_its_key_unused(api: Api) -> None:
    client = await api.login()
    body, key = await _body(client, stock=0), {"Idempotency-Key": "k"}
    assert (await client.post(URL, json=body, headers=key)).status_code == 409
    better = await _body(client)
    answer = await client.post(URL, json=better, headers=key)
    assert (answer.status_code, answer.headers.get(REPLAYED)) == (202, None)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_key_has_at_most_255_visible_characters(api: Api) -> None:
    client = await api.login()
    body = await _body(client)
    for key in (b"", b"a b", b"x" * 256, b"\xe4", b"a\tb"):
        answer = await client.post(URL, json=body, headers={b"Idempotency-Key": key})
        assert answer.status_code == 422, key
        assert [error["field"] for error in answer.json()["errors"]] == ["header.idempotency-key"]
    assert (await client.post(URL, json=body, headers={"Idempotency-Key": "~" * 255})).status_code == 202
    assert await _stock(client, body) == 99


async def test_a_key_is_deleted_after_a_day_and_its_order_is_not(api: Api, settings: Settings) -> None:
    client = await api.login()
    body = await _body(client)
    for name in ("old", "new"):
        await client.post(URL, json=body, headers={"Idempotency-Key": name})
    async with open_database(settings) as database:
        async with database.write() as session:
            old = update(IdempotencyKey).where(IdempotencyKey.key == "old")
            await session.execute(old.values(created_at=now() - idempotency.RETENTION - timedelta(seconds=1)))
        async with database.write() as session:
            assert await idempotency.sweep(session) == 1
        async with database.read() as session:
            assert (await session.execute(select(IdempotencyKey.key))).scalars().all() == ["new"]
            assert (await session.execute(select(func.count()).select_from(Order))).scalar_one() == 2
    again = await client.post(URL, json=body, headers={"Idempotency-Key": "old"})
    assert (again.status_code, again.headers.get(REPLAYED)) == (202, None)
