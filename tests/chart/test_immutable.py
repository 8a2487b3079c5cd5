"""What Kubernetes never changes in a release that runs is refused before anything is applied."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml

from .cluster import Cluster
from .rendering import Chart, Manifest, Rendering

NAMESPACE = "harbour"
OWNED = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": NAMESPACE}
CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
Upgrade = Callable[..., CompletedProcess[str]]


def running(rendering: Rendering) -> list[Any]:
    """A release as the cluster holds it: its namespace and the cluster's defaults are filled in."""
    objects: list[Any] = [deepcopy(dict(each)) for each in rendering.objects]
    for each in objects:
        applied = {"operation": "Apply", "fieldsV1": {"f:spec": {f"f:{field}": {} for field in each.get("spec", {})}}}
        each["metadata"] |= {"namespace": NAMESPACE, "annotations": OWNED, "managedFields": [applied]}
        if each["kind"] == "PersistentVolumeClaim":
            each["spec"].setdefault("storageClassName", "standard")
        if each["kind"] == "StatefulSet":
            objects.extend(_claims(each))
    return objects


def _claims(found: Manifest) -> list[Manifest]:
    name, spec = found["metadata"]["name"], found["spec"]
    return [
        {
            **CLAIM,
            "metadata": {"name": f"data-{name}-0", "namespace": NAMESPACE},
            "spec": {"storageClassName": "standard"} | each["spec"],
        }
        for each in spec.get("volumeClaimTemplates", [])
    ]


@pytest.fixture
def upgrade(chart: Chart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upgrade:
    """`helm template --dry-run=server`, which looks up what a cluster holds; a release by default, else `objects`."""

    def run(
        *values: str, before: Sequence[str] = (), objects: Sequence[Manifest] | None = None
    ) -> CompletedProcess[str]:
        release = running(chart.render(*before))
        with Cluster(release if objects is None else objects, release).serve(tmp_path) as config:
            monkeypatch.setenv("KUBECONFIG", str(config))
            options = [f"--set={value}" for value in values]
            helm = ("template", "shop", str(chart.folder), f"--namespace={NAMESPACE}", "--dry-run=server")
            return chart.helm(*helm, "--disable-openapi-validation", *options)

    return run


DEFAULT = "sandbox.enabled=true"
REFUSED = [
    ((), "postgresql.persistence.size=4Gi", "postgresql.persistence.size can't grow from 2Gi to 4Gi"),
    ((), "valkey.persistence.size=2Gi", "valkey.persistence.size can't grow from 1Gi to 2Gi"),
    ((), "postgresql.persistence.size=1900Mi", "postgresql.persistence.size (1900Mi) must be 2Gi or more"),
    ((), "valkey.persistence.size=1G", "valkey.persistence.size (1G) must be 1Gi or more"),
    ((), "sandbox.persistence.size=1Gi", "sandbox.persistence.size (1Gi) is above the 256Mi of the claim"),
    ((), "sandbox.persistence.size=1Mi", "sandbox.persistence.size (1Mi) must be 256Mi or more"),
    ((), "postgresql.persistence.storageClass=fast", 'postgresql.persistence.storageClass must stay ""'),
    ((), "valkey.persistence.storageClass=-", 'valkey.persistence.storageClass must stay ""'),
    ((), "sandbox.persistence.storageClass=fast", 'sandbox.persistence.storageClass must stay "standard"'),
    (("valkey.persistence.storageClass=fast",), DEFAULT, 'valkey.persistence.storageClass must stay "fast"'),
    (("valkey.persistence.storageClass=-",), DEFAULT, 'valkey.persistence.storageClass must stay "-"'),
    ((), "postgresql.persistence.enabled=false", "postgresql.persistence.enabled must stay true"),
    ((), "valkey.persistence.enabled=false", "valkey.persistence.enabled must stay true"),
    (("valkey.persistence.enabled=false",), DEFAULT, "valkey.persistence.enabled must stay false"),
    ((), "postgresql.image.tag=19.1", "postgresql.image.tag (19.1) must stay of version 18"),
    (("postgresql.image.tag=19-alpine",), DEFAULT, "postgresql.image.tag (18.6) must stay of version 19"),
    ((), "nameOverride=inn,fullnameOverride=shop-binnacle", "nameOverride can't make shop-binnacle-api select"),
    (
        ("api.service.type=LoadBalancer", "api.service.loadBalancerClass=a/b"),
        "api.service.type=LoadBalancer,api.service.loadBalancerClass=c/d",
        'api.service.loadBalancerClass must stay "a/b"',
    ),
]


@pytest.mark.parametrize(("before", "value", "sentence"), REFUSED, ids=[sentence for *_, sentence in REFUSED])
def test_a_change_that_kubernetes_refuses_is_refused_first(
    chart: Chart, upgrade: Upgrade, before: tuple[str, ...], value: str, sentence: str
) -> None:
    done = upgrade(value, before=before)
    assert done.returncode != 0, "the upgrade would have left half a release"
    assert sentence in done.stderr
    assert chart.template(*value.split(",")).returncode == 0, "a first install has nothing to lose"


ALLOWED = [
    ((), ()),
    ((), ("postgresql.persistence.size=2048Mi",)),
    ((), ("postgresql.image.tag=18.7-bookworm",)),
    ((), (f"postgresql.image.digest=sha256:{'a' * 64}",)),
    (
        ("postgresql.persistence.enabled=false",),
        ("postgresql.persistence.enabled=false", "postgresql.image.tag=19-alpine"),
    ),
    (("valkey.persistence.storageClass=-",), ("valkey.persistence.storageClass=-",)),
    (("postgresql.enabled=true",), ("valkey.enabled=false", "redis.existingSecret=a", "networkPolicy.enabled=false")),
    (("api.service.type=LoadBalancer", "api.service.loadBalancerClass=a/b"), ("api.service.type=ClusterIP",)),
    (("sandbox.persistence.enabled=false",), ("sandbox.persistence.enabled=true",)),
]


@pytest.mark.parametrize(("before", "values"), ALLOWED)
def test_a_change_that_kubernetes_makes_is_let_through(
    upgrade: Upgrade, before: tuple[str, ...], values: tuple[str, ...]
) -> None:
    done = upgrade(*values, before=before)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("store", ["postgresql", "valkey"])
def test_a_volume_grows_as_the_refusal_says(chart: Chart, upgrade: Upgrade, store: str) -> None:
    name, value = f"shop-binnacle-{store}", f"{store}.persistence.size=10Gi"
    said = upgrade(value).stderr
    patch = f"kubectl patch -n harbour persistentvolumeclaim/data-{name}-0 -p"
    assert patch in said
    assert f"kubectl delete -n harbour statefulset/{name} --cascade=orphan" in said
    objects = running(chart.render())
    gone = [each for each in objects if (each["kind"], each["metadata"]["name"]) != ("StatefulSet", name)]
    assert patch in upgrade(value, objects=gone).stderr, "the claim would stay small in silence"
    (claim,) = [each for each in gone if each["metadata"]["name"] == f"data-{name}-0"]
    claim["spec"] = claim["spec"] | {"resources": {"requests": {"storage": "10Gi"}}}
    assert upgrade(value, objects=gone).returncode == 0


def test_a_claim_of_an_earlier_release_may_be_larger(chart: Chart, upgrade: Upgrade) -> None:
    objects = [
        each for each in running(chart.render("postgresql.persistence.size=9Gi")) if each["kind"] == CLAIM["kind"]
    ]
    assert upgrade(objects=objects).returncode == 0


def test_a_class_that_the_cluster_filled_in_is_not_named(upgrade: Upgrade) -> None:
    """Named, it would be of the release: a rollback to a revision without it would take it away, and fail."""
    done = upgrade()
    after = Rendering([each for each in yaml.safe_load_all(done.stdout) if each])
    assert "storageClassName" not in after.get("PersistentVolumeClaim", "shop-binnacle-sandbox")["spec"]


def test_a_class_that_an_earlier_revision_named_stays(upgrade: Upgrade) -> None:
    """To leave it out would take it away."""
    before = (
        "sandbox.persistence.storageClass=fast",
        "api.service.type=LoadBalancer",
        "api.service.loadBalancerClass=a/b",
    )
    done = upgrade("api.service.type=LoadBalancer", before=before)
    assert done.returncode == 0, done.stderr
    after = Rendering([each for each in yaml.safe_load_all(done.stdout) if each])
    assert after.get("PersistentVolumeClaim", "shop-binnacle-sandbox")["spec"]["storageClassName"] == "fast"
    assert after.get("Service", "shop-binnacle-api")["spec"]["loadBalancerClass"] == "a/b"


@pytest.mark.parametrize("component", ["sandbox", "postgresql", "valkey"])
def test_no_class_is_a_class_by_convention(chart: Chart, component: str) -> None:
    rendering = chart.render(f"{component}.persistence.storageClass=-")
    specs = [each["spec"] for each in rendering.objects if each["kind"] == CLAIM["kind"]]
    sets = [each["spec"].get("volumeClaimTemplates", []) for each in rendering.objects if each["kind"] == "StatefulSet"]
    specs += [each["spec"] for templates in sets for each in templates]
    assert [each["storageClassName"] for each in specs if "storageClassName" in each] == [""]


@pytest.mark.parametrize("tag", ["17.6", "16-alpine"])
def test_an_image_that_keeps_no_data_on_the_volume_is_refused(chart: Chart, tag: str) -> None:
    assert f"postgresql.image.tag ({tag}) must be of version 18 or newer" in chart.refusal(
        f"postgresql.image.tag={tag}"
    )
