"""An install with no values but the image, where the restricted profile of pod security is enforced."""

import pytest

from tests.e2e.cluster import Failed, Namespace, eventually, say
from tests.e2e.release import NAME, READY_WITHIN_SECONDS, Installed, Release, image_values, ready

DRY_RUN = ("--server-side", "--dry-run=server")
REPLICAS = {"api": 2, "worker": 1, "reconciler": 1, "sandbox": 1, "postgresql": 1, "valkey": 1}
FORBIDDEN = "would violate PodSecurity"


@pytest.fixture(scope="module")
def installed(release: Release) -> Installed:
    return release.install()


def test_everything_is_ready_in_time(installed: Installed, release: Release) -> None:
    assert installed.seconds < READY_WITHIN_SECONDS
    assert {component: sum(map(ready, release.pods(component))) for component in REPLICAS} == REPLICAS


def test_the_install_is_silent_about_pod_security(installed: Installed) -> None:
    assert FORBIDDEN not in installed.said.out + installed.said.err


@pytest.mark.usefixtures("installed")
def test_the_api_server_warns_of_nothing(namespace: Namespace) -> None:
    manifest = namespace.helm("get", "manifest", NAME).out
    said = namespace.kubectl("apply", *DRY_RUN, "--force-conflicts", "--filename=-", stdin=manifest)
    assert not said.err


@pytest.mark.usefixtures("installed")
def test_helm_test_is_green(release: Release) -> None:
    said = release.test()
    for line in said.splitlines():
        say(f"helm test: {line}")
    assert "Succeeded" in said


@pytest.mark.usefixtures("installed")
def test_the_charts_own_load_test_gives_a_verdict(release: Release, namespace: Namespace, load_image: str) -> None:
    load = {"loadTest.enabled": "true", "loadTest.rate": "10", "loadTest.orderRate": "1", "loadTest.seconds": "20"}
    release.upgrade({**load, **image_values(load_image, "loadTest.")})
    label = "app.kubernetes.io/component=loadtest"
    ended = eventually(lambda: _ended(namespace, label), within=150, what="the load test has ended")
    said = namespace.kubectl("logs", f"--selector={label}", "--tail=-1").out
    for line in said.splitlines():
        say(f"load test: {line}")
    # A busy machine may miss an objective; that is a verdict too.
    assert ended == ("Complete" if "All objectives hold." in said else "Failed")
    assert "order-completion" in said


def test_the_namespace_refuses_what_is_not_restricted(namespace: Namespace) -> None:
    """Or the silence above would mean nothing."""
    said = namespace.kubectl("create", "deployment", "any", "--image=any", "--dry-run=server")
    assert FORBIDDEN in said.err
    with pytest.raises(Failed, match="violates PodSecurity"):
        namespace.kubectl("run", "any", "--image=any", "--dry-run=server")


def _ended(namespace: Namespace, label: str) -> str | None:
    """How the one Job with the label has ended."""
    (job,) = namespace.objects("jobs", label)
    held = {each["type"] for each in job["status"].get("conditions", []) if each["status"] == "True"}
    return next((end for end in ("Complete", "Failed") if end in held), None)
