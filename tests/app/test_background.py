"""Background work in real processes: e-mail, summed metrics, and reports that survive a killed worker."""

import asyncio
import csv
import io
import re
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.support import loopback
from tests.support.customer import Shopper
from tests.support.ports import free_port
from tests.support.processes import Processes, Running, wait_until

ORDERS = 20_000
SELL = """
INSERT INTO orders (id, buyer_id, status, total_minor, currency, created_at, finished_at, refund)
SELECT gen_random_uuid(), $1, 'paid', 1990, 'EUR', now() - interval '1 hour', now() - interval '1 hour', 'none'
FROM generate_series(1, $2)
"""
LINES = """
INSERT INTO order_lines (order_id, item_id, quantity, unit_price_minor)
SELECT orders.id, $1, 1, 1990 FROM orders WHERE buyer_id = $2
"""


def _samples(port: int) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = loopback.get(f"http://127.0.0.1:{port}/metrics").text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _pool(worker: Running) -> list[psutil.Process]:
    """The living processes of a worker's pool."""
    children: list[psutil.Process] = psutil.Process(worker.pid).children()
    return [child for child in children if child.status() != psutil.STATUS_ZOMBIE]


def test_emails_arrive_and_the_worker_counts_the_work_of_its_processes_including_killed_ones(
    processes: Processes, stores: dict[str, str]
) -> None:
    provider, admin = processes.sandbox(), free_port()
    settings = {"PROVIDER_URL": provider, **stores}
    worker = processes.start("worker", ADMIN_PORT=admin, WORKER_CONCURRENCY=2, **settings)
    processes.await_answer(worker, f"http://127.0.0.1:{admin}", "/readyz")
    _, url = processes.api(**settings)

    def mails() -> list[str]:
        answer = loopback.get(f"{provider}/v1/mails").raise_for_status().json()["mails"]
        return sorted(re.sub(r" s[0-9a-f]{12}$", " NAME", mail["subject"]) for mail in answer)

    with Shopper(url) as shopper:
        placed = [shopper.order() for _ in range(4)]
        totals = [shopper.await_final(order.headers["Location"])["total"] for order in placed]
    expected = ["Welcome aboard, NAME", *(f"Your order is paid: {total} EUR" for total in totals)]
    wait_until(lambda: len(mails()) >= len(expected), 30, "the mails")
    assert mails() == sorted(expected)

    paid = ("orders_finished_total", (("status", "paid"),))
    wait_until(lambda: _samples(admin)[paid] == 4, 10, "the sum over the pool")
    counted = _samples(admin)
    for topic, times in (("pay_order", 4), ("mail_receipt", 4), ("mail_welcome", 1)):
        assert counted["jobs_finished_total", (("outcome", "done"), ("topic", topic))] == times
        assert counted["job_duration_seconds_count", (("topic", topic),)] == times
    assert counted["jobs_finished_total", (("outcome", "dead"), ("topic", "make_sales_report"))] == 0
    assert all("pid" not in dict(labels) for _, labels in counted)

    # The gauges of killed processes are removed, and their counters stay.
    closed = ("dependency_breaker_state", (("state", "closed"), ("target", "mail")))
    wait_until(lambda: _samples(admin).get(closed) == 2, 20, "a breaker in each process")
    before = {process.pid for process in _pool(worker)}
    for process in _pool(worker):
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: len({process.pid for process in _pool(worker)} - before) == 2, 30, "a new pool")
    wait_until(lambda: _samples(admin).get(closed) == 2, 20, "the breakers of the living")
    assert _samples(admin)[paid] == 4


def test_a_stopping_worker_finishes_its_current_jobs(processes: Processes, stores: dict[str, str]) -> None:
    provider = processes.sandbox()
    worker = processes.worker(PROVIDER_URL=provider, PROVIDER_TIMEOUT_SECONDS=20, **stores)
    _, url = processes.api(PROVIDER_URL=provider, **stores)
    loopback.put(f"{provider}/v1/behaviour", json={"charges": {"latency_ms": 2000}}).raise_for_status()
    with Shopper(url) as shopper:
        placed = shopper.order()
        reference = {"reference": placed.json()["id"]}

        def charged() -> bool:
            answer = loopback.get(f"{provider}/v1/charges", params=reference).raise_for_status()
            return bool(answer.json()["charges"])

        wait_until(charged, 20, "the charge, whose answer takes two seconds more")
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
        assert shopper.client.get(placed.headers["Location"]).json()["status"] == "paid"
    [finished] = [line for line in worker.lines() if line["event"] == "order_finished"]
    assert finished["attempts"] == 1


def test_a_report_survives_the_worker_that_generated_it(processes: Processes, stores: dict[str, str]) -> None:
    quick = {"PROVIDER_TIMEOUT_SECONDS": 2, "MAIL_TIMEOUT_SECONDS": 2, "CLAIM_SECONDS": 3, "RECONCILE_SECONDS": 0.5}
    settings = {"PROVIDER_URL": processes.sandbox(), **quick, **stores}
    worker = processes.worker(**settings)
    processes.start("reconciler", ADMIN_PORT=0, **settings)
    _, url = processes.api(**settings)
    with Shopper(url) as seller:
        asyncio.run(_sell(seller, stores["DATABASE_URL"]))
        asked = seller.client.post("/api/v1/reports/sales", json=_last_two_days())
        assert asked.status_code == 202, asked.text

        def task() -> dict[str, Any]:
            seen: dict[str, Any] = seller.client.get(asked.headers["Location"]).raise_for_status().json()
            return seen

        wait_until(lambda: task()["progress"] > 0, 30, "a beginning")
        [maker] = _pool(worker)
        maker.send_signal(signal.SIGKILL)
        killed_at = task()
        assert 0 < killed_at["progress"] < 1
        wait_until(lambda: task()["status"] == "succeeded", 90, "the end")
        download = seller.client.get(task()["result"]).raise_for_status()
    assert int(download.headers["Content-Length"]) == len(download.content)
    counted = Counter(row["order_id"] for row in csv.DictReader(io.StringIO(download.text)))
    assert (len(counted), set(counted.values())) == (ORDERS, {1})


def _last_two_days() -> dict[str, str]:
    today = datetime.now(UTC).date()
    return {"from": (today - timedelta(days=1)).isoformat(), "to": today.isoformat()}


async def _sell(seller: Shopper, database_url: str) -> None:
    """Inserts an item of the seller, and many orders of it."""
    item = {"name": "A bell", "description": "", "price": "19.90", "currency": "EUR", "stock": 1}
    made = seller.client.post("/api/v1/items", json=item).raise_for_status().json()
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(SELL, made["owner_id"], ORDERS)
        await connection.execute(LINES, made["id"], made["owner_id"])
    finally:
        await connection.close()
