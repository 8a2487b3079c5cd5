"""Every pod satisfies the restricted profile, and a little more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .rendering import PRODUCTION, ROOT, Chart, Manifest, containers

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
SHAPES = sorted((ROOT / "helm/binnacle/ci").glob("*-values.yaml"))
# Each would be below the restricted profile, or leave to chance what it asks for.
BELOW = {
    "podSecurityContext.runAsNonRoot=false": "/podSecurityContext/runAsNonRoot",
    "podSecurityContext.runAsNonRoot=null": "'runAsNonRoot'",
    "podSecurityContext.runAsUser=0": "/podSecurityContext/runAsUser",
    "podSecurityContext.seccompProfile=null": "'seccompProfile'",
    "podSecurityContext.seccompProfile.type=Unconfined": "/podSecurityContext/seccompProfile/type",
    "podSecurityContext.seLinuxOptions.type=spc_t": "/podSecurityContext/seLinuxOptions/type",
    "podSecurityContext.appArmorProfile.type=Unconfined": "/podSecurityContext/appArmorProfile/type",
    "podSecurityContext.sysctls[0].name=kernel.msgmax": "/podSecurityContext/sysctls/0",
    "podSecurityContext.hostNetwork=true": "'hostNetwork'",
    "postgresql.podSecurityContext.runAsUser=0": "/postgresql/podSecurityContext/runAsUser",
    "securityContext.allowPrivilegeEscalation=true": "/securityContext/allowPrivilegeEscalation",
    "securityContext.allowPrivilegeEscalation=null": "'allowPrivilegeEscalation'",
    "securityContext.privileged=true": "/securityContext/privileged",
    "securityContext.procMount=Unmasked": "/securityContext/procMount",
    "securityContext.capabilities=null": "'capabilities'",
    "securityContext.capabilities.drop={NET_RAW}": "/securityContext/capabilities/drop",
    "securityContext.capabilities.add={SYS_ADMIN}": "/securityContext/capabilities/add/0",
    "securityContext.runAsUser=0": "/securityContext/runAsUser",
    "securityContext.seccompProfile.type=Unconfined": "/securityContext/seccompProfile/type",
    "securityContext.runAsNonRoot=false": "/securityContext/runAsNonRoot",
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


@pytest.mark.parametrize("shape", SHAPES, ids=[path.name for path in SHAPES])
def test_every_pod_of_every_shape_is_restricted(chart: Chart, shape: Path) -> None:
    pods = dict(chart.render(files=[shape]).pods())
    assert {name: found for name, pod in pods.items() if (found := list(violations(pod)))} == {}


@pytest.mark.parametrize(("value", "place"), BELOW.items(), ids=BELOW)
def test_nothing_below_the_restricted_profile_is_taken(chart: Chart, value: str, place: str) -> None:
    assert place in chart.refusal(value)


def test_security_can_be_what_a_cluster_asks_for(chart: Chart) -> None:
    rendering = chart.render(
        "podSecurityContext.runAsUser=null",
        "podSecurityContext.runAsGroup=null",
        "podSecurityContext.fsGroup=null",
        "podSecurityContext.supplementalGroups={4000}",
        "postgresql.podSecurityContext=null",
        "securityContext.readOnlyRootFilesystem=false",
        "securityContext.capabilities.add={NET_BIND_SERVICE}",
    )
    pods = dict(rendering.pods())
    for name in ("shop-binnacle-api", "shop-binnacle-postgresql"):
        assert pods[name]["securityContext"] == {
            "runAsNonRoot": True,
            "fsGroupChangePolicy": "OnRootMismatch",
            "supplementalGroups": [4000],
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    for pod in pods.values():
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": False,
                "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            }


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
