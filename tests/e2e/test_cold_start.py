"""From a pod's birth to its first request, the image being present. Five pods of the API, one after the other."""

from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import NamedTuple

import pytest

from tests.e2e.cluster import Manifest, eventually, say
from tests.e2e.release import Release, ready, unix_time

pytestmark = pytest.mark.timed

STARTS = 5
# Of medians. The cluster's timestamps are whole seconds: each difference may be wrong by one either way.
STARTED_TO_READY_SECONDS = 5
SCHEDULED_TO_READY_SECONDS = 10


class Start(NamedTuple):
    """Seconds until Ready, from the start of the container and from when the pod was scheduled."""

    from_container: float
    from_scheduling: float


@pytest.fixture(scope="module")
def starts(shop: Release) -> Sequence[Start]:
    found = []
    for _ in range(STARTS):
        before = shop.names("api")
        shop.scale("api", len(before) + 1)
        pod = eventually(partial(_new, shop, before), within=60, what="another API pod is ready")
        found.append(_measure(pod))
    say("; ".join(f"{each.from_container:.0f} s of {each.from_scheduling:.0f} s" for each in found))
    shop.scale("api", 2)
    shop.await_pods("api", 2, within=120)
    return found


def test_a_container_is_ready_soon_after_it_starts(starts: Sequence[Start]) -> None:
    assert median(each.from_container for each in starts) <= STARTED_TO_READY_SECONDS


def test_a_pod_is_ready_soon_after_it_is_scheduled(starts: Sequence[Start]) -> None:
    assert median(each.from_scheduling for each in starts) <= SCHEDULED_TO_READY_SECONDS


def _new(shop: Release, before: frozenset[str]) -> Manifest | None:
    return next((pod for pod in shop.pods("api") if pod["metadata"]["name"] not in before and ready(pod)), None)


def _measure(pod: Manifest) -> Start:
    since = {each["type"]: unix_time(each["lastTransitionTime"]) for each in pod["status"]["conditions"]}
    (container,) = [each for each in pod["status"]["containerStatuses"] if each["name"] == "api"]
    started = unix_time(container["state"]["running"]["startedAt"])
    return Start(since["Ready"] - started, since["Ready"] - since["PodScheduled"])
