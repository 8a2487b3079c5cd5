"""PostgreSQL goes: the API turns not ready but is not killed, the alert is raised, and all ends when it is back."""

import time
from collections.abc import Mapping, Sequence

import pytest

from tests.e2e.cluster import eventually, say
from tests.e2e.load import LoadTest, running
from tests.e2e.prometheus import Labels, Monitoring
from tests.e2e.release import Release, restarts
from tests.e2e.watched import CONFIGURED_WITHIN_SECONDS, await_targets

pytestmark = pytest.mark.timed

# A failing liveness probe kills after six failures in 60 s, and each may take 10 s more.
LIVENESS_SECONDS = 70
# Requests that come before a replica is found not ready wait for a connection, and their 503 comes late.
MAY_PAGE_TOO = {"BinnacleLatencyBudgetBurn"}
PAGE = {"slo": "availability", "severity": "page"}


@pytest.fixture(scope="module")
def healthy(by_services: Release, monitoring: Monitoring) -> Release:
    """Seen so by rules with shorter windows than the chart's."""
    share = f'slo:error:ratio1h{{slo="availability",source="readiness",namespace="{by_services.namespace.name}"}}'
    eventually(
        lambda: [*monitoring.query(share)] == [0],
        within=CONFIGURED_WITHIN_SECONDS,
        what="Prometheus evaluates the rules and finds no bad event",
    )
    return by_services


def test_every_process_is_scraped_by_a_service_monitor_as_well(by_services: Release, monitoring: Monitoring) -> None:
    await_targets(by_services, monitoring, "serviceMonitor")


def test_an_outage_of_the_database_pages_and_ends(healthy: Release, monitoring: Monitoring, load_image: str) -> None:
    release, namespace = healthy, healthy.namespace
    before = _restarts(release)

    def seconds() -> str:
        return f"{time.monotonic() - begin:.0f} s"

    test = LoadTest(load_image, release.address, rate=5, order_rate=1, seconds=400, clients=0)
    with running(namespace, test):
        say("the database goes")
        begin = time.monotonic()
        release.scale("postgresql", 0)
        # They answer for it first, for api.databaseOutageSeconds.
        eventually(lambda: not release.ready_names("api"), within=150, what="no API pod is ready")
        say(f"no API pod is ready: {seconds()}")
        eventually(lambda: _pages(monitoring.firing(namespace.name)), within=120, what="the availability alert fires")
        say(f"the alert fires in Prometheus: {seconds()}")
        eventually(lambda: _pages(monitoring.delivered(namespace.name)), within=60, what="it reaches Alertmanager")
        say(f"it is in Alertmanager: {seconds()}")
        eventually(
            lambda: time.monotonic() - begin > LIVENESS_SECONDS, within=90, what="no liveness probe has ended a pod"
        )
        assert _restarts(release) == before, "the liveness probe must not depend on the database"

        say("the database comes back")
        begin = time.monotonic()
        release.scale("postgresql", 1)
        eventually(lambda: release.ready_names("api") == before.keys(), within=120, what="every API pod is ready")
        say(f"every API pod is ready: {seconds()}")
        eventually(lambda: not _pages(monitoring.firing(namespace.name)), within=180, what="the alert is resolved")
        say(f"the alert is resolved in Prometheus: {seconds()}")
        eventually(lambda: not _pages(monitoring.delivered(namespace.name)), within=120, what="Alertmanager knows")
        say(f"it is resolved in Alertmanager: {seconds()}")

    assert _restarts(release) == before
    fired = monitoring.fired(namespace.name)
    for labels in fired:
        say("fired: " + " ".join(labels.get(name, "") for name in ("alertname", "severity", "window", "source")))
    paged = {labels["alertname"] for labels in fired if labels["severity"] == "page"}
    assert paged - MAY_PAGE_TOO == {"BinnacleAvailabilityBudgetBurn"}
    assert "Succeeded" in release.test()


def _pages(alerts: Sequence[Labels]) -> Sequence[Labels]:
    return [labels for labels in alerts if PAGE.items() <= labels.items()]


def _restarts(release: Release) -> Mapping[str, int]:
    """How often each API pod's container was started again, by the pod's name."""
    return {pod["metadata"]["name"]: restarts(pod) for pod in release.pods("api")}
