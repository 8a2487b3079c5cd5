"""What an operator adds: variables, volumes, containers, objects, labels, places to run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from .rendering import ROOT, Chart, Manifest, Rendering, containers
from .test_pod_security import container_violations

PROCESSES = ("api", "worker", "reconciler")
PODS = (*PROCESSES, "sandbox", "postgresql", "valkey")
NAMED = '{{ include "binnacle.fullname" . }}'


def both(value: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Values that hold for all pods, and others for each component."""
    return {**value, **dict.fromkeys(PODS, own)}


@pytest.fixture(scope="session")
def everything(chart: Chart) -> Rendering:
    return chart.render(files=[ROOT / "helm/binnacle/ci/everything-values.yaml"])


def rendered(chart: Chart, tmp_path: Path, values: Mapping[str, Any]) -> Rendering:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values)))
    return chart.render(files=[file])


@pytest.fixture
def extended(chart: Chart, tmp_path: Path) -> Rendering:
    """One of each for all processes, and one more for each alone."""

    def lists(name: str) -> dict[str, Any]:
        image = {"name": name, "image": f"{name}:1", "args": [f"{NAMED}-api"]}
        return {
            "extraEnv": [{"name": name.upper(), "value": f"{NAMED}-{name}"}],
            "extraEnvFrom": [{"configMapRef": {"name": f"{NAMED}-{name}"}}],
            "extraVolumes": [{"name": name, "emptyDir": {}}],
            "extraVolumeMounts": [{"name": name, "mountPath": f"/{name}"}],
            "initContainers": [{**image, "name": f"{name}-first"}],
            "sidecars": [{**image, "name": f"{name}-beside", "securityContext": {"readOnlyRootFilesystem": False}}],
        }

    return rendered(chart, tmp_path, {**lists("all"), **dict.fromkeys(PROCESSES, lists("one"))})


@pytest.mark.parametrize("component", PROCESSES)
def test_what_is_added_for_all_comes_before_what_is_added_for_one(extended: Rendering, component: str) -> None:
    pod = dict(extended.pods())[f"shop-binnacle-{component}"]
    steps = [each["name"] for each in pod["initContainers"]]
    assert steps[:4] == ["all-beside", "one-beside", "all-first", "one-first"]
    assert [volume["name"] for volume in pod["volumes"]][-2:] == ["all", "one"]
    for container in (pod["initContainers"][4], pod["containers"][0]):
        assert [(each["name"], each["value"]) for each in container["env"][-2:]] == [
            ("ALL", "shop-binnacle-all"),
            ("ONE", "shop-binnacle-one"),
        ]
        names = [each["configMapRef"]["name"] for each in container["envFrom"]]
        assert names == ["shop-binnacle-all", "shop-binnacle-one"]
        assert [each["mountPath"] for each in container["volumeMounts"]][-2:] == ["/all", "/one"]


@pytest.mark.parametrize("component", PROCESSES)
def test_a_sidecar_starts_first_ends_last_and_is_as_restricted_as_ours(extended: Rendering, component: str) -> None:
    added = dict(extended.pods())[f"shop-binnacle-{component}"]["initContainers"][:4]
    assert [each.get("restartPolicy") for each in added] == ["Always", "Always", None, None]
    for each in added:
        assert each["args"] == ["shop-binnacle-api"]
        assert set(container_violations(each)) <= {"readOnlyRootFilesystem", "nowhere to write"}
    # Said on purpose, it is left as it is.
    assert [each["securityContext"]["readOnlyRootFilesystem"] for each in added] == [False, False, True, True]


def test_objects_are_added_as_maps_and_as_text(chart: Chart, tmp_path: Path) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {NAMED}-text\n"
    mapping = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{NAMED}-map"}}
    names = rendered(chart, tmp_path, {"extraObjects": [text, mapping]}).names("ConfigMap")
    assert {"shop-binnacle-text", "shop-binnacle-map"} <= names


def affinity(name: str) -> dict[str, Any]:
    terms = [{"matchExpressions": [{"key": name, "operator": "Exists"}]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def places(name: str) -> dict[str, Any]:
    return {
        "podLabels": {name: "label", "which": name},
        "podAnnotations": {name: "annotation", "which": name},
        "nodeSelector": {name: "node", "which": name},
        "tolerations": [{"key": name, "operator": "Exists"}],
        "affinity": affinity(name),
        "priorityClassName": name,
    }


@pytest.mark.parametrize("component", PODS)
def test_what_holds_for_all_pods_is_merged_with_what_holds_for_one(
    chart: Chart, tmp_path: Path, component: str
) -> None:
    rendering = rendered(chart, tmp_path, both(places("all"), places("one")))
    pod = dict(rendering.pods())[f"shop-binnacle-{component}"]
    assert pod["nodeSelector"] == {"all": "node", "one": "node", "which": "one"}
    assert [each["key"] for each in pod["tolerations"]] == ["all", "one"]
    assert pod["affinity"] == affinity("one")
    assert pod["priorityClassName"] == "one"
    metadata = template(rendering, component)["metadata"]
    assert {"all": "label", "one": "label", "which": "one"}.items() <= metadata["labels"].items()
    assert {"all": "annotation", "one": "annotation", "which": "one"}.items() <= metadata["annotations"].items()


def template(rendering: Rendering, component: str) -> Manifest:
    for each in rendering.objects:
        if each["kind"] in {"Deployment", "StatefulSet"} and each["metadata"]["name"] == f"shop-binnacle-{component}":
            found: Manifest = each["spec"]["template"]
            return found
    raise LookupError(component)


def test_every_pod_is_placed_by_what_holds_for_all(everything: Rendering) -> None:
    for name, pod in everything.pods():
        assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}, name
        assert pod["priorityClassName"] == "shop", name
        assert [each["key"] for each in pod["tolerations"]] == ["example.com/shop"], name
        assert {"name": "mirror"} in pod["imagePullSecrets"], name


def test_every_object_has_the_common_labels_annotations_and_namespace(everything: Rendering) -> None:
    added = {"ConfigMap"}  # the operator's own, from extraObjects
    for each in everything.objects:
        metadata = each["metadata"]
        if each["kind"] in added and metadata["name"].endswith("-more"):
            continue
        where = (each["kind"], metadata["name"])
        assert metadata["labels"]["example.com/team"] == "shop", where
        assert metadata["annotations"]["example.com/contact"] == "shop", where
        assert metadata["namespace"] in {"harbour", "monitoring"}, where


def test_labels_of_the_operator_never_break_a_selector(chart: Chart) -> None:
    label = "app\\.kubernetes\\.io/component"
    rendering = chart.render(f"commonLabels.{label}=mine", f"podLabels.{label}=mine", f"api.podLabels.{label}=mine")
    for each in rendering.objects:
        if "template" in each.get("spec", {}):
            labels = each["spec"]["template"]["metadata"]["labels"]
            assert each["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_small_words_arrive(chart: Chart) -> None:
    rendering = chart.render(
        "image.pullPolicy=Always",
        "postgresql.image.pullPolicy=Never",
        "revisionHistoryLimit=2",
        "clusterDomain=harbour.example",
        "imagePullSecrets[0].name=own",
        "global.imagePullSecrets[0].name=shared",
        "serviceAccount.create=false",
        "serviceAccount.name=sailor",
    )
    assert rendering.names("ServiceAccount") == set()
    pods = dict(rendering.pods())
    for pod in pods.values():
        assert pod["imagePullSecrets"] == [{"name": "shared"}, {"name": "own"}]
        assert pod["serviceAccountName"] == "sailor"
    assert {each["imagePullPolicy"] for each in containers(pods["shop-binnacle-api"])} == {"Always"}
    assert rendering.container("shop-binnacle-postgresql")["imagePullPolicy"] == "Never"
    assert rendering.get("Deployment", "shop-binnacle-worker")["spec"]["revisionHistoryLimit"] == 2
    assert ".svc.harbour.example" in rendering.environment("shop-binnacle-api")["ALLOWED_HOSTS"]


def test_names_can_be_replaced(chart: Chart) -> None:
    assert "shop-quay-api" in chart.render("nameOverride=quay").names("Deployment")
    assert "pier-api" in chart.render("fullnameOverride=pier").names("Deployment")


def test_what_is_said_of_pods_is_not_rendered_as_a_template(chart: Chart, tmp_path: Path) -> None:
    """Agents read templates of their own from annotations."""
    words = '{{ with secret "database" }}'
    rendering = rendered(chart, tmp_path, {"podAnnotations": {"inject": words}})
    assert template(rendering, "api")["metadata"]["annotations"]["inject"] == words


def test_every_container_of_ours_has_the_same_settings(demo: Rendering) -> None:
    for component in PROCESSES:
        pod = dict(demo.pods())[f"shop-binnacle-{component}"]
        assert len({str(each["env"]) for each in containers(pod)}) == 1
