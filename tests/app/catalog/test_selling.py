"""Availability of items: the same in lists, search, popular items, the export and orders, with an error code each."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import update

from app.catalog.models import Item
from app.infra.database import open_database
from app.settings import Settings
from tests.app.catalog.offers import URL, offer
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio


@pytest.fixture
async def items(api: Api, settings: Settings) -> dict[str, str]:
    """Ids of an item in each state, each of which was ordered once."""
    client = await api.login()
    states = ("sold", "endless", "over", "paused", "paused and over", "sold out", "archived")
    in_two_days = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    items = {}
    for state in states:
        ends = {} if state == "endless" else {"ends_at": in_two_days}
        stock = 1 if state == "sold out" else 9
        items[state] = (await offer(client, name=f"Lamp, {state}", stock=stock, **ends)).json()["id"]
        (await _order(client, items[state])).raise_for_status()
    async with open_database(settings) as database, database.write() as session:
        over = [UUID(items[state]) for state in ("over", "paused and over")]
        ended = datetime.now(UTC) - timedelta(seconds=1)
        await session.execute(update(Item).where(Item.id.in_(over)).values(ends_at=ended))
    for state in ("paused", "paused and over"):
        await client.patch(f"{URL}/{items[state]}", json={"status": "paused"}, headers={"If-Match": "*"})
    await client.delete(f"{URL}/{items['archived']}", headers={"If-Match": "*"})
    return items


async def _order(client: httpx2.AsyncClient, item: str, **more: Any) -> httpx2.Response:
    return await client.post("/api/v1/orders", json={"lines": [{"item_id": item, "quantity": 1}], **more})


async def _ids(client: httpx2.AsyncClient, path: str, **query: Any) -> set[str]:
    answer = (await client.get(path, params=query)).raise_for_status().json()
    return {item.get("item", item)["id"] for item in answer["items"]}


async def test_every_list_shows_available_items_only(api: Api, items: dict[str, str]) -> None:
    client = api.client
    for_sale = {items[state] for state in ("sold", "endless", "sold out")}
    assert await _ids(client, URL) == await _ids(client, URL, status="active") == for_sale
    assert await _ids(client, "/api/v2/items") == for_sale
    assert await _ids(client, f"{URL}/search", q="lamp") == for_sale
    assert await _ids(client, f"{URL}/popular") == for_sale
    export = (await client.get(f"{URL}/export")).text
    assert {row["id"] for row in csv.DictReader(io.StringIO(export, newline=""))} == for_sale
    assert (await client.get(URL)).json()["total"] == len(for_sale)


async def test_owners_find_their_paused_and_ended_items(api: Api, items: dict[str, str]) -> None:
    for path in (URL, "/api/v2/items"):
        assert await _ids(api.client, path, status="paused") == {items["paused"]}
        assert await _ids(api.client, path, status="ended") == {items["over"], items["paused and over"]}


@pytest.mark.parametrize("currency", [{}, {"currency": "EUR"}], ids=["no currency", "currency"])
async def test_an_order_of_an_unavailable_item_is_refused_with_the_code_of_its_cause(
    api: Api, items: dict[str, str], currency: dict[str, str]
) -> None:
    for state, status, code in (
        ("over", 409, "item_ended"),
        ("paused and over", 409, "item_ended"),
        ("paused", 409, "item_withdrawn"),
        ("sold out", 409, "out_of_stock"),
        ("archived", 404, "item_not_found"),
        ("unknown", 404, "item_not_found"),
    ):
        item = items.get(state, str(uuid4()))
        refused = await _order(api.client, item, **currency)
        assert (refused.status_code, refused.json()["code"]) == (status, code), state
        assert item in refused.json()["detail"]
    for state in ("sold", "endless"):
        assert (await _order(api.client, items[state], **currency)).status_code == 202


async def test_an_ended_item_is_available_again_once_its_end_moves(api: Api, items: dict[str, str]) -> None:
    at = f"{URL}/{items['over']}"
    (await api.client.patch(at, json={"ends_at": None}, headers={"If-Match": "*"})).raise_for_status()
    assert items["over"] in await _ids(api.client, URL)
    assert (await _order(api.client, items["over"])).status_code == 202
