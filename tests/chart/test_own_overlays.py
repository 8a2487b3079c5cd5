"""Overlays of an operator: what they rename is renamed everywhere, and what can't go together is refused."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .kustomize import build, kustomize, own_overlay, with_components
from .rendering import Manifest, Rendering, containers

PREFIX, SUFFIX = "blue-", "-2"


def renamed(resource: str, scratch: Path, **keys: object) -> Rendering:
    return build(own_overlay(scratch, resources=[resource], namePrefix=PREFIX, nameSuffix=SUFFIX, **keys))


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document, with the key that it stands under."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from texts(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each, key)
    elif isinstance(value, str):
        yield key, value


def references(objects: Rendering) -> set[str]:
    """Names of Services that pods and routes speak of."""
    found: set[str] = set()
    for name, pod in objects.pods():
        for container in containers(pod):
            environment = objects.environment(name, container["name"])
            found |= {host.partition(".")[0] for host in environment.get("ALLOWED_HOSTS", "").split(",")[:4]}
            found |= set(re.findall(r"^http://([^:.]+):8001$", environment.get("PROVIDER_URL", "")))
    routes = [each["spec"]["rules"] for each in objects.objects if each["kind"] == "HTTPRoute"]
    found |= {backend["name"] for rules in routes for rule in rules for backend in rule["backendRefs"]}
    return found - {""}


@pytest.mark.parametrize("name", ["dev", "staging", "production"])
def test_a_prefix_and_a_suffix_reach_variables_too(name: str, tmp_path: Path) -> None:
    objects = renamed(f"../overlays/{name}", tmp_path)
    services = objects.names("Service")
    assert all(each.startswith(f"{PREFIX}binnacle-") and each.endswith(SUFFIX) for each in services)
    assert references(objects) == {each for each in services if each.endswith((f"-api{SUFFIX}", f"-sandbox{SUFFIX}"))}
    for workload, pod in objects.pods():
        for container in containers(pod):
            telemetry = objects.environment(workload, container["name"]).get("OTEL_SERVICE_NAME", workload)
            assert telemetry == workload


def test_a_prefix_reaches_the_backends_of_a_route(tmp_path: Path) -> None:
    folder = own_overlay(
        tmp_path, resources=["../base"], components=["../components/gateway"], namePrefix=PREFIX, nameSuffix=SUFFIX
    )
    assert references(build(folder)) == {f"{PREFIX}binnacle-api{SUFFIX}"}


def test_the_rules_are_for_the_namespace_of_the_overlay(tmp_path: Path) -> None:
    keys = {"components": ["../components/alerts"], "transformers": ["../components/alerts/namespace"]}
    before = with_components(["alerts"], tmp_path).get("PrometheusRule", "binnacle")["spec"]
    after = build(own_overlay(tmp_path / "moved", resources=["../base"], namespace="shops-eu", **keys))
    moved = after.get("PrometheusRule", "binnacle")["spec"]
    assert str(before).count('namespace="binnacle"') > 150
    assert str(moved) == str(before).replace('namespace="binnacle"', 'namespace="shops-eu"')


def test_production_in_another_namespace_leaves_none_behind(tmp_path: Path) -> None:
    transformers = ["../components/alerts/namespace"]
    folder = own_overlay(
        tmp_path, resources=["../overlays/production"], namespace="shops-eu", transformers=transformers
    )
    objects = build(folder)
    assert {each["metadata"].get("namespace", "shops-eu") for each in objects.objects} == {"shops-eu"}
    assert 'namespace="binnacle"' not in str(objects.objects)


PAIRS = [("gateway", "ingress"), ("bundled", "network-policies")]


@pytest.mark.parametrize("pair", [*PAIRS, *((other, one) for one, other in PAIRS)], ids="+".join)
def test_components_that_exclude_each_other_are_refused_by_the_build(pair: tuple[str, str], tmp_path: Path) -> None:
    done = kustomize(
        own_overlay(tmp_path, resources=["../base"], components=[f"../components/{name}" for name in pair])
    )
    assert done.returncode != 0
    one, other = sorted(pair)
    assert f"components-{one}-and-{other}-exclude-each-other-name-only-one-of-them" in done.stderr


@pytest.mark.parametrize("name", ["gateway", "ingress", "bundled", "network-policies"])
def test_an_exclusion_is_never_applied(name: str, tmp_path: Path) -> None:
    assert with_components([name], tmp_path).names("Exclusion") == set()


@pytest.mark.parametrize("components", [("gateway", "network-policies"), ("network-policies", "gateway")], ids="+".join)
def test_the_policies_admit_the_gateway(components: tuple[str, str], tmp_path: Path) -> None:
    objects = with_components(components, tmp_path)
    (parent,) = objects.get("HTTPRoute", "binnacle")["spec"]["parentRefs"]
    assert parent["namespace"] in admitted(objects.get("NetworkPolicy", "binnacle-api"))


def admitted(policy: Manifest) -> set[str]:
    """Namespaces whose pods may reach port 8000."""
    rules = [rule for rule in policy["spec"]["ingress"] if {"protocol": "TCP", "port": 8000} in rule["ports"]]
    return {value for rule in rules for key, value in texts(rule["from"]) if key == "kubernetes.io/metadata.name"}
