"""A namespace for each file of tests, and a release in it. What a failure needs to be understood is printed."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.cluster import Failed, Namespace, run, say
from tests.e2e.prometheus import Monitoring
from tests.e2e.release import Release

CRDS = ("podmonitors.monitoring.coreos.com", "prometheusrules.monitoring.coreos.com")
# Refuses and, in the answer to `helm install`, names what the profile forbids.
RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
}


@pytest.fixture(scope="session")
def _cluster() -> None:
    if not os.environ.get("KUBECONFIG"):
        pytest.fail("KUBECONFIG is not set: let it name the cluster to test on, such as one of kind.", pytrace=False)
    for program in ("kubectl", "helm"):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not on PATH: install it.", pytrace=False)
    if failure := _failure(lambda: run("kubectl", "get", "--raw=/readyz")):
        pytest.fail(f"The cluster of KUBECONFIG does not answer: start it. {failure}", pytrace=False)


@pytest.fixture(scope="session")
def _ending(_cluster: None) -> Iterator[list[Namespace]]:
    """Namespaces whose pods still drain, which the next file need not wait for."""
    namespaces: list[Namespace] = []
    yield namespaces
    for namespace in namespaces:
        namespace.delete("namespace", namespace.name)


@pytest.fixture(scope="module")
def namespace(request: pytest.FixtureRequest, _ending: list[Namespace]) -> Iterator[Namespace]:
    """Enforces the restricted profile of pod security; removed at the end."""
    module = request.module.__name__.rpartition("test_")[2]
    namespace = Namespace(f"binnacle-e2e-{module}")
    failed_before = request.session.testsfailed
    namespace.create(RESTRICTED)
    say(f"namespace {namespace.name}")
    yield namespace
    if request.session.testsfailed > failed_before:
        say(f"\n{namespace.diagnosis()}\n")
    namespace.delete("namespace", namespace.name, wait=False)
    _ending.append(namespace)


@pytest.fixture(scope="module")
def release(namespace: Namespace) -> Release:
    """Not installed yet."""
    return Release(namespace, os.environ.get("E2E_IMAGE", "binnacle:test"))


@pytest.fixture(scope="session")
def load_image() -> str:
    return os.environ.get("E2E_LOADTEST_IMAGE", "binnacle-loadtest:test")


@pytest.fixture(scope="session")
def monitoring(_cluster: None) -> Monitoring:
    monitoring = Monitoring()
    if failure := _failure(lambda: run("kubectl", "get", "crd", *CRDS), lambda: monitoring.query("vector(1)")):
        pytest.fail(
            "These tests need the Prometheus Operator with a Prometheus and an Alertmanager: install"
            " kube-prometheus-stack, and name its parts by E2E_MONITORING_NAMESPACE, E2E_PROMETHEUS, E2E_ALERTMANAGER"
            f" and E2E_MONITORING_RELEASE where they differ from {monitoring}. {failure}",
            pytrace=False,
        )
    return monitoring


def _failure(*attempts: Callable[[], object]) -> str:
    """Why the first of the attempts that fails does; empty when none does."""
    try:
        for attempt in attempts:
            attempt()
    except Failed as failed:
        return str(failed)
    return ""
