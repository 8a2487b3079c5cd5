"""Isolation of hanging charges: all other work continues, in the embedded shop and in a worker's pool."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import loopback
from tests.support.customer import Shopper
from tests.support.ports import free_port
from tests.support.processes import Processes, wait_until
from tests.support.shops import RunningShop, embedded

SLOTS = 4
PAYMENTS = 2  # slots of each process
PATIENCE = 60.0
# No charge ends by itself during the test: work that ends did not wait for one.
HANGING = {
    "WORKER_CONCURRENCY": SLOTS,
    "PROVIDER_TIMEOUT_SECONDS": 200,
    "CLAIM_SECONDS": 250,
    "RECONCILE_SECONDS": 0.5,
}


@pytest.fixture(params=["embedded", "distributed"])
def running_shop(request: pytest.FixtureRequest, processes: Processes) -> RunningShop:
    if request.param == "embedded":
        return embedded(processes, **HANGING)
    stores, admin = request.getfixturevalue("stores"), free_port()
    settings = {"PROVIDER_URL": processes.sandbox(), **stores, **HANGING}
    worker = processes.start("worker", ADMIN_PORT=admin, **settings)
    processes.await_answer(worker, f"http://127.0.0.1:{admin}", "/readyz")
    processes.start("reconciler", ADMIN_PORT=0, **settings)
    api, url = processes.api(**settings)
    return RunningShop([api], [url], settings["PROVIDER_URL"], stores)


def _ledger(running_shop: RunningShop, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = loopback.get(f"{running_shop.provider}/v1/{kind}").raise_for_status().json()[kind]
    return found


def _last_two_days() -> dict[str, str]:
    today = datetime.now(UTC).date()
    return {"from": (today - timedelta(days=1)).isoformat(), "to": today.isoformat()}


def test_reports_and_mail_continue_while_every_charge_hangs(running_shop: RunningShop) -> None:
    running_shop.behave(charges={"hang_rate": 1})
    with Shopper(running_shop.urls[0]) as shopper:
        orders = [shopper.order().headers["Location"] for _ in range(2 * SLOTS)]
        wait_until(
            lambda: len(_ledger(running_shop, "charges")) == PAYMENTS, PATIENCE, "as many charges as there are slots"
        )
        asked = shopper.client.post("/api/v1/reports/sales", json=_last_two_days()).raise_for_status()

        def report() -> str:
            status: str = shopper.client.get(asked.headers["Location"]).raise_for_status().json()["status"]
            return status

        wait_until(lambda: report() == "succeeded", PATIENCE, "the report")
        with Shopper(running_shop.urls[0]):
            wait_until(lambda: len(_ledger(running_shop, "mails")) == 2, PATIENCE, "the welcome of whoever came since")
        assert len(_ledger(running_shop, "charges")) == PAYMENTS, "the others have waited in the outbox"
        seen = [shopper.client.get(order).raise_for_status().json()["status"] for order in orders]
        assert seen == ["pending"] * len(orders)
