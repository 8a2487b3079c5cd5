"""Metrics of orders by status, and of the time that payments waited."""

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text, update

from app.infra.database.orm import now
from app.orders import status_counts
from app.orders.models import Order
from app.telemetry.metrics import OrderStateMetrics
from tests.app.orders.shop import Shop

pytestmark = pytest.mark.anyio


async def test_recent_orders_are_counted_by_status(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = CollectorRegistry()
    count = status_counts.watch(OrderStateMetrics(registry))

    async def counts() -> dict[str, float | None]:
        async with shop.database.read() as session:
            await count(session)
        return {
            status: registry.get_sample_value("orders_recent", {"status": status})
            for status in ("pending", "paid", "failed", "cancelled")
        }

    none = {"pending": 0, "paid": 0, "failed": 0, "cancelled": 0}
    assert await counts() == none
    messages = [await shop.order() for _ in range(3)]
    assert await counts() == none | {"pending": 3}
    await shop.worker().process(messages[0])
    assert await counts() == none | {"pending": 2, "paid": 1}
    monkeypatch.setattr(status_counts, "MAX_COUNTED", 2)
    assert sum(value or 0 for value in (await counts()).values()) == 2, "it looks at so many at most"
    async with shop.database.write() as session:
        await session.execute(update(Order).values(created_at=now() - timedelta(hours=2)))
    assert await counts() == none, "what is older is not looked at"


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_the_count_reads_an_index_only(shop: Shop) -> None:
    async with shop.database.write() as session:
        for other in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):  # cheaper for few rows
            await session.execute(text(f"SET LOCAL {other} = off"))
        plan = await session.execute(
            text(
                "EXPLAIN SELECT status FROM orders WHERE created_at >= now() - interval '1 hour'"
                " ORDER BY created_at DESC LIMIT 10000"
            )
        )
        assert "Index Only Scan" in "\n".join(row[0] for row in plan)


async def test_the_wait_of_a_job_is_observed_once_at_its_first_attempt(shop: Shop) -> None:
    message = await shop.order()
    await shop.pass_time(60)
    await shop.worker().process(message)
    await shop.worker().process(message)
    assert shop.counted("job_wait_seconds_count", topic="pay_order") == 1
    assert 60 <= shop.counted("job_wait_seconds_sum", topic="pay_order") < 120
