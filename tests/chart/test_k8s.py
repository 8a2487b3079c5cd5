"""k8s/ says what the chart says; its overlays differ for a reason, and the kind cluster gets one of them."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from .kustomize import COMPONENTS, K8S, OVERLAYS, overlay, with_components
from .rendering import ROOT, Chart, Rendering
from .test_pod_security import violations

HELM_LABELS = {"app.kubernetes.io/managed-by", "helm.sh/chart"}
VARIABLE = {"name", "value", "valueFrom"}
# Without alerts: they are a part of the chart's monitoring, and their values leave the other part out.
TOGETHER = ["autoscaling", "ingress", "monitoring", "network-policies"]


def plain(rendering: Rendering) -> dict[tuple[str, str], Any]:
    """Objects by kind and name, without what is true of Helm alone; a variable's place in its list says nothing."""

    def settled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: settled(each) for key, each in value.items() if key not in HELM_LABELS}
        if isinstance(value, list):
            entries = [settled(each) for each in value]
            is_variables = all(isinstance(each, dict) and each.keys() <= VARIABLE for each in entries)
            return sorted(entries, key=str) if is_variables else entries
        return value

    return {(each["kind"], each["metadata"]["name"]): settled(each) for each in rendering.objects}


def rendered(chart: Chart, components: Sequence[str]) -> Rendering:
    values = [f"--values={K8S}/values/{name}.yaml" for name in ("base", *components)]
    done = chart.helm("template", "binnacle", str(chart.folder), "--namespace=binnacle", *values)
    assert done.returncode == 0, done.stderr
    return Rendering([document for document in yaml.safe_load_all(done.stdout) if document])


@pytest.mark.parametrize("components", [[], *([name] for name in COMPONENTS), TOGETHER], ids="+".join)
def test_base_and_components_make_what_the_chart_makes(chart: Chart, components: list[str], tmp_path: Path) -> None:
    assert plain(with_components(components, tmp_path)) == plain(rendered(chart, components))


def test_every_component_has_its_values(chart: Chart) -> None:
    assert chart.folder.is_dir()
    assert {path.stem for path in (K8S / "values").iterdir()} == {"base", *COMPONENTS}
    used = {
        Path(path).name
        for name in OVERLAYS
        for path in yaml.safe_load((K8S / f"overlays/{name}/kustomization.yaml").read_text())["components"]
    }
    # The other way in.
    assert set(COMPONENTS) - used == {"gateway"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_is_one_namespace_that_enforces_the_restricted_profile(name: str) -> None:
    objects = overlay(name).objects
    (namespace,) = [each for each in objects if each["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = [each for each in objects if each["kind"] != "Namespace"]
    assert {each["metadata"]["namespace"] for each in others} == {namespace["metadata"]["name"]}


def replicas(rendering: Rendering) -> dict[str, int | None]:
    deployments = [each for each in rendering.objects if each["kind"] == "Deployment"]
    return {each["metadata"]["name"].removeprefix("binnacle-"): each["spec"].get("replicas") for each in deployments}


def test_dev_is_a_whole_shop_of_one_replica_each() -> None:
    dev = overlay("dev")
    assert replicas(dev) == {"api": 1, "worker": 1, "reconciler": 1, "sandbox": 1}
    assert dev.names("StatefulSet") == {"binnacle-postgresql", "binnacle-valkey"}
    assert dev.names("PodDisruptionBudget") == set()
    (secret,) = dev.names("Secret")
    volumes = [volume for _, pod in dev.pods() for volume in pod["volumes"]]
    sources = [source["secret"]["name"] for each in volumes for source in each.get("projected", {}).get("sources", [])]
    names = {*sources, *(each["secret"]["secretName"] for each in volumes if "secret" in each)}
    assert names == {secret}
    environment = dev.environment("binnacle-api")
    assert (environment["ENVIRONMENT"], environment["LOG_LEVEL"]) == ("demo", "debug")


def test_the_passwords_of_dev_are_those_in_its_urls() -> None:
    kustomization = yaml.safe_load((K8S / "overlays/dev/kustomization.yaml").read_text())
    values = dict(each.split("=", 1) for each in kustomization["secretGenerator"][0]["literals"])
    assert f":{values['postgres_password']}@binnacle-postgresql:5432" in values["database_url"]
    assert f":{values['valkey_password']}@binnacle-valkey:6379" in values["redis_url"]
    assert len(values["secret_key"]) >= 32


@pytest.mark.parametrize(
    ("name", "host", "provider"),
    [
        ("staging", "staging.shop.example.com", "https://test.payments.example.com"),
        ("production", "shop.example.com", "https://payments.example.com"),
    ],
)
def test_staging_and_production_have_hosts_and_providers_of_their_own(name: str, host: str, provider: str) -> None:
    rendering = overlay(name)
    spec = rendering.get("Ingress", "binnacle")["spec"]
    assert [rule["host"] for rule in spec["rules"]] == [each for tls in spec["tls"] for each in tls["hosts"]] == [host]
    for component in ("api", "worker", "reconciler"):
        environment = rendering.environment(f"binnacle-{component}")
        assert environment["ALLOWED_HOSTS"].split(",")[3:] == ["binnacle-api.$(POD_NAMESPACE).svc.cluster.local", host]
        assert environment["PROVIDER_URL"] == provider
        assert environment["ENVIRONMENT"] == "production"
    assert rendering.names("NetworkPolicy") == {f"binnacle-{each}" for each in ("api", "worker", "reconciler")}
    assert rendering.names("PodMonitor") == {"binnacle"}
    assert rendering.names("Secret") | rendering.names("StatefulSet") == set()


def test_staging_traces_everything_and_wakes_nobody() -> None:
    staging = overlay("staging")
    assert staging.environment("binnacle-worker")["TRACES_SAMPLE_RATIO"] == "1"
    assert staging.names("PrometheusRule") == set()
    assert replicas(staging) == {"api": 2, "worker": 1, "reconciler": 1}


def test_production_scales_and_leaves_the_replicas_to_the_autoscaler() -> None:
    production = overlay("production")
    assert replicas(production) == {"api": None, "worker": None, "reconciler": 1}
    scaled = production.get("HorizontalPodAutoscaler", "binnacle-api")["spec"]
    assert (scaled["minReplicas"], scaled["maxReplicas"]) == (3, 10)
    spread = dict(production.pods())["binnacle-api"]["topologySpreadConstraints"][0]
    assert (spread["topologyKey"], spread["whenUnsatisfiable"]) == ("topology.kubernetes.io/zone", "DoNotSchedule")


def test_the_alerts_are_of_productions_namespace_alone() -> None:
    production = overlay("production")
    (namespace,) = production.names("Namespace")
    rules = production.get("PrometheusRule", "binnacle")["spec"]["groups"]
    expressions = [rule["expr"] for group in rules for rule in group["rules"]]
    asked = [each for each in expressions if 'job="binnacle"' in each]
    assert asked
    assert all(each.count('job="binnacle"') == each.count(f'job="binnacle",namespace="{namespace}"') for each in asked)


def test_the_script_for_kind_waits_for_everything_that_the_overlay_brings() -> None:
    script = (K8S / "kind/up.sh").read_text()
    subprocess.run(["sh", "-n", K8S / "kind/up.sh"], check=True)
    dev = overlay("dev")
    workloads = {f"deployment/{name}" for name in dev.names("Deployment")}
    workloads |= {f"statefulset/{name}" for name in dev.names("StatefulSet")}
    assert {each for each in workloads if each not in script} == set()
    (namespace,) = dev.names("Namespace")
    assert f"namespace={namespace}\n" in script


def test_the_script_for_kind_names_the_program_that_is_missing(tmp_path: Path) -> None:
    for program in ("cd", "dirname"):
        (tmp_path / program).symlink_to(f"/usr/bin/{program}")
    done = subprocess.run(
        ["/bin/sh", K8S / "kind/up.sh"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "docker is not on PATH: install it\n"


def test_kind_runs_here_what_it_runs_in_the_pipeline() -> None:
    config = yaml.safe_load((K8S / "kind/cluster.yaml").read_text())
    (image,) = {node["image"] for node in config["nodes"]}
    assert f"node_image: {image}\n" in (ROOT / ".github/workflows/ci.yml").read_text()


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_pod_of_an_overlay_is_restricted(name: str) -> None:
    pods = list(overlay(name).pods())
    assert len(pods) >= 3
    assert {pod: found for pod, spec in pods if (found := list(violations(spec)))} == {}
