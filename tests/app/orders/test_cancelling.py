"""Cancelling: stock is returned immediately, money is refunded once, and a race with the payment has one winner."""

import asyncio
from collections import Counter
from uuid import uuid4

import pytest

from app.infra.outbox import repository as outbox
from app.orders import repository as orders
from app.orders.commands.refund import REFUND_ORDER
from app.orders.errors import NotCancellableError, OrderNotFoundError
from tests.app.conftest import Api
from tests.app.orders.shop import CLAIM_SECONDS, STOCK, Shop

pytestmark = pytest.mark.anyio


async def test_a_pending_order_is_cancelled_immediately_and_never_charged(shop: Shop) -> None:
    payment = await shop.order(quantity=2)
    order = await shop.order_of(payment)
    cancelled = await shop.cancel(order)
    assert (cancelled.status, cancelled.refund) == ("cancelled", "none")
    assert cancelled.cancelled_at == cancelled.finished_at is not None
    assert await shop.stock() == STOCK
    assert await shop.worker().process(payment) == "cancelled"
    assert await shop.worker().process(await shop.message(REFUND_ORDER, order)) == "not_charged"
    assert (await shop.charges(), await shop.refunds()) == ([], [])
    assert await shop.see(order) == cancelled
    assert shop.counted("orders_cancelled_total", was="pending") == 1


async def test_a_cancelled_paid_order_is_refunded_once(shop: Shop) -> None:
    payment = await shop.order(quantity=2)
    order = await shop.order_of(payment)
    await shop.worker().process(payment)
    paid = await shop.see(order)
    cancelled = await shop.cancel(order)
    assert (cancelled.status, cancelled.refund, cancelled.refunded_at) == ("cancelled", "pending", None)
    assert cancelled.finished_at == paid.finished_at
    assert await shop.stock() == STOCK
    repayment = await shop.message(REFUND_ORDER, order)
    await shop.behave(refunds={"error_rate": 1})
    assert await shop.worker().process(repayment) == "later", "it is refunded, and nobody knows"
    await shop.behave()
    assert await shop.worker().process(repayment) == "refunded"
    assert await shop.worker().process(repayment) == "not_ours"
    [refund] = await shop.refunds()
    assert (refund["reference"], refund["amount_minor"], refund["currency"]) == (str(order), 3980, "EUR")
    assert len(await shop.charges()) == 1
    after = await shop.see(order)
    assert (after.status, after.refund) == ("cancelled", "refunded")
    assert after.refunded_at is not None
    assert shop.counted("orders_refunded_total") == shop.counted("orders_cancelled_total", was="paid") == 1


async def test_cancelling_is_idempotent_in_sequence_and_concurrently(shop: Shop) -> None:
    payment = await shop.order(quantity=3)
    order = await shop.order_of(payment)
    await shop.worker().process(payment)
    answers = await asyncio.gather(*(shop.cancel(order) for _ in range(10)))
    assert {answer.status for answer in answers} == {"cancelled"}
    assert await shop.stock() == STOCK
    assert await shop.worker().process(await shop.message(REFUND_ORDER, order)) == "refunded"
    assert (await shop.cancel(order)).refund == "refunded"
    assert await shop.stock() == STOCK
    assert shop.counted("orders_cancelled_total", was="paid") == 1


async def test_a_failed_order_can_not_be_cancelled(shop: Shop) -> None:
    await shop.behave(decline_rate=1)
    payment = await shop.order()
    await shop.worker().process(payment)
    with pytest.raises(NotCancellableError):
        await shop.cancel(await shop.order_of(payment))
    with pytest.raises(OrderNotFoundError):
        await shop.cancel(uuid4())
    assert await shop.stock() == STOCK


async def test_a_charge_of_a_worker_that_died_is_refunded_after_the_cancellation(shop: Shop) -> None:
    payment = await shop.order()
    order = await shop.order_of(payment)
    async with shop.database.write() as session:
        assert await outbox.claim(session, payment, CLAIM_SECONDS) is not None
    async with shop.database.write() as session:
        charged = await orders.start_charge(session, order)
    assert charged is not None
    await shop.provider().charge(order, charged.total_minor, charged.currency)
    assert (await shop.cancel(order)).refund == "pending"
    assert await shop.worker().process(await shop.message(REFUND_ORDER, order)) == "refunded"
    await shop.pass_time(CLAIM_SECONDS + 1)
    assert await shop.worker().process(payment) == "cancelled"
    assert [len(await shop.charges()), len(await shop.refunds())] == [1, 1]


async def test_a_charge_in_flight_is_refunded_too(shop: Shop) -> None:
    payment = await shop.order()
    order = await shop.order_of(payment)
    async with shop.database.write() as session:
        late = await orders.start_charge(session, order)
    assert late is not None
    await shop.cancel(order)
    repayment = await shop.message(REFUND_ORDER, order)
    await shop.behave(fail_rate=1)
    assert await shop.worker().process(repayment) == "later", "whether a charge comes is not known"
    await shop.behave()
    assert await shop.worker().process(repayment) == "refunded"
    await shop.provider().charge(order, late.total_minor, late.currency)
    assert [len(await shop.charges()), len(await shop.refunds())] == [1, 1], "it came, and was the same one"


async def test_a_charge_declined_after_the_cancellation_needs_no_refund(shop: Shop) -> None:
    payment = await shop.order()
    order = await shop.order_of(payment)
    await shop.behave(decline_rate=1, charges={"error_rate": 1})
    assert await shop.worker().process(payment) == "later"
    assert (await shop.cancel(order)).refund == "pending"
    assert await shop.worker().process(await shop.message(REFUND_ORDER, order)) == "not_charged"
    after = await shop.see(order)
    assert (after.status, after.refund, after.failure_reason) == ("cancelled", "none", None)
    assert await shop.refunds() == []


async def test_of_a_concurrent_payment_and_cancellation_one_wins(shop: Shop) -> None:
    won: Counter[str] = Counter()
    for _ in range(12):
        payment = await shop.order()
        order = await shop.order_of(payment)
        outcome, cancelled = await asyncio.gather(shop.worker().process(payment), shop.cancel(order))
        assert cancelled.status == "cancelled"
        await shop.worker().process(await shop.message(REFUND_ORDER, order))
        after = await shop.see(order)
        charged = [charge for charge in await shop.charges() if charge["reference"] == str(order)]
        refunded = [refund for refund in await shop.refunds() if refund["reference"] == str(order)]
        assert len(charged) == len(refunded) <= 1
        assert after.refund == ("refunded" if charged else "none")
        won[outcome] += 1
    assert set(won) <= {"paid", "cancelled"}
    assert await shop.stock() == STOCK


async def test_only_the_buyer_cancels_over_http(api: Api) -> None:
    client = await api.login()
    item = (await client.post("/api/v1/items", json={"name": "Bell", "price": "1.00", "stock": 7})).json()["id"]
    placed = await client.post("/api/v1/orders", json={"lines": [{"item_id": item, "quantity": 2}]})
    location = placed.headers["Location"]
    mine = client.headers["Authorization"]
    await api.login()
    assert (await client.post(f"{location}/cancel")).status_code == 404
    client.headers["Authorization"] = mine
    first, second = [await client.post(f"{location}/cancel") for _ in range(2)]
    assert first.status_code == second.status_code == 200
    assert (first.json()["status"], first.json()["id"]) == ("cancelled", placed.json()["id"])
    assert second.json()["cancelled_at"] == first.json()["cancelled_at"]
    assert (await client.get(f"/api/v1/items/{item}")).json()["stock"] == 7
    other = await client.post("/api/v1/orders", json={"lines": [{"item_id": item, "quantity": 1}]})
    for status, ids in {"cancelled": [placed.json()["id"]], "paid": [], "pending": [other.json()["id"]]}.items():
        page = (await client.get("/api/v1/orders", params={"status": status})).json()
        assert [order["id"] for order in page["orders"]] == ids
    assert (await client.get("/api/v1/orders", params={"status": "lost"})).status_code == 422
