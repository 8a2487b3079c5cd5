"""A pod starts, serves and ends without a lost request."""

import pytest

from .rendering import PRODUCTION, Chart, Rendering

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


@pytest.mark.parametrize(
    ("component", "paths"),
    [
        ("api", ["/startupz", "/livez", "/readyz"]),
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


def test_probes_name_a_host_that_the_api_allows(demo: Rendering) -> None:
    allowed = demo.environment("shop-binnacle-api")["ALLOWED_HOSTS"].split(",")
    for probe in PROBES:
        (header,) = demo.container("shop-binnacle-api")[probe]["httpGet"]["httpHeaders"]
        assert header["name"] == "Host"
        assert header["value"] in allowed


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


def test_a_ledger_has_one_writer(demo: Rendering) -> None:
    assert demo.get("Deployment", "shop-binnacle-sandbox")["spec"]["strategy"] == {"type": "Recreate"}


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


def test_api_memory_stays_within_its_promise(demo: Rendering) -> None:
    assert demo.container("shop-binnacle-api")["resources"]["limits"]["memory"] == "256Mi"
