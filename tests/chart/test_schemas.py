"""Everything the chart and k8s/ make is what Kubernetes and the operators' definitions know, in each version."""

import copy
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from .kustomize import OVERLAYS, overlay
from .rendering import PRODUCTION, ROOT, Chart, Rendering
from .schemas import VERSIONS, CustomResources, Kubernetes, custom_resources, is_custom

SHAPES = sorted((ROOT / "helm/binnacle/ci").glob("*-values.yaml"))
# What no shape of ci/ shows.
SWITCHES: Mapping[str, tuple[str, ...]] = {
    "no account": ("serviceAccount.create=false", "serviceAccount.name=shared"),
    "node port": ("api.service.type=NodePort", "api.service.externalTrafficPolicy=Cluster"),
    "no names": ("networkPolicy.prometheus=null",),
    "migrations apart": ("migrations.enabled=false",),
    "one of each": ("api.replicas=1", "worker.replicas=0", "reconciler.replicas=2"),
    "no cluster's user": (
        "podSecurityContext.runAsUser=null",
        "podSecurityContext.runAsGroup=null",
        "podSecurityContext.fsGroup=null",
    ),
    "percent": ("api.maxSurge=50%", "api.podDisruptionBudget.maxUnavailable=50%"),
    "production with one key made": (*PRODUCTION, "secretKey.existingSecret=", "generateSecrets=always"),
}


@cache
def kubernetes(version: str) -> Kubernetes:
    return Kubernetes(version)


@pytest.fixture(scope="session")
def customs() -> CustomResources:
    return custom_resources()


@pytest.fixture(scope="session")
def everything(chart: Chart) -> Rendering:
    return chart.render(files=[ROOT / "helm/binnacle/ci/everything-values.yaml"])


@cache
def faults(text: str, customs: CustomResources) -> frozenset[str]:
    """What any version, or any definition, would refuse of a manifest as JSON; most renderings share most of theirs."""
    manifest = json.loads(text)
    if is_custom(manifest):
        return frozenset(customs.faults(manifest))
    return frozenset(f"{version}: {each}" for version in VERSIONS for each in kubernetes(version).faults(manifest))


def all_faults(rendering: Rendering, customs: CustomResources) -> set[str]:
    return {fault for each in rendering.objects for fault in faults(json.dumps(each), customs)}


@pytest.mark.parametrize("shape", SHAPES, ids=[path.name for path in SHAPES])
def test_every_shape_is_known_to_every_version(chart: Chart, customs: CustomResources, shape: Any) -> None:
    rendering = chart.render(files=[shape])
    assert len(rendering.objects) > 5
    assert all_faults(rendering, customs) == set()


@pytest.mark.parametrize("values", SWITCHES.values(), ids=SWITCHES)
def test_every_switch_is_known_to_every_version(
    chart: Chart, customs: CustomResources, values: tuple[str, ...]
) -> None:
    assert all_faults(chart.render(*values), customs) == set()


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_overlay_is_known_to_every_version(customs: CustomResources, name: str) -> None:
    assert all_faults(overlay(name), customs) == set()


@pytest.mark.parametrize("shape", SHAPES, ids=[path.name for path in SHAPES])
def test_every_shape_is_linted(chart: Chart, shape: Any) -> None:
    done = chart.helm("lint", "--strict", str(chart.folder), f"--values={shape}")
    assert done.returncode == 0, done.stdout


def test_every_template_is_rendered_by_a_shape(chart: Chart) -> None:
    rendered = "".join(chart.template(files=[shape]).stdout for shape in SHAPES)
    templates = {
        str(path.relative_to(chart.folder)) for path in (chart.folder / "templates").rglob("*.yaml") if path.is_file()
    }
    # The checks render nothing but refusals; GKE publishes no definition of its policy (see test_load_balancers.py).
    without = {"templates/checks/checks.yaml", "templates/api/healthcheckpolicy.yaml"}
    assert {each for each in templates if f"# Source: binnacle/{each}\n" not in rendered} == without


@pytest.mark.parametrize("shape", SHAPES, ids=lambda path: path.name)
def test_the_same_values_make_the_same_bytes_but_for_generated_secrets(chart: Chart, shape: Path) -> None:
    first, second = (chart.helm("template", "shop", str(chart.folder), f"--values={shape}").stdout for _ in range(2))
    generated = "kind: Secret\n" in first
    assert generated == (first != second)
    kept = [re.sub(r'(?m)^( +checksum/secret: \w+| {2}\w+: "[A-Za-z0-9+/=]+")$', "", text) for text in (first, second)]
    assert kept[0] == kept[1]
    assert len(kept[0].splitlines()) > 100


def test_what_kubernetes_does_not_know_is_refused(demo: Rendering) -> None:
    broken = copy.deepcopy(dict(demo.get("Deployment", "shop-binnacle-api")))
    broken["spec"]["template"]["spec"]["containers"][0]["lifecycle"]["preStop"] = {"slep": {"seconds": 5}}
    for version in VERSIONS:
        (fault,) = kubernetes(version).faults(broken)
        assert "slep" in fault


CUSTOM = [
    ("PodMonitor", "podMetricsEndpoints", [{"prt": "admin"}], "prt"),
    ("PrometheusRule", "groups", [{"name": "a", "rules": [{"alert": "A"}]}], "expr"),
    ("HTTPRoute", "rules", [{"timeouts": {"request": "soon"}}], "soon"),
]


@pytest.mark.parametrize(("kind", "field", "value", "named"), CUSTOM, ids=[kind for kind, *_ in CUSTOM])
def test_what_a_definition_does_not_know_is_refused(
    everything: Rendering, customs: CustomResources, kind: str, field: str, value: object, named: str
) -> None:
    (manifest,) = [each for each in everything.objects if each["kind"] == kind]
    broken = json.loads(json.dumps(manifest))
    broken["spec"][field] = value
    assert any(named in fault for fault in customs.faults(broken))


@pytest.mark.parametrize("version", ["1.30.0", "v1.37.2-eks-1"])
def test_the_chart_installs_on_the_versions_that_it_promises(chart: Chart, version: str) -> None:
    done = chart.helm("template", "shop", str(chart.folder), f"--kube-version={version}")
    assert done.returncode == 0, done.stderr


def test_an_older_version_is_refused_by_its_name(chart: Chart) -> None:
    done = chart.helm("template", "shop", str(chart.folder), "--kube-version=1.29.15")
    assert "chart requires kubeVersion: >=1.30.0-0 which is incompatible with Kubernetes v1.29.15" in done.stderr
