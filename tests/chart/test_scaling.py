"""Replicas: who sets them, who may take them away, how they spread, and what the database bears."""

import re

import pytest

from .rendering import PRODUCTION, Chart, Manifest, Rendering

SCALED = ("api.autoscaling.enabled=true", "worker.autoscaling.enabled=true", "database.poolSize=8")


def metrics(scaler: Manifest) -> list[str]:
    return [each["type"] for each in scaler["spec"]["metrics"]]


@pytest.mark.parametrize("component", ["api", "worker"])
def test_an_autoscaler_alone_sets_the_replicas(chart: Chart, demo: Rendering, component: str) -> None:
    name = f"shop-binnacle-{component}"
    assert "replicas" in demo.get("Deployment", name)["spec"]
    assert demo.names("HorizontalPodAutoscaler") == set()
    scaled = chart.render(*SCALED)
    assert "replicas" not in scaled.get("Deployment", name)["spec"]
    spec = scaled.get("HorizontalPodAutoscaler", name)["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    assert 1 <= spec["minReplicas"] < spec["maxReplicas"]
    assert spec["behavior"].keys() == {"scaleUp", "scaleDown"}
    cpu = {"type": "AverageValue", "averageValue": "300m"}
    assert spec["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": cpu}}]


def test_replicas_may_follow_what_prometheus_sees(chart: Chart) -> None:
    scaled = chart.render(
        *SCALED,
        "api.autoscaling.targetRequestsInProgress=20",
        "api.autoscaling.metrics[0].type=External",
        "worker.autoscaling.targetQueueAgeSeconds=30",
        "worker.autoscaling.targetCPU=",
    )
    api = scaled.get("HorizontalPodAutoscaler", "shop-binnacle-api")
    assert metrics(api) == ["Resource", "Pods", "External"]
    pods = api["spec"]["metrics"][1]["pods"]
    assert (pods["metric"]["name"], pods["target"]["averageValue"]) == ("http_requests_in_progress", "20")
    (age,) = scaled.get("HorizontalPodAutoscaler", "shop-binnacle-worker")["spec"]["metrics"]
    assert age["external"]["metric"]["name"] == "outbox_oldest_message_age_seconds"
    assert age["external"]["metric"]["selector"]["matchLabels"] == {
        "job": "binnacle",
        "namespace": "harbour",
        "release": "shop",
    }


@pytest.mark.parametrize("component", ["api", "worker"])
def test_an_eviction_takes_one_pod_and_a_broken_one_always(chart: Chart, demo: Rendering, component: str) -> None:
    name = f"shop-binnacle-{component}"
    spec = demo.get("PodDisruptionBudget", name)["spec"]
    assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    assert spec["selector"] == demo.get("Deployment", name)["spec"]["selector"]
    replicas, budget = f"{component}.replicas=3", f"{component}.podDisruptionBudget"
    kept = chart.render(replicas, f"{budget}.minAvailable=2").get("PodDisruptionBudget", name)["spec"]
    assert kept["minAvailable"] == 2
    assert "maxUnavailable" not in kept
    assert name not in chart.render(replicas, f"{budget}.enabled=false").names("PodDisruptionBudget")


@pytest.mark.parametrize("component", ["api", "worker", "reconciler"])
def test_replicas_of_one_version_spread_where_they_can(chart: Chart, demo: Rendering, component: str) -> None:
    deployment = demo.get("Deployment", f"shop-binnacle-{component}")
    spread = dict(demo.pods())[f"shop-binnacle-{component}"]["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    for each in spread:
        assert each["whenUnsatisfiable"] == "ScheduleAnyway"
        assert each["labelSelector"] == deployment["spec"]["selector"]
        assert each["matchLabelKeys"] == ["pod-template-hash"]
    constraint = f"{component}.topologySpreadConstraints[0]"
    own = chart.render(
        f"{constraint}.topologyKey=rack",
        f"{constraint}.maxSkew=2",
        f"{constraint}.whenUnsatisfiable=DoNotSchedule",
        f"{constraint}.labelSelector.matchLabels.tier=all",
    )
    (only,) = dict(own.pods())[f"shop-binnacle-{component}"]["topologySpreadConstraints"]
    assert only == {
        "topologyKey": "rack",
        "maxSkew": 2,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"tier": "all"}},
    }


@pytest.mark.parametrize(
    ("values", "needed"),
    [
        (("api.replicas=20",), (21 + 2) * 10 + 8 * 3 + 3),
        (("api.webConcurrency=4", "api.replicas=3"), (4 * 4 + 2) * 10 + 8 * 3 + 3),
        (("api.replicas=10", "api.maxSurge=25%"), (13 + 2) * 10 + 8 * 3 + 3),
        (("worker.concurrency=20",), (3 + 2) * 10 + 2 * 20 * 3 + 3),
        (("worker.replicas=0", "reconciler.replicas=14"), (3 + 15) * 10 + 3),
        (("api.autoscaling.enabled=true", "api.autoscaling.maxReplicas=11"), (12 + 2) * 10 + 8 * 3 + 3),
        (("worker.database.poolSize=11",), (3 + 2) * 10 + 8 * 13 + 3),
        (("database.poolSize=26",), (3 + 2) * 26 + 8 * 3 + 3),
    ],
)
def test_the_pools_of_a_rollout_fit_the_bundled_database(chart: Chart, values: tuple[str, ...], needed: int) -> None:
    assert f"postgresql.maxConnections (150) must be {needed} or more" in chart.refusal(*values)
    chart.render(*values, f"postgresql.maxConnections={needed}")


def test_the_pools_fit_a_database_whose_connections_are_known(chart: Chart) -> None:
    chart.render(*PRODUCTION, "api.replicas=50")
    chart.render(*PRODUCTION, "database.maxConnections=74")
    refused = chart.refusal(*PRODUCTION, "database.maxConnections=73")
    assert re.search(r"database\.maxConnections \(73\) must be 74 or more.* \(api 3 x api\.webConcurrency 1, ", refused)
