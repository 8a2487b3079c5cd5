"""Two releases in one namespace and one of the same name in another: each keeps to itself."""

from collections.abc import Callable, Sequence

import pytest

from tests.e2e.cluster import Namespace, eventually
from tests.e2e.ledger import references
from tests.e2e.release import Release

COMPONENTS = {"api", "worker", "reconciler", "sandbox", "postgresql", "valkey"}


@pytest.fixture(scope="module")
def releases(namespace: Namespace, spare_namespaces: Callable[[str], Namespace], image: str) -> Sequence[Release]:
    other = spare_namespaces("neighbours-other")
    releases = [Release(namespace, image), Release(namespace, image, name="market"), Release(other, image)]
    for release in releases:  # two dozen pods that start at once take small machines minutes
        release.install({"api.replicas": "1"})
    return releases


def test_each_places_an_order_and_charges_it_with_its_own_provider(releases: Sequence[Release]) -> None:
    for release in releases:
        assert "Succeeded" in release.test()
    charged = [references(release.charges()) for release in releases]
    placed = [{*release.query("select id from orders").split()} for release in releases]
    assert charged == placed
    assert [len(each) for each in placed] == [1, 1, 1]
    assert len(set.union(*placed)) == 3


def test_each_has_secrets_of_its_own(releases: Sequence[Release]) -> None:
    for key in ("secret_key", "postgres_password", "valkey_password"):
        assert len({release.secret()[key] for release in releases}) == 3


def test_the_end_of_one_leaves_the_others_alone(releases: Sequence[Release]) -> None:
    shop, market, _ = releases
    before = {component: shop.names(component) for component in COMPONENTS}
    market.namespace.helm("uninstall", market.name, "--wait", "--timeout=120s", timeout=150)
    # Helm does not wait for pods that still drain.
    eventually(lambda: not market.names(*COMPONENTS), within=90, what="no pod of the release is left")
    assert {component: shop.names(component) for component in COMPONENTS} == before
    assert "Succeeded" in shop.test()
