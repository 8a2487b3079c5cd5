"""How clients come in: Service, Ingress and route, to the port of the API alone."""

import json

import pytest

from app.api.edge.allowed_hosts import OPERATIONS

from .rendering import PRODUCTION, ROOT, Chart, Rendering

INGRESS = ("ingress.enabled=true", "ingress.hosts={shop.example.com,www.shop.example.com}")
ROUTE = (
    "httpRoute.enabled=true",
    "httpRoute.hostnames={shop.example.org}",
    "httpRoute.parentRefs[0].name=public",
    "httpRoute.parentRefs[0].namespace=gateways",
)


DEMO_PATHS = ["/api", "/ws", "/docs", "/redoc", "/openapi.json"]
BEHIND = ("api.trustedProxies={10.0.0.0/8}",)


def test_by_default_the_api_is_reached_inside_the_cluster(chart: Chart) -> None:
    rendering = chart.render()
    assert rendering.names("Ingress") | rendering.names("HTTPRoute") == set()
    spec = dict(rendering.get("Service", "shop-binnacle-api")["spec"])
    del spec["selector"]
    ports = [{"name": "http", "port": 8000, "targetPort": "http", "appProtocol": "http"}]
    assert spec == {"type": "ClusterIP", "ports": ports}


def test_a_service_can_be_what_a_cloud_asks_for(chart: Chart) -> None:
    service = chart.render(
        "api.service.type=LoadBalancer",
        "api.service.port=80",
        "api.service.nodePort=30080",
        "api.service.externalTrafficPolicy=Local",
        "api.service.loadBalancerClass=example.com/internal",
        "api.service.loadBalancerSourceRanges={192.0.2.0/24}",
        "api.service.trafficDistribution=PreferClose",
        "api.service.ipFamilyPolicy=PreferDualStack",
        "api.service.labels.tier=front",
        "api.service.annotations.example\\.com/scheme=internal",
    ).get("Service", "shop-binnacle-api")
    spec = dict(service["spec"])
    del spec["selector"]
    ports = [{"name": "http", "port": 80, "targetPort": "http", "appProtocol": "http", "nodePort": 30080}]
    assert spec == {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",
        "loadBalancerClass": "example.com/internal",
        "loadBalancerSourceRanges": ["192.0.2.0/24"],
        "trafficDistribution": "PreferClose",
        "ipFamilyPolicy": "PreferDualStack",
        "ports": ports,
    }
    assert service["metadata"]["labels"]["tier"] == "front"
    assert service["metadata"]["annotations"] == {"example.com/scheme": "internal"}


def test_no_service_offers_the_admin_port(chart: Chart) -> None:
    rendering = chart.render(*INGRESS, *ROUTE)
    services = [each for each in rendering.objects if each["kind"] == "Service"]
    assert services
    assert not any(port["targetPort"] in {"admin", 9000} for each in services for port in each["spec"]["ports"])


def test_an_ingress_leads_to_the_api(chart: Chart) -> None:
    ingress = chart.render(
        *INGRESS, "ingress.className=nginx", "ingress.labels.tier=front", "ingress.annotations.a=b"
    ).get("Ingress", "shop-binnacle")
    backend = {"service": {"name": "shop-binnacle-api", "port": {"name": "http"}}}
    paths = [{"path": path, "pathType": "Prefix", "backend": backend} for path in DEMO_PATHS]
    hosts = ["shop.example.com", "www.shop.example.com"]
    assert ingress["spec"] == {
        "ingressClassName": "nginx",
        "rules": [{"host": host, "http": {"paths": paths}} for host in hosts],
    }
    assert ingress["metadata"]["labels"]["tier"] == "front"
    assert ingress["metadata"]["annotations"] == {"a": "b"}


def test_a_certificate_is_for_all_hosts_unless_told(chart: Chart) -> None:
    spec = chart.render(
        *INGRESS,
        "ingress.path=/api/.*",
        "ingress.pathType=ImplementationSpecific",
        "ingress.tls[0].secretName=all",
        "ingress.tls[1].secretName=www",
        "ingress.tls[1].hosts={www.shop.example.com}",
        "ingress.tls[2].hosts={shop.example.com}",
    ).get("Ingress", "shop-binnacle")["spec"]
    assert spec["tls"] == [
        {"secretName": "all", "hosts": ["shop.example.com", "www.shop.example.com"]},
        {"secretName": "www", "hosts": ["www.shop.example.com"]},
        {"hosts": ["shop.example.com"]},
    ]
    assert {(path["path"], path["pathType"]) for rule in spec["rules"] for path in rule["http"]["paths"]} == {
        ("/api/.*", "ImplementationSpecific")
    }


def test_a_route_leads_to_the_api_and_never_cuts_a_stream(chart: Chart) -> None:
    route = chart.render(
        *ROUTE,
        "httpRoute.requestTimeout=30s",
        "httpRoute.annotations.a=b",
        "httpRoute.labels.tier=front",
        "httpRoute.filters[0].type=ResponseHeaderModifier",
        "httpRoute.filters[0].responseHeaderModifier.set[0].name=X-Tier",
        "httpRoute.filters[0].responseHeaderModifier.set[0].value=front",
    ).get("HTTPRoute", "shop-binnacle")
    spec = route["spec"]
    assert spec["parentRefs"] == [{"name": "public", "namespace": "gateways"}]
    assert spec["hostnames"] == ["shop.example.org"]
    streams, rest = spec["rules"]
    accept = {"type": "Exact", "name": "Accept", "value": "text/event-stream"}
    assert streams["matches"] == [
        {"path": {"type": "PathPrefix", "value": "/ws"}},
        {"path": {"type": "PathPrefix", "value": "/api/v1/orders"}, "method": "GET", "headers": [accept]},
    ]
    assert streams["timeouts"] == {"request": "0s"}
    assert rest["matches"] == [{"path": {"type": "PathPrefix", "value": path}} for path in DEMO_PATHS]
    assert rest["timeouts"] == {"request": "30s"}
    for rule in (streams, rest):
        assert rule["backendRefs"] == [{"name": "shop-binnacle-api", "port": 8000}]
        assert [each["type"] for each in rule["filters"]] == ["ResponseHeaderModifier"]
    assert route["metadata"]["labels"]["tier"] == "front"
    assert route["metadata"]["annotations"] == {"a": "b"}


def test_the_rule_for_streams_holds_every_stream_of_the_contract_and_little_more(chart: Chart) -> None:
    """Any client can claim the Accept header: it must not free a request that writes, or one of another resource."""
    streams, _ = chart.render(*ROUTE).get("HTTPRoute", "shop-binnacle")["spec"]["rules"]
    ((path, method),) = [
        (path, method)
        for path, operations in json.loads((ROOT / "docs/openapi.json").read_text())["paths"].items()
        for method, operation in operations.items()
        if "text/event-stream" in json.dumps(operation.get("responses", {}))
    ]
    _, match = streams["matches"]
    assert match["method"] == method.upper()
    assert path.startswith(match["path"]["value"] + "/")


def test_a_gateway_that_refuses_times_gets_none(chart: Chart) -> None:
    (rule,) = chart.render(*ROUTE, "httpRoute.timeouts=false").get("HTTPRoute", "shop-binnacle")["spec"]["rules"]
    assert "timeouts" not in rule
    assert [match["path"]["value"] for match in rule["matches"]] == DEMO_PATHS


def outside(rendering: Rendering) -> dict[str, list[str]]:
    """Path prefixes that are passed on, by the kind of the object that does."""
    ingress = rendering.get("Ingress", "shop-binnacle")["spec"]["rules"]
    route = rendering.get("HTTPRoute", "shop-binnacle")["spec"]["rules"]
    return {
        "Ingress": [path["path"] for path in ingress[0]["http"]["paths"]],
        "HTTPRoute": [match["path"]["value"] for match in route[-1]["matches"]],
    }


def test_what_operators_ask_is_not_public(chart: Chart) -> None:
    production = outside(chart.render(*PRODUCTION, *INGRESS, *ROUTE, *BEHIND))
    assert production == {"Ingress": ["/api", "/ws"], "HTTPRoute": ["/api", "/ws"]}
    for paths in outside(chart.render(*INGRESS, *ROUTE)).values():
        assert not any(asked.startswith(path) for path in paths for asked in {*OPERATIONS, "/health", "/metrics"})


def test_an_operator_may_open_a_path(chart: Chart) -> None:
    opened = outside(chart.render(*PRODUCTION, *INGRESS, *ROUTE, *BEHIND, "api.publicPaths={/health}"))
    assert opened == {kind: ["/api", "/ws", "/health"] for kind in ("Ingress", "HTTPRoute")}
    assert "/api/publicPaths/0" in chart.refusal("api.publicPaths={health}")


def test_paths_are_below_that_of_the_ingress(chart: Chart) -> None:
    assert outside(chart.render(*INGRESS, *ROUTE, "ingress.path=/shop/"))["Ingress"][:2] == ["/shop/api", "/shop/ws"]


def test_production_does_not_answer_to_localhost(chart: Chart) -> None:
    production = chart.render(*PRODUCTION).environment("shop-binnacle-api")["ALLOWED_HOSTS"].split(",")
    assert {"localhost", "127.0.0.1"} & set(production) == set()
    assert "shop-binnacle-api" in production


def test_a_route_leaves_the_time_of_requests_to_the_gateway_unless_told(chart: Chart) -> None:
    _, rest = chart.render(*ROUTE).get("HTTPRoute", "shop-binnacle")["spec"]["rules"]
    assert "timeouts" not in rest
    assert "filters" not in rest


def test_the_api_answers_to_the_hosts_of_ingress_and_route(chart: Chart) -> None:
    hosts = chart.render(*INGRESS, *ROUTE).environment("shop-binnacle-api")["ALLOWED_HOSTS"].split(",")
    assert {"shop.example.com", "www.shop.example.com", "shop.example.org"} <= set(hosts)
    closed = chart.render(*INGRESS, "ingress.enabled=false").environment("shop-binnacle-api")["ALLOWED_HOSTS"]
    assert "example.com" not in closed


REFUSED = [
    ((*ROUTE, "httpRoute.filters[0].type=RequestRedirect"), "httpRoute.filters can't hold a RequestRedirect"),
    (
        (*ROUTE, "httpRoute.timeouts=false", "httpRoute.requestTimeout=5s"),
        "httpRoute.requestTimeout and httpRoute.time",
    ),
    (
        ("api.service.loadBalancerClass=a",),
        "api.service.loadBalancerClass has no effect on a Service of type ClusterIP",
    ),
    (
        ("api.service.type=NodePort", "api.service.loadBalancerSourceRanges={192.0.2.0/24}"),
        "api.service.loadBalancerSourceRanges has no effect on a Service of type NodePort",
    ),
    (("api.service.nodePort=30080",), "api.service.nodePort is refused on a Service of type ClusterIP"),
    (("api.service.externalTrafficPolicy=Local",), "api.service.externalTrafficPolicy is refused"),
    (("ingress.enabled=true",), "ingress.hosts is missing"),
    (("httpRoute.enabled=true", "httpRoute.parentRefs[0].name=a"), "httpRoute.hostnames is missing"),
    (("httpRoute.enabled=true", "httpRoute.hostnames={a.example.com}"), "httpRoute.parentRefs is missing"),
    ((*PRODUCTION, *INGRESS), "api.trustedProxies is missing"),
    ((*PRODUCTION, *ROUTE), "api.trustedProxies is missing"),
]


@pytest.mark.parametrize(("values", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_what_cannot_be_served_is_refused(chart: Chart, values: tuple[str, ...], sentence: str) -> None:
    assert sentence in chart.refusal(*values)


@pytest.mark.parametrize("key", ["ingress.hosts", "httpRoute.hostnames"])
@pytest.mark.parametrize("host", ["https://shop.example.com", "shop.example.com:443", "*", "Shop.example.com"])
def test_what_is_no_host_is_refused(chart: Chart, key: str, host: str) -> None:
    assert f"/{key.replace('.', '/')}/0" in chart.refusal(f"{key}={{{host}}}")
