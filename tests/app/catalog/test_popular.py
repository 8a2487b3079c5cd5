"""Popular items: counted orders, ranking, and the number of queries."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text, update
from sqlalchemy.dialects import postgresql

from app.infra.database import open_database
from app.orders.models import Order
from app.orders.popular import DAYS, MAX_RESULTS, most_ordered
from app.settings import Settings
from tests.app.catalog.offers import URL, offer
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

POPULAR = f"{URL}/popular"
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


async def _order(api: Api, *lines: tuple[str, int]) -> UUID:
    order = {"lines": [{"item_id": item, "quantity": quantity} for item, quantity in lines]}
    return UUID((await api.client.post("/api/v1/orders", json=order)).raise_for_status().json()["id"])


async def _set(settings: Settings, orders: Sequence[UUID], **values: Any) -> None:
    async with open_database(settings) as database, database.write() as session:
        await session.execute(update(Order).where(Order.id.in_(orders)).values(**values))


async def test_quantities_of_recent_orders_count_and_failed_orders_do_not(api: Api, settings: Settings) -> None:
    client = await api.login()
    bell, lamp, sextant, chart, gone, rope = [(await offer(client, stock=100)).json()["id"] for _ in range(6)]
    await _order(api, (bell, 2), (lamp, 4))
    paid = await _order(api, (bell, 5))
    failed, cancelled, old = [await _order(api, (sextant, 50)) for _ in range(2)] + [await _order(api, (chart, 50))]
    await _order(api, (chart, 4), (gone, 90))
    await _set(settings, [paid], status="paid")
    await _set(settings, [failed], status="failed")
    await _set(settings, [cancelled], status="cancelled")
    await _set(settings, [old], status="paid", created_at=datetime.now(UTC) - timedelta(days=DAYS, minutes=1))
    await client.delete(f"{URL}/{gone}", headers={"If-Match": "*"})
    del client.headers["Authorization"]
    answer = (await client.get(POPULAR)).raise_for_status()
    assert [(entry["item"]["id"], entry["ordered"]) for entry in answer.json()["items"]] == [
        (bell, 7),
        (chart, 4),  # created after the lamp
        (lamp, 4),
    ]
    assert answer.headers["Content-Type"] == "application/json"
    shown = {entry["item"]["id"]: entry["item"] for entry in answer.json()["items"]}
    assert shown[lamp] == (await client.get(f"{URL}/{lamp}")).json()
    assert rope not in shown


async def test_the_list_has_a_maximum_length(api: Api) -> None:
    client = await api.login()
    items = [(await offer(client, stock=1)).json()["id"] for _ in range(MAX_RESULTS + 3)]
    assert await _all_of(api, items) == MAX_RESULTS


async def _all_of(api: Api, items: list[str]) -> int:
    for start in range(0, len(items), 10):
        await _order(api, *((item, 1) for item in items[start : start + 10]))
    return len((await api.client.get(POPULAR)).json()["items"])


async def test_it_is_computed_once_a_minute_for_any_number_of_requests(api: Api) -> None:
    client = await api.login()
    item = (await offer(client, stock=9)).json()["id"]
    assert (await client.get(POPULAR)).json() == {"items": []}
    await api.binnacle.app.state.services.popular._cache.delete("popular:items")
    counted: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "sum(order_lines.quantity)" in statement:
            counted.append(statement)

    await _order(api, (item, 3))
    engine = api.binnacle.app.state.services.popular._database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    answers = await asyncio.gather(*(client.get(POPULAR) for _ in range(50)))
    event.remove(engine, "before_cursor_execute", note)
    assert {entry["ordered"] for answer in answers for entry in answer.json()["items"]} == {3}
    assert len(counted) == 1
    await _order(api, (item, 2))
    assert (await client.get(POPULAR)).json()["items"][0]["ordered"] == 3, "as it was a moment ago"


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_recent_orders_are_read_from_the_index_on_their_date(api: Api, settings: Settings) -> None:
    item = UUID((await offer(await api.login())).json()["id"])
    buyer = (await api.client.get("/api/v1/users/me")).json()["id"]
    async with open_database(settings) as database, database.write() as session:
        orders = (
            "INSERT INTO orders (id, buyer_id, status, total_minor, currency, created_at)"
            " SELECT gen_random_uuid(), :buyer, 'paid', 1, 'EUR', now() - n * interval '90 minutes'"
            " FROM generate_series(1, 20000) n"
        )
        await session.execute(text(orders), {"buyer": UUID(buyer)})
        lines = "INSERT INTO order_lines SELECT id, :item, 1, 1 FROM orders"
        await session.execute(text(lines), {"item": item})
        await session.execute(text("ANALYZE orders, order_lines, items"))
        query = most_ordered().compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})
        plan = "\n".join((await session.execute(text(f"EXPLAIN {query}"))).scalars())
    assert "ix_orders_created_at_status" in plan, plan
