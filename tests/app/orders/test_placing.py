"""Placing and reading orders: stock, validation and ownership."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

URL = "/api/v1/orders"


async def _item(client: httpx2.AsyncClient, **change: Any) -> str:
    item = {"name": f"Sextant {uuid4()}", "price": "19.90", "stock": 5} | change
    answer = await client.post("/api/v1/items", json=item)
    return str(answer.raise_for_status().json()["id"])


async def _stock(client: httpx2.AsyncClient, item_id: str) -> int:
    return int((await client.get(f"/api/v1/items/{item_id}")).json()["stock"])


async def _order(client: httpx2.AsyncClient, lines: dict[str, int]) -> httpx2.Response:
    wanted = [{"item_id": item, "quantity": quantity} for item, quantity in lines.items()]
    return await client.post(URL, json={"lines": wanted})


async def test_an_accepted_order_reduces_the_stock_and_is_at_its_location(api: Api) -> None:
    client = await api.login()
    one, other = await _item(client), await _item(client, price="0.05", stock=1000)
    answer = await _order(client, {one: 2, other: 999})
    assert answer.status_code == 202
    order = answer.json()
    assert answer.headers["Location"] == f"{URL}/{order['id']}"
    assert (order["status"], order["total"], order["currency"]) == ("pending", "89.75", "EUR")
    read = (await client.get(answer.headers["Location"])).raise_for_status().json()
    assert read == order
    assert {line["item_id"]: (line["quantity"], line["unit_price"]) for line in read["lines"]} == {
        one: (2, "19.90"),
        other: (999, "0.05"),
    }
    assert [await _stock(client, item) for item in (one, other)] == [3, 1]


async def test_if_one_line_is_out_of_stock_nothing_is_reduced(api: Api) -> None:
    client = await api.login()
    items = sorted([await _item(client) for _ in range(4)])
    for short in (items[0], items[-1]):
        answer = await _order(client, {item: 6 if item == short else 1 for item in items})
        assert answer.status_code == 409
        assert answer.json()["code"] == "out_of_stock"
        assert short in answer.json()["detail"]
    unknown = await _order(client, {items[0]: 1, str(uuid4()): 1})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "item_not_found")
    assert [await _stock(client, item) for item in items] == [5, 5, 5, 5]
    assert (await client.get(URL)).json()["orders"] == []


async def test_an_order_has_one_currency_and_a_maximum_total(api: Api) -> None:
    client = await api.login()
    euros, pounds = await _item(client), await _item(client, currency="GBP")
    mixed = await _order(client, {euros: 1, pounds: 1})
    assert (mixed.status_code, mixed.json()["code"]) == (422, "mixed_currencies")
    expensive = await _item(client, price="9999999.99", stock=1000)
    large = await _order(client, {expensive: 1000})
    assert (large.status_code, large.json()["code"]) == (422, "total_too_large")
    assert [await _stock(client, item) for item in (euros, pounds, expensive)] == [5, 5, 1000]
    assert (await _order(client, {pounds: 1})).json()["currency"] == "GBP"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_invalid_lines_are_refused_and_named(api: Api) -> None:
    client = await api.login()
    item = await _item(client)
    line = {"item_id": item, "quantity": 1}
    refused: list[tuple[Any, str]] = [
        ([], "body.lines"),
        ([line, line], "body.lines"),
        ([line, line | {"item_id": item.upper(), "quantity": 2}], "body.lines"),
        ([{"item_id": str(uuid4()), "quantity": 1} for _ in range(51)], "body.lines"),
        ([line | {"quantity": 0}], "body.lines.0.quantity"),
        ([line | {"quantity": -1}], "body.lines.0.quantity"),
        ([line | {"quantity": 1001}], "body.lines.0.quantity"),
        ([line | {"quantity": 1.5}], "body.lines.0.quantity"),
        ([line | {"unit_price": "0.01"}], "body.lines.0"),
        ([line | {"item_id": "sextant"}], "body.lines.0.item_id"),
        (None, "body.lines"),
    ]
    for lines, field in refused:
        answer = await client.post(URL, json={"lines": lines})
        assert answer.status_code == 422, lines
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await _stock(client, item) == 5


async def test_an_order_is_visible_to_its_buyer_only(api: Api) -> None:
    client = await api.login()
    item = await _item(client, stock=100)
    mine = [(await _order(client, {item: 1})).json()["id"] for _ in range(3)]
    listed = (await client.get(URL)).json()
    assert [order["id"] for order in listed["orders"]] == mine[::-1]
    second = (await client.get(URL, params={"page": 2, "per_page": 2})).json()
    assert [order["id"] for order in second["orders"]] == mine[:1]
    await api.login()
    assert (await client.get(URL)).json()["orders"] == []
    foreign, missing = await client.get(f"{URL}/{mine[0]}"), await client.get(f"{URL}/{uuid4()}")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json()["detail"] == missing.json()["detail"]
    del client.headers["Authorization"]
    for answer in (await client.get(URL), await client.get(f"{URL}/{mine[0]}"), await _order(client, {item: 1})):
        assert answer.status_code == 401


async def test_only_accepted_orders_are_counted(api: Api) -> None:
    client = await api.login()
    item = await _item(client)
    assert [(await _order(client, {item: quantity})).status_code for quantity in (3, 3)] == [202, 409]
    assert api.binnacle.telemetry.registry.get_sample_value("orders_placed_total") == 1
