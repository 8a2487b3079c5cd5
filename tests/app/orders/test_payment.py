"""Payments: charged once by one worker, whatever the provider does."""

import asyncio
from collections import Counter
from datetime import timedelta

import httpx2
import pytest

from app.infra.database.orm import now
from app.infra.http_client import open_client
from app.infra.outbox import repository as outbox
from app.orders import repository as orders
from tests.app.orders.shop import CLAIM_SECONDS, STOCK, Shop
from tests.support.ports import free_port

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


def _charges(shop: Shop, outcome: str) -> float:
    return shop.counted("dependency_requests_total", target="payments", operation="charge", outcome=outcome)


async def test_a_paid_order_is_charged_once_however_often_it_is_processed(shop: Shop) -> None:
    message = await shop.order(quantity=2)
    worker = shop.worker()
    assert await worker.process(message) == "paid"
    assert [await worker.process(message) for _ in range(3)] == ["not_ours"] * 3
    assert await shop.status(message) == ("paid", None)
    charges = await shop.charges()
    assert [(charge["amount_minor"], charge["currency"]) for charge in charges] == [(3980, "EUR")]
    assert shop.counted("orders_finished_total", status="paid") == 1
    assert shop.counted("order_processing_duration_seconds_count") == 1
    assert _charges(shop, "ok") == 1
    assert await shop.stock() == STOCK - 2


async def test_of_many_workers_one_charges(shop: Shop) -> None:
    message = await shop.order()
    outcomes = await asyncio.gather(*(shop.worker().process(message) for _ in range(8)))
    assert Counter(outcomes) == {"paid": 1, "not_ours": 7}
    assert _charges(shop, "ok") == 1


async def test_a_declined_card_fails_the_order_and_restocks_once(shop: Shop) -> None:
    await shop.behave(decline_rate=1)
    message = await shop.order(quantity=3)
    assert await shop.stock() == STOCK - 3
    assert await shop.worker().process(message) == "failed"
    assert await shop.status(message) == ("failed", "card_declined")
    assert await shop.stock() == STOCK
    assert await shop.worker().process(message) == "not_ours"
    assert await shop.stock() == STOCK
    assert shop.counted("orders_finished_total", status="failed") == 1
    assert _charges(shop, "ok") == 1


async def test_after_a_crash_between_charge_and_record_another_worker_completes_without_a_second_charge(
    shop: Shop,
) -> None:
    await shop.behave(decline_rate=0.5)  # the first decision must stand, paid or declined
    message = await shop.order()
    async with shop.database.write() as session:
        claim = await outbox.claim(session, message, CLAIM_SECONDS)
    assert claim is not None
    async with shop.database.read() as session:
        order = await orders.payable(session, await shop.order_of(message))
    await shop.client.post(
        "/v1/charges",
        json={"amount_minor": order.total_minor, "currency": order.currency, "reference": str(order.id)},
        headers={"Idempotency-Key": str(order.id)},
    )
    assert await shop.worker().process(message) == "not_ours", "the claim still holds"
    await shop.pass_time(CLAIM_SECONDS + 1)
    [charge] = await shop.charges()
    expected = "paid" if charge["status"] == "succeeded" else "failed"
    assert await shop.worker().process(message) == expected
    assert await shop.charges() == [charge]
    assert await shop.stock() == STOCK - (1 if expected == "paid" else 0)


async def test_an_unreachable_provider_postpones_the_payment_with_growing_delays(shop: Shop) -> None:
    message = await shop.order()
    unreachable = f"http://127.0.0.1:{free_port()}"
    async with open_client(unreachable, 1, shop.tracing) as client:
        worker = shop.worker(client)
        for wait in (1, 2, 5, 10, 30, 30):
            before = now()
            assert await worker.process(message) == "later"
            assert await shop.status(message) == ("pending", None)
            assert before + timedelta(seconds=wait / 2) < await shop.available_at(message)
            assert await shop.available_at(message) < now() + timedelta(seconds=wait)
            await shop.pass_time(wait)
            assert await shop.reconciler.look() == 1
    assert _charges(shop, "connection") == 6
    assert await shop.worker().process(message) == "paid"
    assert await shop.stock() == STOCK - 1


@on_sqlite
async def test_a_provider_without_a_definite_answer_is_called_again(shop: Shop) -> None:
    message = await shop.order()
    answers = iter(
        [
            httpx2.Response(500, json={"detail": "no"}),
            httpx2.Response(429),
            httpx2.Response(302, headers={"Location": "http://127.0.0.1:1/"}),
            httpx2.Response(201, json={"status": "maybe"}),
            httpx2.Response(201, content=b"<html>"),
            httpx2.Response(201, content=b""),
            httpx2.Response(201, json={"id": "ch_1", "status": "succeeded", "new_field": 1}),
        ]
    )
    transport = httpx2.MockTransport(lambda _request: next(answers))
    async with httpx2.AsyncClient(transport=transport, base_url="http://provider") as client:
        outcomes = [await shop.worker(client).process(message) for _ in range(7)]
    assert outcomes == ["later"] * 6 + ["paid"]
    assert (_charges(shop, "status"), _charges(shop, "body")) == (3, 3)


@on_sqlite
async def test_a_timed_out_charge_is_not_made_twice(shop: Shop, sandbox: str) -> None:
    message = await shop.order()
    async with open_client(sandbox, 0.3, shop.tracing) as client:
        await client.put("/v1/behaviour", json={"latency_ms": 1500})
        assert await shop.worker(client).process(message) == "later"
        assert _charges(shop, "timeout") == 1
        await client.put("/v1/behaviour", json={})
        assert await shop.worker(client).process(message) == "paid"
        assert len((await client.get("/v1/charges")).json()["charges"]) == 1


async def test_a_late_worker_does_not_finish_the_claim_of_another(shop: Shop) -> None:
    message = await shop.order()
    claims = []
    for _ in range(2):
        async with shop.database.write() as session:
            claims.append(await outbox.claim(session, message, CLAIM_SECONDS))
        if len(claims) == 1:
            await shop.pass_time(CLAIM_SECONDS + 1)
    late, present = claims
    assert late is not None
    assert present is not None
    with pytest.raises(outbox.LeaseLostError):
        async with shop.database.write() as session:
            await outbox.release(session, late, failed=False)
    assert await shop.worker().process(message) == "not_ours"
    async with shop.database.write() as session:
        await outbox.release(session, present, failed=False)
    assert await shop.worker().process(message) == "paid"
