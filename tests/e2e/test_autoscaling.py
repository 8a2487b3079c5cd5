"""The autoscaler adds replicas of the API under load, and takes them away after it. Needs metrics-server."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from tests.e2e.cluster import Failed, eventually, get, say
from tests.e2e.ledger import Ledger
from tests.e2e.load import BEHIND_PROXY, LoadTest, on_a_machine_with_time, running
from tests.e2e.release import Release

pytestmark = pytest.mark.timed

FEWEST, MOST = 2, 4
DOWN = "api.autoscaling.behavior.scaleDown"
# A target that the load surely exceeds, and rest surely does not; shorter windows than anybody would want.
SCALED = {
    "api.autoscaling.enabled": "true",
    "api.autoscaling.minReplicas": str(FEWEST),
    "api.autoscaling.maxReplicas": str(MOST),
    "api.autoscaling.targetCPU": "50m",
    f"{DOWN}.stabilizationWindowSeconds": "5",
    f"{DOWN}.policies[0].type": "Pods",
    f"{DOWN}.policies[0].value": str(MOST),
    f"{DOWN}.policies[0].periodSeconds": "15",
}
OUT_WITHIN_SECONDS = 180
# The load's last seconds stay in the averages for a while.
BACK_WITHIN_SECONDS = 240


class Scaling(NamedTuple):
    most: int
    fewest_after: int
    measured: Mapping[str, Any]
    disagreements: Sequence[str]


@pytest.fixture(scope="module")
def scaled_shop(shop: Release) -> Iterator[Release]:
    try:
        get(f"/apis/metrics.k8s.io/v1beta1/namespaces/{shop.namespace.name}/pods")
    except Failed as failed:
        pytest.fail(f"The cluster has no resource metrics: install metrics-server. {failed}", pytrace=False)
    shop.upgrade({**BEHIND_PROXY, **SCALED})
    shop.await_pods("api", FEWEST, within=90)
    yield shop
    shop.upgrade(BEHIND_PROXY)
    shop.await_pods("api", 2, within=90)


@pytest.fixture(scope="module")
def scaling(scaled_shop: Release, load_image: str) -> Scaling:
    return on_a_machine_with_time(lambda: _drill(scaled_shop, load_image))


def _drill(scaled_shop: Release, load_image: str) -> Scaling:
    ledger = Ledger(scaled_shop)
    # The same on every machine, since the target is: 1.5 ms of CPU a request suffice.
    test = LoadTest(load_image, scaled_shop.address, rate=80, order_rate=1)
    with running(scaled_shop.namespace, test) as load:
        most = eventually(lambda: _asked(scaled_shop, above=FEWEST), within=OUT_WITHIN_SECONDS, what="a scale out")
        say(f"scaled out to {most}")
        scaled_shop.await_rollout(["api"], within=90)
        measured = load.end()
    after = eventually(lambda: _asked(scaled_shop, below=FEWEST + 1), within=BACK_WITHIN_SECONDS, what="a scale back")
    scaled_shop.await_pods("api", FEWEST, within=90)
    say(f"scaled back to {after}")
    return Scaling(most, after, measured, ledger.disagreements(measured))


def test_the_api_scales_out_and_back(scaling: Scaling) -> None:
    assert FEWEST < scaling.most <= MOST
    assert scaling.fewest_after == FEWEST


def test_no_request_fails(scaling: Scaling) -> None:
    assert scaling.measured["failed"] == []


def test_no_order_is_lost_and_each_paid_one_was_charged_once(scaling: Scaling) -> None:
    assert scaling.disagreements == []


def _asked(shop: Release, *, above: int = 0, below: int = MOST + 1) -> int | None:
    """How many replicas the autoscaler asks for, if that lies between the two."""
    (autoscaler,) = shop.namespace.objects("horizontalpodautoscalers", f"app.kubernetes.io/instance={shop.name}")
    asked = int(autoscaler["status"].get("desiredReplicas", 0))
    return asked if above < asked < below else None
