"""Every pod satisfies the restricted profile, and a little more."""

from collections.abc import Iterator

import pytest

from .rendering import PRODUCTION, Chart, Manifest, containers

VARIANTS = {
    "demo": (),
    "production": PRODUCTION,
    "without volumes": (
        "postgresql.persistence.enabled=false",
        "valkey.persistence.enabled=false",
        "sandbox.persistence.enabled=false",
    ),
    "own account and private registry": (
        "serviceAccount.create=false",
        "imagePullSecrets[0].name=registry",
        "global.imageRegistry=registry.example.com",
    ),
}
# The volume types of the restricted profile that a chart can name.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def violations(pod: Manifest) -> Iterator[str]:
    """What the restricted profile of Kubernetes would say against a pod, and what we ask for beyond it."""
    security = pod.get("securityContext", {})
    if not security.get("runAsNonRoot"):
        yield "runAsNonRoot"
    if not security.get("runAsUser"):
        yield "a numeric user other than root"
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "seccompProfile"
    yield from (host for host in ("hostNetwork", "hostPID", "hostIPC") if pod.get(host))
    yield from (f"volume {volume['name']}" for volume in pod.get("volumes", []) if not volume.keys() & VOLUMES)
    if pod.get("automountServiceAccountToken") is not False:
        yield "automountServiceAccountToken"
    if pod.get("enableServiceLinks") is not False:
        yield "enableServiceLinks"
    for container in containers(pod):
        yield from (f"{container['name']}: {violation}" for violation in container_violations(container))


def container_violations(container: Manifest) -> Iterator[str]:
    security = container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "capabilities"
    if not security.get("readOnlyRootFilesystem"):
        yield "readOnlyRootFilesystem"
    if security.keys() & {"privileged", "procMount", "runAsUser", "seccompProfile", "runAsNonRoot"}:
        yield "overrides the pod's security"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "hostPort"
    if "/tmp" not in {mount["mountPath"] for mount in container.get("volumeMounts", [])}:  # noqa: S108 - in the pod
        yield "nowhere to write"


@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_every_pod_is_restricted(chart: Chart, values: tuple[str, ...]) -> None:
    pods = list(chart.render(*values).pods())
    assert len(pods) >= 4
    assert {name: found for name, pod in pods if (found := list(violations(pod)))} == {}


@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_every_container_asks_for_what_it_needs_and_has_a_memory_limit(chart: Chart, values: tuple[str, ...]) -> None:
    for name, pod in chart.render(*values).pods():
        for container in containers(pod):
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys(), name
            assert resources["limits"].keys() == {"memory"}, name


def test_a_plain_pod_is_refused() -> None:
    plain = {"containers": [{"name": "plain", "ports": [{"hostPort": 80}]}], "volumes": [{"name": "a", "hostPath": {}}]}
    assert list(violations(plain)) == [
        "runAsNonRoot",
        "a numeric user other than root",
        "seccompProfile",
        "volume a",
        "automountServiceAccountToken",
        "enableServiceLinks",
        "plain: allowPrivilegeEscalation",
        "plain: capabilities",
        "plain: readOnlyRootFilesystem",
        "plain: hostPort",
        "plain: nowhere to write",
    ]
