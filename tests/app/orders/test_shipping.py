"""Shipping addresses, currencies, and anonymisation with the buyer's account."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from app.infra.database import open_database
from app.orders.models import IdempotencyKey, Order
from app.processes.api import create_app
from app.settings import Settings
from tests.app.catalog.offers import login_as
from tests.app.conftest import Api
from tests.support.recorded_telemetry import recorded_logs

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)

URL = "/api/v1/orders"
HOME = {"name": "A. Navigator", "street": "Am Hafen 1", "city": "Hamburg", "postal_code": "20457", "country": "DE"}


async def _item(client: httpx2.AsyncClient, name: str, price: str, currency: str = "EUR", stock: int = 50) -> str:
    item = {"name": name, "price": price, "stock": stock, "currency": currency}
    return str((await client.post("/api/v1/items", json=item)).raise_for_status().json()["id"])


@asynccontextmanager
async def _api(settings: Settings) -> AsyncIterator[Api]:
    binnacle = create_app(settings)
    transport = httpx2.ASGITransport(app=binnacle)
    async with (
        binnacle.app.router.lifespan_context(binnacle.app),
        httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        yield Api(binnacle, client)


def _lines(*items: str, quantity: int = 1) -> list[dict[str, Any]]:
    return [{"item_id": item, "quantity": quantity} for item in items]


async def test_an_order_keeps_its_address_and_note(api: Api) -> None:
    client = await api.login()
    item = await _item(client, "Bell", "1.00")
    body = {"lines": _lines(item), "shipping_address": HOME, "notes": "Ring twice.\nThen wait. ⚓"}
    with recorded_logs() as recorded:
        placed = (await client.post(URL, json=body)).raise_for_status()
        read = (await client.get(placed.headers["Location"])).raise_for_status().json()
    assert placed.json() == read
    assert (read["shipping_address"], read["notes"]) == (HOME, body["notes"])
    assert "Am Hafen" not in str(recorded.lines("http_request"))
    assert "shipping_address" not in (await client.get(URL)).json()["orders"][0]


@on_sqlite
async def test_a_postal_code_matches_its_country(api: Api) -> None:
    client = await api.login()
    item = await _item(client, "Bell", "1.00")
    good: dict[str, list[str | None]] = {
        "DE": ["20457", " 20457 "],
        "GB": ["SW1A 1AA", "m1 1ae", "EC1A1BB"],
        "US": ["10001", "10001-1234"],
        "NL": ["1012 AB"],
        "CA": ["K1A 0B1"],
        "PL": ["00-001"],
        "JP": ["100-0001"],
        "AR": ["C1425", None],
        "HK": [None],
    }
    bad: dict[str, list[str | None]] = {
        "DE": ["2045", "204571", "2O457", "٢٠٤٥٧", None, ""],
        "GB": ["12345"],
        "US": ["10001-12"],
        "HK": ["a_b", "-1"],
        "XX": ["20457"],
        "de": ["20457"],
    }
    for answers, codes in ((202, good), (422, bad)):
        for country, given in codes.items():
            for code in given:
                address = HOME | {"country": country, "postal_code": code}
                answer = await client.post(URL, json={"lines": _lines(item), "shipping_address": address})
                assert answer.status_code == answers, (country, code)


@on_sqlite
async def test_an_invalid_address_is_refused_and_named_and_not_repeated(api: Api) -> None:
    client = await api.login()
    item = await _item(client, "Bell", "1.00")
    secret = "Geheimgasse"
    refused: list[tuple[dict[str, Any], str]] = [
        ({"shipping_address": HOME | {"street": f"{secret}\n1"}}, "body.shipping_address.street"),
        ({"shipping_address": HOME | {"street": f"{secret}\u202e"}}, "body.shipping_address.street"),
        ({"shipping_address": HOME | {"street": "  "}}, "body.shipping_address.street"),
        ({"shipping_address": HOME | {"city": secret * 20}}, "body.shipping_address.city"),
        ({"shipping_address": HOME | {"phone": secret}}, "body.shipping_address"),
        ({"shipping_address": HOME | {"street": secret, "postal_code": "1"}}, "body.shipping_address"),
        ({"shipping_address": secret}, "body.shipping_address"),
        ({"notes": "a\x07"}, "body.notes"),
        ({"notes": "a" * 1001}, "body.notes"),
        ({"currency": "eur"}, "body.currency"),
        ({"currency": "JPY"}, "body.currency"),
        ({"currency": "XXX"}, "body.currency"),
    ]
    for more, field in refused:
        answer = await client.post(URL, json={"lines": _lines(item), **more})
        assert answer.status_code == 422, more
        assert [error["field"] for error in answer.json()["errors"]] == [field]
        assert secret not in answer.text


async def test_items_in_several_currencies_are_converted_at_the_rate_that_the_order_stores(
    settings: Settings, sandbox: str
) -> None:
    async with _api(settings.model_copy(update={"provider_url": sandbox})) as api:
        client = await api.login()
        euros, pounds = await _item(client, "Bell", "19.90"), await _item(client, "Lamp", "0.33", "GBP")
        placed = await client.post(URL, json={"lines": _lines(euros, pounds, quantity=3), "currency": "USD"})
        order = placed.raise_for_status().json()
        assert order == (await client.get(placed.headers["Location"])).json() | {"status": "pending"} | {
            name: order[name] for name in ("finished_at", "refund")
        }
        rates = {rate["base"]: rate["rate"] for rate in order["exchange_rates"]}
        assert rates == {"EUR": "1.085", "GBP": "1.2840237"}
        lines = {line["item_id"]: line for line in order["lines"]}
        assert lines[euros]["unit_price"] == "21.59"  # 21.5915
        assert lines[pounds]["unit_price"] == "0.42"  # 0.4237
        assert (lines[euros]["item_price"], lines[euros]["item_currency"]) == ("19.90", "EUR")
        assert (lines[euros]["total"], lines[pounds]["total"]) == (
            "64.77",
            "1.27",
        )  # 64.7745, 1.2712
        assert (order["total"], order["currency"]) == ("66.04", "USD")
        same = (await client.post(URL, json={"lines": _lines(euros), "currency": "EUR"})).raise_for_status().json()
        assert (same["total"], same["exchange_rates"], same["lines"][0]["item_price"]) == ("19.90", [], None)
        unknown = await client.post(URL, json={"lines": _lines(euros), "currency": "THB"})
        assert (unknown.status_code, unknown.json()["code"]) == (422, "currency_not_quoted")


async def test_a_line_is_rounded_once_for_any_quantity(settings: Settings, sandbox: str) -> None:
    async with _api(settings.model_copy(update={"provider_url": sandbox})) as api:
        client = await api.login()
        nails = await _item(client, "Nail", "0.01", stock=2000)
        placed = await client.post(URL, json={"lines": _lines(nails, quantity=1000), "currency": "USD"})
        order = placed.raise_for_status().json()
        [line] = order["lines"]
        assert (line["unit_price"], line["total"], order["total"]) == ("0.01", "10.85", "10.85")
        assert (await client.get(placed.headers["Location"])).json()["lines"] == [line]
        single = await client.post(URL, json={"lines": _lines(nails), "currency": "GBP"})
        assert single.raise_for_status().json()["total"] == "0.01", "never for nothing"


async def test_without_a_rate_an_order_is_refused_and_a_repeat_needs_none(api: Api) -> None:
    client = await api.login()
    item = await _item(client, "Bell", "1.00")
    key = {"Idempotency-Key": "k"}
    answer = await client.post(URL, json={"lines": _lines(item), "currency": "USD"}, headers=key)
    assert answer.status_code == 503
    assert (await client.get(f"/api/v1/items/{item}")).json()["stock"] == 50
    body = {"lines": _lines(item), "currency": "EUR"}
    first, again = [await client.post(URL, json=body, headers=key) for _ in range(2)]
    assert first.content == again.content


async def test_anonymising_an_account_removes_its_addresses(api: Api, settings: Settings) -> None:
    client = await api.login()
    item = await _item(client, "Bell", "1.00")
    body = {"lines": _lines(item), "shipping_address": HOME, "notes": "Ring twice."}
    for key in ("a", "b"):
        await client.post(URL, json=body, headers={"Idempotency-Key": key})
    buyer = (await client.get("/api/v1/users/me")).json()["id"]
    await login_as("admin", api, settings)
    assert (await client.delete(f"/api/v1/users/{buyer}")).status_code == 204
    async with open_database(settings) as database, database.read() as session:
        orders = (await session.execute(select(Order.shipping_address, Order.notes, Order.total_minor))).all()
        keys = (await session.execute(select(IdempotencyKey.key))).all()
    assert (orders, keys) == ([(None, None, 100)] * 2, [])
