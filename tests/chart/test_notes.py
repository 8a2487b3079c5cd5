"""What an operator reads after an install."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .cluster import Cluster
from .rendering import PRODUCTION, ROOT, Chart

Notes = Callable[..., str]
DRY_RUN = ("--dry-run=client", "--disable-openapi-validation", "--namespace=harbour")
INGRESS = ("ingress.enabled=true", "ingress.hosts={shop.example.com,www.example.com}")
ROUTE = ("httpRoute.enabled=true", "httpRoute.hostnames={shop.example.org}", "httpRoute.parentRefs[0].name=public")
NAMED = ("api.trustedProxies={10.0.0.0/8}",)


@pytest.fixture
def notes(chart: Chart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notes]:
    """What `helm install` would say in an empty cluster, which Helm 3 wants even for a dry run of the client."""

    kinds = chart.render(files=[ROOT / "helm/binnacle/ci/everything-values.yaml"]).objects

    def read(*values: str) -> str:
        options = [f"--set={value}" for value in values]
        done = chart.helm("install", "shop", str(chart.folder), *DRY_RUN, *options)
        assert done.returncode == 0, done.stderr
        return done.stdout.partition("NOTES:\n")[2]

    with Cluster(objects=(), kinds=kinds).serve(tmp_path) as config:
        monkeypatch.setenv("KUBECONFIG", str(config))
        yield read


def test_the_next_commands_are_told(notes: Notes) -> None:
    text = notes()
    assert "helm -n harbour test shop --logs" in text
    assert "kubectl -n harbour port-forward service/shop-binnacle-api 8000:8000" in text
    assert "http://localhost:8000/docs" in text
    assert "Network policies close every pod" in text
    assert "monitoring.enabled=true" in text


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (INGRESS, ["http://shop.example.com/docs", "http://www.example.com/docs", "get ingress shop-binnacle"]),
        ((*INGRESS, "ingress.tls[0].secretName=a", "ingress.path=/shop"), ["https://shop.example.com/shop/docs\n"]),
        (ROUTE, ["https://shop.example.org/docs", "get httproute shop-binnacle"]),
        (("api.service.type=LoadBalancer", "api.service.port=80"), [":80/docs", "Host: shop-binnacle-api"]),
        (("api.service.type=NodePort",), ["nodePort", "Host: shop-binnacle-api"]),
        ((*PRODUCTION, *ROUTE, *NAMED), ["https://shop.example.org/api/v1/items"]),
    ],
    ids=["ingress", "tls", "route", "load balancer", "node port", "production"],
)
def test_each_shape_says_where_the_api_is(notes: Notes, values: tuple[str, ...], wanted: list[str]) -> None:
    text = notes(*values)
    for each in wanted:
        assert each in text
    assert "port-forward" not in text


def test_what_clients_would_stumble_over_is_told(notes: Notes) -> None:
    hosts, proxies = "add those that clients use to api.allowedHosts", "to api.trustedProxies."
    assert hosts in notes("api.service.type=LoadBalancer")
    assert hosts not in notes("api.service.type=LoadBalancer", "api.allowedHosts={shop.example.com}")
    assert proxies in notes(*INGRESS)
    assert proxies not in notes(*INGRESS, *NAMED)


def test_a_demo_says_so_and_names_what_production_needs(notes: Notes) -> None:
    demo, production = notes(), notes(*PRODUCTION)
    assert "THIS IS A DEMO" in demo
    for value in PRODUCTION[1:]:
        assert value.partition("=")[0].partition("[")[0].rpartition(".")[0] in demo
    assert "DEMO" not in production
    assert "charges one item" in production


def test_what_is_off_is_not_told(notes: Notes) -> None:
    text = notes("smokeTest.enabled=false", "networkPolicy.enabled=false")
    assert "helm -n harbour test" not in text
    assert "Network policies" not in text


def test_the_verdict_of_a_load_is_told(notes: Notes) -> None:
    text = notes("loadTest.enabled=true", "loadTest.seconds=300")
    assert "runs for 300 seconds" in text
    assert "app.kubernetes.io/component=loadtest" in text


def test_what_an_uninstall_leaves_is_told(notes: Notes) -> None:
    command = "kubectl -n harbour delete secret,persistentvolumeclaim -l app.kubernetes.io/instance=shop"
    assert command in notes()
    assert command not in notes("postgresql.persistence.enabled=false")


def test_the_labels_that_prometheus_must_select_are_shown(notes: Notes) -> None:
    assert '{"release":"monitoring"}' in notes("monitoring.enabled=true", "monitoring.labels.release=monitoring")


def test_commands_name_the_namespace_of_the_objects(notes: Notes) -> None:
    text = notes("namespaceOverride=shops")
    assert "kubectl -n shops port-forward" in text
    assert "helm -n harbour test shop" in text


def test_generated_secrets_come_with_a_warning(notes: Notes) -> None:
    assert "generateSecrets=never" in notes()
    assert "generateSecrets=never" not in notes(*PRODUCTION)
