"""Load from inside the cluster while the API and the worker are restarted twice: nothing may be lost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from tests.e2e.cluster import Manifest, Namespace, say
from tests.e2e.load import LoadTest, running
from tests.e2e.release import Release

RATE = 50
ORDER_RATE = 2
SECONDS = 60
RESTART_AT_SECONDS = (10, 35)
RESTARTED = ("api", "worker")
# Slow enough that a restart meets charges under way; some refused, since a failed order must not be charged.
PROVIDER = {"latency_ms": 100, "decline_rate": 0.1}


class Rollout(NamedTuple):
    """What the load measured, the sandbox's ledger after it, and the pods that were replaced twice."""

    measured: Mapping[str, Any]
    charges: Sequence[Manifest]
    first_pods: frozenset[str]
    last_pods: frozenset[str]


@pytest.fixture(scope="module")
def rollout(namespace: Namespace, release: Release, load_image: str) -> Rollout:
    release.install()
    release.set_provider(**PROVIDER)
    first_pods = _names(release)
    test = LoadTest(load_image, release.address, rate=RATE, order_rate=ORDER_RATE, seconds=SECONDS)
    with running(namespace, test) as load:
        for second in RESTART_AT_SECONDS:
            load.until(second)
            release.restart(RESTARTED)
            say(f"restarted {' and '.join(RESTARTED)}")
        measured = load.result()
    release.await_rollout(RESTARTED, within=60)
    last_pods = _names(release)
    say(f"{measured['requests']} requests, failures {measured['failures']}, unexpected {measured['unexpected']}")
    say(f"{len(measured['orders'])} orders: {dict(Counter(order['status'] for order in measured['orders']))}")
    charges = release.charges()
    say(f"{len(charges)} charges: {dict(Counter(charge['status'] for charge in charges))}")
    say(f"{len(first_pods)} pods before, of which {len(first_pods & last_pods)} are left")
    return Rollout(measured, charges, first_pods, last_pods)


def test_no_request_fails(rollout: Rollout) -> None:
    assert {kind: count for kind, count in rollout.measured["failures"].items() if count} == {}


def test_the_load_is_what_was_asked_for(rollout: Rollout) -> None:
    steps = rollout.measured["steps"]
    browsed = sum(steps[name]["requests"] for name in ("list items", "turn page", "read item"))
    assert browsed >= RATE * SECONDS
    assert steps["place order"]["requests"] == ORDER_RATE * SECONDS


def test_every_pod_was_replaced_under_load(rollout: Rollout) -> None:
    assert rollout.first_pods
    assert not rollout.first_pods & rollout.last_pods


def test_every_order_is_final(rollout: Rollout) -> None:
    orders = rollout.measured["orders"]
    assert orders
    assert [order for order in orders if order["status"] not in {"paid", "failed"}] == []


def test_every_paid_order_was_charged_once_and_nothing_else_was(rollout: Rollout) -> None:
    paid = Counter(order["id"] for order in rollout.measured["orders"] if order["status"] == "paid")
    succeeded = Counter(charge["reference"] for charge in rollout.charges if charge["status"] == "succeeded")
    assert succeeded == paid


def test_every_charge_is_of_an_order(rollout: Rollout) -> None:
    placed = {order["id"] for order in rollout.measured["orders"]}
    assert {charge["reference"] for charge in rollout.charges} <= placed


def _names(release: Release) -> frozenset[str]:
    return frozenset(pod["metadata"]["name"] for component in RESTARTED for pod in release.pods(component))
