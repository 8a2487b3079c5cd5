"""A worker killed between charge and record: the next one finishes the order, and the card is charged once."""

import httpx2

from tests.app.processes import Processes, wait_until
from tests.app.shopping import Shopper


def test_worker_killed_between_charge_and_record_pays_once(processes: Processes, stores: dict[str, str]) -> None:
    provider = processes.sandbox()
    quick = {"PROVIDER_URL": provider, "PROVIDER_TIMEOUT_SECONDS": 4, "CLAIM_SECONDS": 5, "RECONCILE_SECONDS": 0.5}
    doomed = processes.worker(**quick, **stores)
    processes.start("reconciler", ADMIN_PORT=0, **quick, **stores)
    _, url = processes.api(**stores)

    def charges(order_id: str) -> list[dict[str, object]]:
        answer = httpx2.get(f"{provider}/v1/charges", params={"reference": order_id}, trust_env=False)
        found: list[dict[str, object]] = answer.raise_for_status().json()["charges"]
        return found

    with Shopper(url) as shopper:
        # The provider writes the charge, then keeps the worker waiting: killed there, it never hears the answer.
        httpx2.put(f"{provider}/v1/behaviour", json={"latency_ms": 3500}, trust_env=False).raise_for_status()
        placed = shopper.order()
        order_id = placed.json()["id"]
        wait_until(lambda: charges(order_id), 20, "the charge")
        doomed.kill()
        assert shopper.client.get(placed.headers["Location"]).json()["status"] == "pending"

        httpx2.put(f"{provider}/v1/behaviour", json={}, trust_env=False).raise_for_status()
        processes.worker(**quick, **stores)
        assert shopper.await_final(placed.headers["Location"])["status"] == "paid"

    (charge,) = charges(order_id)
    assert charge["status"] == "succeeded"
