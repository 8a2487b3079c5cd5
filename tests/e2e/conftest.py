"""A namespace for each file of tests, and a release in it. What a failure needs to be understood is printed."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.e2e import watched
from tests.e2e.cluster import Failed, Namespace, run, say
from tests.e2e.load import BEHIND_PROXY
from tests.e2e.memory import watched_memory
from tests.e2e.prometheus import Monitoring
from tests.e2e.release import Release
from tests.e2e.watched import Watched

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


@pytest.fixture(scope="session")
def _namespaces(_ending: list[Namespace]) -> Callable[[str], Namespace]:
    """Makes a namespace that enforces the restricted profile of pod security, and is removed at the end."""

    def make(name: str) -> Namespace:
        namespace = Namespace(f"binnacle-e2e-{name}")
        namespace.create(RESTRICTED)
        say(f"namespace {namespace.name}")
        _ending.append(namespace)
        return namespace

    return make


@pytest.fixture(scope="module")
def spare_namespaces(
    request: pytest.FixtureRequest, _namespaces: Callable[[str], Namespace]
) -> Iterator[Callable[[str], Namespace]]:
    """The same for this file alone: a small cluster has no room for what nobody looks at any more."""
    made: list[Namespace] = []

    def make(name: str) -> Namespace:
        made.append(_namespaces(name))
        return made[-1]

    with _for_one_file(request, made):
        yield make


@pytest.fixture(scope="module")
def namespace(request: pytest.FixtureRequest, spare_namespaces: Callable[[str], Namespace]) -> Namespace:
    """One for this file alone."""
    return spare_namespaces(request.module.__name__.rpartition("test_")[2])


@pytest.fixture(scope="session")
def image(_cluster: None) -> str:
    return os.environ.get("E2E_IMAGE", "binnacle:test")


@pytest.fixture(scope="session")
def previous_image(_cluster: None) -> str:
    return os.environ.get("E2E_PREVIOUS_IMAGE", "binnacle:0.1.0")


@pytest.fixture(scope="module")
def release(namespace: Namespace, image: str) -> Release:
    """Not installed yet."""
    return Release(namespace, image)


@pytest.fixture(scope="session")
def _shop(_namespaces: Callable[[str], Namespace], image: str) -> Release:
    shop = Release(_namespaces("shop"), image)
    shop.install(BEHIND_PROXY)
    return shop


@pytest.fixture(scope="module")
def shop(request: pytest.FixtureRequest, _shop: Release) -> Iterator[Release]:
    """One release for several files, installed when the first asks for it: whoever changes it sets it right again."""
    with _diagnosed(request, [_shop.namespace]):
        yield _shop


@pytest.fixture(scope="session")
def _watched(_namespaces: Callable[[str], Namespace], image: str, monitoring: Monitoring) -> Watched:
    return watched.install(monitoring, image, _namespaces)


@pytest.fixture(scope="session", autouse=True)
def _watched_before_all_else(request: pytest.FixtureRequest) -> None:
    """If any of the chosen tests asks for it."""
    if any("_watched" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("_watched")


@pytest.fixture(scope="module")
def by_pods(request: pytest.FixtureRequest, _watched: Watched) -> Iterator[Release]:
    """A release that Prometheus finds by a PodMonitor, with the chart's rules: for one file, after which it goes."""
    with _for_one_file(request, [_watched.by_pods.namespace]):
        yield _watched.by_pods


@pytest.fixture(scope="module")
def by_services(request: pytest.FixtureRequest, _watched: Watched) -> Iterator[Release]:
    """One that it finds by a ServiceMonitor, with rules whose windows are shorter: for one file as well."""
    with _for_one_file(request, [_watched.by_services.namespace]):
        yield _watched.by_services


@contextmanager
def _for_one_file(request: pytest.FixtureRequest, namespaces: Sequence[Namespace]) -> Iterator[None]:
    """Lets them go after the block, and waits for none."""
    with _diagnosed(request, namespaces):
        yield
    for namespace in namespaces:
        namespace.delete("namespace", namespace.name, wait=False)


@contextmanager
def _diagnosed(request: pytest.FixtureRequest, namespaces: Sequence[Namespace]) -> Iterator[None]:
    """Says what an engineer would look at, if a test of the block failed."""
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed > failed_before:
        for namespace in namespaces:
            say(f"\n{namespace.diagnosis()}\n")


@pytest.fixture(scope="session", autouse=True)
def _memory(_cluster: None) -> Iterator[None]:
    """Watches the memory of every API pod through all drills."""
    with watched_memory() as memory:
        yield
    say(memory.summary())
    if memory.faults:
        pytest.fail("\n".join(memory.faults), pytrace=False)


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
