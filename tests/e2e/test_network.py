"""What the network policies let through, and what they drop. Needs a network plugin that enforces them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.e2e.cluster import Namespace, eventually, say
from tests.e2e.load import BEHIND_PROXY
from tests.e2e.probe import Probe, connections
from tests.e2e.release import Release

PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}
ENFORCED_WITHIN_SECONDS = 30
OUTSIDE = 8080


@dataclass(frozen=True)
class Peers:
    """Two pods in another namespace, one of which says that it is Prometheus, and addresses by name."""

    stranger: Probe
    prometheus: Probe
    addresses: Mapping[str, str]


@pytest.fixture(scope="module")
def peers(
    shop: Release, load_image: str, spare_namespaces: Callable[[str], Namespace]
) -> Iterator[tuple[Release, Peers]]:
    elsewhere = spare_namespaces("elsewhere")
    stranger, prometheus = Probe(elsewhere, load_image, "stranger"), Probe(elsewhere, load_image, "prometheus")
    stranger.start()
    prometheus.start(PROMETHEUS)
    addresses = {each: shop.pods(each)[0]["status"]["podIP"] for each in ("api", "postgresql", "valkey", "sandbox")}
    peers = Peers(
        stranger,
        prometheus,
        {
            "api": f"{addresses['api']}:8000",
            "admin": f"{addresses['api']}:9000",
            "postgresql": f"{addresses['postgresql']}:5432",
            "valkey": f"{addresses['valkey']}:6379",
            "sandbox": f"{addresses['sandbox']}:8001",
            "outside": f"{stranger.address}:{OUTSIDE}",
        },
    )
    yield shop, peers
    stranger.stop()
    prometheus.stop()


def test_another_namespace_reaches_the_api_and_nothing_behind_it(peers: tuple[Release, Peers]) -> None:
    _, each = peers
    assert _from(each.stranger, each, "api", "admin", "postgresql", "valkey", "sandbox") == {
        "api": "open",
        "admin": "dropped",
        "postgresql": "dropped",
        "valkey": "dropped",
        "sandbox": "dropped",
    }


def test_prometheus_reaches_the_admin_port_and_no_store(peers: tuple[Release, Peers]) -> None:
    _, each = peers
    assert _from(each.prometheus, each, "admin", "postgresql") == {"admin": "open", "postgresql": "dropped"}


def test_the_api_reaches_what_it_needs_and_nothing_outside(peers: tuple[Release, Peers]) -> None:
    shop, each = peers
    assert _from_api(shop, each) == {
        "postgresql": "open",
        "valkey": "open",
        "sandbox": "open",
        "outside": "dropped",
    }


def test_without_the_policies_the_same_tries_come_through(peers: tuple[Release, Peers]) -> None:
    """Or what was dropped above might have had another reason."""
    shop, each = peers
    shop.upgrade({**BEHIND_PROXY, "networkPolicy.enabled": "false"})
    try:

        def all_open() -> bool:
            tried = [
                *_from(each.stranger, each, "api", "admin", "postgresql", "valkey", "sandbox").values(),
                *_from_api(shop, each).values(),
            ]
            return {*tried} == {"open"}

        eventually(all_open, within=ENFORCED_WITHIN_SECONDS, what="every way is open")
    finally:
        shop.upgrade(BEHIND_PROXY)
    closed = ("admin", "postgresql")
    eventually(
        lambda: {*_from(each.stranger, each, *closed).values()} == {"dropped"},
        within=ENFORCED_WITHIN_SECONDS,
        what="the policies are enforced again",
    )


def _from(probe: Probe, peers: Peers, *names: str) -> Mapping[str, str]:
    return _named(peers, probe.connections([peers.addresses[name] for name in names]), f"from {probe.name}")


def _from_api(shop: Release, peers: Peers) -> Mapping[str, str]:
    pod = shop.pods("api")[0]["metadata"]["name"]
    targets = [peers.addresses[name] for name in ("postgresql", "valkey", "sandbox", "outside")]
    return _named(peers, connections(shop.namespace, pod, targets), "from the API")


def _named(peers: Peers, tried: Mapping[str, str], where: str) -> Mapping[str, str]:
    found = {name: tried[address] for name, address in peers.addresses.items() if address in tried}
    say(f"{where}: {found}")
    return found
