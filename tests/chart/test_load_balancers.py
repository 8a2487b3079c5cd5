"""Load balancers ask for health where the API answers to any host, and docs/load-balancers.md says how."""

import json
import re
from pathlib import Path

import pytest

from app.api.edge.allowed_hosts import OPERATIONS

from .rendering import ROOT, Chart, Rendering

PAGE = (ROOT / "docs/load-balancers.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?```yaml\n(.+?)```", PAGE, re.MULTILINE | re.DOTALL))
ROUTE = ("httpRoute.enabled=true", "httpRoute.hostnames={a.example.com}", "httpRoute.parentRefs[0].name=public")
FOLLOW_READINESS = {"ingress-nginx", "Traefik", "Redirect from HTTP to HTTPS at a gateway"}


@pytest.fixture
def example(chart: Chart, tmp_path: Path, request: pytest.FixtureRequest) -> Rendering:
    values = tmp_path / "values.yaml"
    values.write_text(EXAMPLES[request.param], encoding="utf-8")
    return chart.render(files=[values])


def checked(rendering: Rendering) -> set[str]:
    """Paths that balancers are told to ask, without their query."""
    text = "\n".join(json.dumps(each) for each in rendering.objects if each["kind"] not in {"Deployment", "Pod"})
    paths = re.findall(r'(?:check-path|probe-path|request-path|requestPath)": "([^"?]+)', text)
    return set(paths)


def test_the_page_has_the_common_ones() -> None:
    words = " ".join(EXAMPLES)
    assert all(word in words for word in ("AWS", "AKS", "GKE", "ingress-nginx", "Traefik"))
    assert PAGE.count("```yaml") == len(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, indirect=True)
def test_every_example_is_one_that_the_chart_takes(example: Rendering) -> None:
    policy = example.get("NetworkPolicy", "shop-binnacle-api")
    assert policy
    shaped = example.names("Ingress") | example.names("HTTPRoute")
    service = example.get("Service", "shop-binnacle-api")["spec"]
    assert shaped or service["type"] == "LoadBalancer"


@pytest.mark.parametrize("example", sorted(set(EXAMPLES) - FOLLOW_READINESS), indirect=True)
def test_what_has_a_check_of_its_own_is_told_to_ask_for_readiness(example: Rendering) -> None:
    assert checked(example) == {"/readyz"}
    assert checked(example) <= OPERATIONS, "a balancer sends an address as the host"


def test_gke_asks_the_path_of_the_readiness_probe(chart: Chart) -> None:
    values = ("httpRoute.healthCheckPolicy=true", "httpRoute.timeouts=false", "api.databaseOutageSeconds=30")
    rendering = chart.render(*ROUTE, *values)
    policy = rendering.get("HealthCheckPolicy", "shop-binnacle-api")["spec"]
    container = rendering.container("shop-binnacle-api")
    check = policy["default"]["config"]["httpHealthCheck"]
    assert check["requestPath"] == container["readinessProbe"]["httpGet"]["path"] == "/readyz?outage_seconds=30"
    assert check["port"] in {port["containerPort"] for port in container["ports"]}
    assert policy["targetRef"] == {"group": "", "kind": "Service", "name": "shop-binnacle-api"}
    assert rendering.names("Service") >= {policy["targetRef"]["name"]}


def test_other_gateways_get_no_policy_of_googles(chart: Chart) -> None:
    assert chart.render(*ROUTE).names("HealthCheckPolicy") == set()
    assert chart.render("httpRoute.healthCheckPolicy=true").names("HealthCheckPolicy") == set()


def test_a_redirect_leaves_the_api_its_route(chart: Chart, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(EXAMPLES["Redirect from HTTP to HTTPS at a gateway"], encoding="utf-8")
    rendering = chart.render(files=[values])
    redirect = rendering.get("HTTPRoute", "shop-binnacle-redirect")["spec"]
    assert all("backendRefs" not in rule for rule in redirect["rules"])
    api = rendering.get("HTTPRoute", "shop-binnacle")["spec"]
    assert all(rule["backendRefs"] for rule in api["rules"])
    assert redirect["parentRefs"] != api["parentRefs"]
