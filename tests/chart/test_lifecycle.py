"""A pod starts, serves and ends without a lost request."""

from typing import Any

import pytest

from app.api.edge.allowed_hosts import OPERATIONS

from .rendering import PRODUCTION, Chart, Rendering

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


@pytest.mark.parametrize(
    ("component", "paths"),
    [
        ("api", ["/startupz", "/livez", "/readyz?outage_seconds=60"]),
        ("worker", ["/livez", "/livez", "/readyz"]),
        ("reconciler", ["/livez", "/livez", "/readyz"]),
        ("sandbox", ["/livez", "/livez", "/livez"]),
    ],
)
def test_probes_ask_what_they_mean(demo: Rendering, component: str, paths: list[str]) -> None:
    container = demo.container(f"shop-binnacle-{component}")
    ports = {port["name"] for port in container["ports"]}
    assert [container[probe]["httpGet"]["path"] for probe in PROBES] == paths
    assert {container[probe]["httpGet"]["port"] for probe in PROBES} <= ports


def test_the_kubelet_may_ask_the_api_by_address(demo: Rendering) -> None:
    """By default it sends the pod's address as the host, which the API answers to on these paths alone."""
    asked = {demo.container("shop-binnacle-api")[probe]["httpGet"]["path"] for probe in PROBES}
    assert {path.partition("?")[0] for path in asked} <= OPERATIONS


@pytest.mark.parametrize("store", ["postgresql", "valkey"])
def test_stores_have_the_three_probes(demo: Rendering, store: str) -> None:
    container = demo.container(f"shop-binnacle-{store}")
    assert all(container[probe]["exec"]["command"] for probe in PROBES)


@pytest.mark.parametrize("values", [(), ("api.preStopSeconds=10", "api.terminationGracePeriodSeconds=60")])
def test_each_stage_of_the_end_fits_into_the_next(chart: Chart, values: tuple[str, ...]) -> None:
    rendering = chart.render(*values)
    pod, container = dict(rendering.pods())["shop-binnacle-api"], rendering.container("shop-binnacle-api")
    seconds = {
        key: int(value) for key, value in rendering.environment("shop-binnacle-api").items() if "_SECONDS" in key
    }
    graceful = seconds["GRACEFUL_TIMEOUT_SECONDS"]
    assert seconds["DRAIN_SECONDS"] + seconds["SHUTDOWN_SECONDS"] + 2 < graceful
    pre_stop = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pre_stop + graceful < pod["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("component", ["api", "worker", "reconciler"])
def test_a_rollout_takes_no_replica_away_before_the_next_is_ready(demo: Rendering, component: str) -> None:
    strategy = demo.get("Deployment", f"shop-binnacle-{component}")["spec"]["strategy"]
    assert strategy == {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


AFFINITY = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0]"
OWN_AFFINITY = (f"{AFFINITY}.key=metadata.name", f"{AFFINITY}.operator=In", f"{AFFINITY}.values={{a}}")
SURGE = {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


@pytest.mark.parametrize(
    ("values", "strategy", "beside"),
    [
        ((), SURGE, True),
        (("sandbox.persistence.enabled=false",), SURGE, False),
        (("sandbox.persistence.enabled=false", *OWN_AFFINITY), SURGE, False),
        (OWN_AFFINITY, {"type": "Recreate"}, False),
        (tuple(f"sandbox.{each}" for each in OWN_AFFINITY), {"type": "Recreate"}, False),
    ],
    ids=["volume", "no volume", "no volume, affinity", "affinity", "affinity of its own"],
)
def test_the_sandbox_outlives_an_upgrade_that_can_not_start_where_its_volume_lets_it(
    chart: Chart, values: tuple[str, ...], strategy: dict[str, Any], *, beside: bool
) -> None:
    spec = chart.render(*values).get("Deployment", "shop-binnacle-sandbox")["spec"]
    assert spec["strategy"] == strategy
    affinity = spec["template"]["spec"].get("affinity", {})
    assert ("podAffinity" in affinity) is beside
    if beside:
        (term,) = affinity["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert term["topologyKey"] == "kubernetes.io/hostname"
        assert term["labelSelector"] == spec["selector"], "the first pod must match too, or it would never be scheduled"


@pytest.mark.parametrize(
    ("component", "demo_steps", "production_steps"),
    [
        ("api", [["migrate"], ["seed"]], [["migrate"]]),
        ("worker", [["migrate", "--wait"]], [["migrate", "--wait"]]),
        ("reconciler", [["migrate", "--wait"]], [["migrate", "--wait"]]),
    ],
)
def test_the_schema_comes_first(
    chart: Chart, demo: Rendering, component: str, demo_steps: list[list[str]], production_steps: list[list[str]]
) -> None:
    for rendering, steps in ((demo, demo_steps), (chart.render(*PRODUCTION), production_steps)):
        pod = dict(rendering.pods())[f"shop-binnacle-{component}"]
        assert [step["args"] for step in pod["initContainers"]] == steps
        assert {step["image"] for step in pod["initContainers"]} == {pod["containers"][0]["image"]}


@pytest.mark.parametrize("component", ["api", "worker", "reconciler", "sandbox"])
def test_probes_are_as_patient_as_the_operator_says(chart: Chart, demo: Rendering, component: str) -> None:
    name = f"shop-binnacle-{component}"
    patient = chart.render(
        f"{component}.startupProbe.failureThreshold=200",
        f"{component}.livenessProbe.timeoutSeconds=9",
        f"{component}.readinessProbe.successThreshold=2",
    ).container(name)
    assert patient["startupProbe"]["failureThreshold"] == 200
    assert patient["livenessProbe"]["timeoutSeconds"] == 9
    assert patient["readinessProbe"]["successThreshold"] == 2
    # A start may take a minute, and a restart isn't the answer to one slow probe.
    usual = demo.container(name)
    assert usual["startupProbe"]["periodSeconds"] * usual["startupProbe"]["failureThreshold"] == 60
    assert usual["livenessProbe"]["failureThreshold"] > 1


def test_a_probe_can_be_left_out(chart: Chart) -> None:
    container = chart.render("api.startupProbe=null").container("shop-binnacle-api")
    assert "startupProbe" not in container
    assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http"}


def test_all_wait_for_migrations_that_are_made_apart(chart: Chart) -> None:
    rendering = chart.render(*PRODUCTION, "migrations.enabled=false")
    for component in ("api", "worker", "reconciler"):
        (step,) = dict(rendering.pods())[f"shop-binnacle-{component}"]["initContainers"]
        assert step["args"] == ["migrate", "--wait"]


def test_no_process_is_killed_in_the_middle_by_a_plain_shutdown(demo: Rendering) -> None:
    """After the usual signal PostgreSQL waits for its last client, and is killed; after SIGINT it ends at once."""
    hook = demo.container("shop-binnacle-postgresql")["lifecycle"]["preStop"]["exec"]["command"]
    assert hook == ["sh", "-c", "kill -INT 1"]


def test_an_upgrade_of_the_release_leaves_the_database_running_unless_told(chart: Chart, demo: Rendering) -> None:
    def partition(rendering: Rendering) -> int:
        strategy = rendering.get("StatefulSet", "shop-binnacle-postgresql")["spec"]["updateStrategy"]
        return int(strategy["rollingUpdate"]["partition"])

    replicas = demo.get("StatefulSet", "shop-binnacle-postgresql")["spec"]["replicas"]
    assert partition(demo) >= replicas
    assert partition(chart.render("postgresql.restartOnUpgrade=true")) == 0


@pytest.mark.parametrize("store", ["postgresql", "valkey"])
def test_what_kubernetes_never_lets_change_is_what_the_first_release_had(demo: Rendering, store: str) -> None:
    """An upgrade with another of these is refused by Kubernetes, and its only way out loses the store's pod."""
    name = f"shop-binnacle-{store}"
    spec = demo.get("StatefulSet", name)["spec"]
    labels = {"name": "binnacle", "instance": "shop", "component": store}
    assert spec["selector"]["matchLabels"] == {f"app.kubernetes.io/{key}": value for key, value in labels.items()}
    assert spec["serviceName"] == name
    assert "podManagementPolicy" not in spec
    size = {"postgresql": "2Gi", "valkey": "1Gi"}[store]
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["metadata"] == {"name": "data"}
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}


def test_api_memory_stays_within_its_promise(demo: Rendering) -> None:
    assert demo.container("shop-binnacle-api")["resources"]["limits"]["memory"] == "320Mi"
