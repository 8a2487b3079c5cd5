"""Real processes: a worker killed during a payment that its buyer cancels, and a provider that loses its answers."""

import time

from tests.support import loopback
from tests.support.customer import Shopper
from tests.support.processes import Processes, wait_until
from tests.support.shops import embedded

QUICK = {"PROVIDER_TIMEOUT_SECONDS": 4, "CLAIM_SECONDS": 5, "RECONCILE_SECONDS": 0.5}


def _ledger(provider: str, kind: str, order_id: str) -> list[dict[str, object]]:
    answer = loopback.get(f"{provider}/v1/{kind}", params={"reference": order_id})
    lines: list[dict[str, object]] = answer.raise_for_status().json()[kind]
    return lines


def _behave(provider: str, **behaviour: float) -> None:
    loopback.put(f"{provider}/v1/behaviour", json=behaviour).raise_for_status()


def _await_refund(shopper: Shopper, location: str) -> None:
    wait_until(lambda: shopper.client.get(location).json()["refund"] != "pending", 60, "the refund")


def test_a_worker_killed_between_charge_and_record_of_an_order_that_is_cancelled_or_not(
    processes: Processes, stores: dict[str, str]
) -> None:
    provider = processes.sandbox()
    settings = {"PROVIDER_URL": provider, **QUICK, **stores}
    worker = processes.worker(**settings)
    processes.start("reconciler", ADMIN_PORT=0, **settings)
    _, url = processes.api(**stores)
    with Shopper(url) as shopper:
        for cancels in (False, True):
            # The provider records the charge, then delays its answer: the worker is killed before it arrives.
            _behave(provider, latency_ms=3500)
            placed = shopper.order()
            order_id, location = placed.json()["id"], placed.headers["Location"]
            wait_until(lambda order_id=order_id: _ledger(provider, "charges", order_id), 20, "the charge")  # type: ignore[misc]
            worker.kill()
            assert shopper.client.get(location).json()["status"] == "pending"
            if cancels:
                cancelled = shopper.client.post(f"{location}/cancel").raise_for_status().json()
                assert (cancelled["status"], cancelled["refund"]) == ("cancelled", "pending")
            _behave(provider)
            worker = processes.worker(**settings)
            if cancels:
                _await_refund(shopper, location)
            order = shopper.await_final(location)
            assert (order["status"], order["refund"]) == (("cancelled", "refunded") if cancels else ("paid", "none"))
            [charge] = _ledger(provider, "charges", order_id)
            assert charge["status"] == "succeeded"
            assert len(_ledger(provider, "refunds", order_id)) == cancels


def test_the_provider_loses_its_answers_and_the_buyer_cancels_before_the_retry(processes: Processes) -> None:
    running_shop = embedded(processes, **QUICK, BREAKER_OPEN_SECONDS=0.2)  # a lost answer is retried soon
    with Shopper(running_shop.urls[0]) as shopper:
        running_shop.behave(lie_rate=1)
        placed = [shopper.order() for _ in range(4)]
        orders = {answer.json()["id"]: answer.headers["Location"] for answer in placed}
        for order_id in orders:
            wait_until(lambda order_id=order_id: _ledger(running_shop.provider, "charges", order_id), 20, "the charge")  # type: ignore[misc]
        for location in orders.values():
            assert shopper.client.post(f"{location}/cancel").raise_for_status().json()["refund"] == "pending"
        wait_until(
            lambda: any(_ledger(running_shop.provider, "refunds", order_id) for order_id in orders), 40, "a refund"
        )
        time.sleep(1)  # for more lost answers: a refund without an answer is requested again
        running_shop.behave()
        for order_id, location in orders.items():
            _await_refund(shopper, location)
            assert shopper.client.get(location).json()["refund"] == "refunded"
            assert [len(_ledger(running_shop.provider, kind, order_id)) for kind in ("charges", "refunds")] == [1, 1]
