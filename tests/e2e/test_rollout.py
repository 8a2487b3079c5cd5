"""Everything is restarted, and the API and the worker scaled up and down, under load: nothing may be lost."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from tests.e2e.cluster import say
from tests.e2e.ledger import Ledger
from tests.e2e.load import ORDER_RATE, RATE, LoadTest, on_a_machine_with_time, running
from tests.e2e.release import Release

pytestmark = pytest.mark.timed

RESTARTED = ("api", "worker", "reconciler")
SCALED = {"api": (4, 2), "worker": (2, 1)}
# Slow enough that a restart meets charges under way; some refused, since a failed order must not be charged.
PROVIDER = {"latency_ms": 100, "decline_rate": 0.1}


class Rollout(NamedTuple):
    """What the load measured, what is wrong with the ledger after it, and the pods before and after the restart."""

    measured: Mapping[str, Any]
    disagreements: Sequence[str]
    first_pods: frozenset[str]
    last_pods: frozenset[str]


@pytest.fixture(scope="module")
def rollout(shop: Release, load_image: str) -> Rollout:
    return on_a_machine_with_time(lambda: _drill(shop, load_image))


def _drill(shop: Release, load_image: str) -> Rollout:
    shop.set_provider(**PROVIDER)
    first_pods, ledger = shop.names(*RESTARTED), Ledger(shop)
    test = LoadTest(load_image, shop.address)
    with running(shop.namespace, test) as load:
        load.until(5)
        say(f"restarting {', '.join(RESTARTED)}")
        shop.restart(RESTARTED)
        shop.await_rollout(RESTARTED, within=180)
        last_pods = shop.names(*RESTARTED) - first_pods
        for up_or_down in range(2):
            for component, counts in SCALED.items():
                say(f"scaling {component} to {counts[up_or_down]}")
                shop.scale(component, counts[up_or_down])
            for component, counts in SCALED.items():
                shop.await_pods(component, counts[up_or_down], within=120)
        measured = load.end()
    shop.set_provider(latency_ms=0, decline_rate=0)
    return Rollout(measured, ledger.disagreements(measured), first_pods, last_pods)


def test_no_request_fails(rollout: Rollout) -> None:
    assert rollout.measured["failed"] == []


def test_the_load_is_what_was_asked_for(rollout: Rollout) -> None:
    steps = rollout.measured["steps"]
    browsed = sum(steps[name]["requests"] for name in ("list items", "turn page", "read item"))
    assert browsed >= RATE * (rollout.measured["run_time"] - 1)
    assert steps["place order"]["requests"] >= ORDER_RATE * (rollout.measured["run_time"] - 1)


def test_every_pod_was_replaced_under_load(rollout: Rollout) -> None:
    assert len(rollout.first_pods) == len(rollout.last_pods) == 4
    assert not rollout.first_pods & rollout.last_pods


def test_no_order_is_lost_and_each_paid_one_was_charged_once(rollout: Rollout) -> None:
    assert rollout.measured["orders"]
    assert rollout.disagreements == []
