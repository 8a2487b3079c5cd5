"""Both directions of every pod are closed, but for what the shop needs and what the operator names."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from .rendering import PRODUCTION, Chart, Manifest, Rendering

API, ADMIN, DNS = 8000, 9000, {("UDP", 53), ("TCP", 53), ("UDP", 5353), ("TCP", 5353)}
ANYBODY = "anybody"
PROMETHEUS = "*: app.kubernetes.io/name=prometheus"


def production_without(key: str) -> tuple[str, ...]:
    return tuple(value for value in PRODUCTION if not value.startswith(key))


def policy(rendering: Rendering, component: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = rendering.get("NetworkPolicy", f"shop-binnacle-{component}")["spec"]
    return found


def _name(peer: Manifest) -> Iterator[str]:
    """A peer in one line, or the release's own components that it stands for."""
    if "ipBlock" in peer:
        yield " but ".join([peer["ipBlock"]["cidr"], *peer["ipBlock"].get("except", [])])
        return
    labels = peer["podSelector"].get("matchLabels", {})
    if "matchExpressions" in peer["podSelector"]:
        assert labels == {"app.kubernetes.io/name": "binnacle", "app.kubernetes.io/instance": "shop"}
        (components,) = peer["podSelector"]["matchExpressions"]
        yield from components["values"]
        return
    pods = ",".join(f"{key}={value}" for key, value in labels.items()) or "all"
    if "namespaceSelector" in peer:
        namespace = peer["namespaceSelector"].get("matchLabels", {"kubernetes.io/metadata.name": "*"})
        pods = f"{namespace['kubernetes.io/metadata.name']}: {pods}"
    yield pods


def opened(rendering: Rendering, component: str, direction: str) -> set[tuple[str, str, int]]:
    """(peer, protocol, port) of everything that a policy lets through."""
    key = {"ingress": "from", "egress": "to"}[direction]
    return {
        (name, port["protocol"], port["port"])
        for rule in policy(rendering, component)[direction]
        for peer in rule.get(key, [None])
        for name in ([ANYBODY] if peer is None else _name(peer))
        for port in rule["ports"]
    }


def outward(rendering: Rendering, component: str) -> set[tuple[str, int]]:
    """Where a component may go, names apart."""
    return {(peer, port) for peer, _, port in opened(rendering, component, "egress") if port not in {53, 5353}}


def inward(rendering: Rendering, component: str) -> set[tuple[str, int]]:
    return {(peer, port) for peer, _, port in opened(rendering, component, "ingress")}


@pytest.mark.parametrize("values", [(), PRODUCTION], ids=["demo", "production"])
def test_every_pod_is_closed_in_both_directions(chart: Chart, values: tuple[str, ...]) -> None:
    rendering = chart.render(*values)
    closed = [
        each["spec"]["podSelector"]["matchLabels"] for each in rendering.objects if each["kind"] == "NetworkPolicy"
    ]
    assert all(
        set(each["spec"]["policyTypes"]) == {"Ingress", "Egress"}
        for each in rendering.objects
        if each["kind"] == "NetworkPolicy"
    )
    pods = {
        each["metadata"]["name"]: each["spec"].get("template", each)["metadata"]["labels"]
        for each in rendering.objects
        if each["kind"] == "Pod" or "template" in each.get("spec", {})
    }
    assert {
        name for name, labels in pods.items() if not any(each.items() <= labels.items() for each in closed)
    } == set()


def test_in_a_demo_each_component_goes_where_its_work_is(demo: Rendering) -> None:
    stores = {("postgresql", 5432), ("valkey", 6379)}
    assert outward(demo, "api") == outward(demo, "worker") == {*stores, ("sandbox", 8001)}
    assert outward(demo, "reconciler") == stores
    assert outward(demo, "smoke") == {("api", API)}
    assert outward(demo, "sandbox") == outward(demo, "postgresql") == outward(demo, "valkey") == set()


def test_in_a_demo_each_component_hears_whom_it_serves(demo: Rendering) -> None:
    assert inward(demo, "api") == {(ANYBODY, API), (PROMETHEUS, ADMIN)}
    assert inward(demo, "worker") == inward(demo, "reconciler") == {(PROMETHEUS, ADMIN)}
    assert inward(demo, "sandbox") == {("api", 8001), ("worker", 8001)}
    assert inward(demo, "postgresql") == {(each, 5432) for each in ("api", "worker", "reconciler")}
    assert inward(demo, "valkey") == {(each, 6379) for each in ("api", "worker", "reconciler")}
    assert inward(demo, "smoke") == set()


@pytest.mark.parametrize("component", ["api", "worker", "reconciler", "sandbox", "smoke"])
def test_names_are_asked_for_anywhere_unless_told(chart: Chart, demo: Rendering, component: str) -> None:
    def names(rendering: Rendering) -> set[tuple[str, str, int]]:
        return {each for each in opened(rendering, component, "egress") if each[2] in {53, 5353}}

    assert names(demo) == {(ANYBODY, *port) for port in DNS}
    told = chart.render(
        "networkPolicy.egress.dns[0].namespace=kube-system",
        "networkPolicy.egress.dns[0].pods.k8s-app=kube-dns",
        "networkPolicy.egress.dns[0].ports={53}",
    )
    assert names(told) == {("kube-system: k8s-app=kube-dns", protocol, 53) for protocol in ("UDP", "TCP")}


def test_stores_ask_for_no_name(demo: Rendering) -> None:
    assert policy(demo, "postgresql")["egress"] == policy(demo, "valkey")["egress"] == []


def test_what_is_outside_is_reached_where_it_was_named(chart: Chart) -> None:
    rendering = chart.render(
        *PRODUCTION,
        "networkPolicy.egress.database[0].cidr=10.1.0.0/16",
        "networkPolicy.egress.database[0].except={10.1.9.0/24}",
        "networkPolicy.egress.database[1].cidr=10.2.0.0/16",
        "networkPolicy.egress.database[1].ports={6432,5432}",
        "networkPolicy.egress.redis[1].namespace=cache",
        "networkPolicy.egress.provider[0].cidr=203.0.113.0/24",
        "settings.otlpEndpoint=http://collector:4318",
        "networkPolicy.egress.otlp[0].pods.app=collector",
        "sentry.existingSecret=errors",
        "networkPolicy.egress.sentry[0].cidr=0.0.0.0/0",
    )
    both = {
        ("10.1.0.0/16 but 10.1.9.0/24", 5432),
        ("10.2.0.0/16", 5432),
        ("10.2.0.0/16", 6432),
        ("10.0.0.0/8", 6379),
        ("cache: all", 6379),
        ("app=collector", 4318),
        ("0.0.0.0/0", 443),
    }
    assert outward(rendering, "reconciler") == both
    assert outward(rendering, "api") == outward(rendering, "worker") == {*both, ("203.0.113.0/24", 443)}


def test_the_worker_alone_sends_mail(chart: Chart, demo: Rendering) -> None:
    rendering = chart.render("settings.mailUrl=http://mail:8025", "networkPolicy.egress.mail[0].namespace=mail")
    assert outward(rendering, "worker") == {*outward(demo, "worker"), ("mail: all", 8025)}
    assert outward(rendering, "api") == outward(demo, "api")


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("https://payments.example.com", 443),
        ("http://payments.example.com/v1", 80),
        ("http://payments.example.com:8080/v1", 8080),
    ],
)
def test_the_port_of_a_url_is_opened(chart: Chart, url: str, port: int) -> None:
    assert ("198.51.100.0/24", port) in outward(chart.render(*PRODUCTION, f"provider.url={url}"), "worker")


def test_a_sandbox_sends_its_spans_too(chart: Chart) -> None:
    rendering = chart.render("settings.otlpEndpoint=http://c:4318", "networkPolicy.egress.otlp[0].pods.app=c")
    assert outward(rendering, "sandbox") == {("app=c", 4318)}


def test_named_clients_shut_out_all_others_but_the_charts_own(chart: Chart) -> None:
    rendering = chart.render(
        "networkPolicy.ingressControllers[0].namespace=ingress",
        "networkPolicy.ingressControllers[0].pods.app=nginx",
        "networkPolicy.ingressControllers[1].cidr=192.0.2.0/24",
        "networkPolicy.prometheus[0].namespace=monitoring",
    )
    clients = {"ingress: app=nginx", "192.0.2.0/24", "smoke", "loadtest"}
    assert inward(rendering, "api") == {*((client, API) for client in clients), ("monitoring: all", ADMIN)}


def test_without_a_prometheus_nobody_reaches_the_admin_port(chart: Chart) -> None:
    rendering = chart.render("networkPolicy.prometheus=null")
    assert inward(rendering, "api") == {(ANYBODY, API)}
    assert policy(rendering, "worker")["ingress"] == policy(rendering, "reconciler")["ingress"] == []


def test_production_lets_in_whom_it_names_and_nobody_else(chart: Chart) -> None:
    rendering = chart.render(*PRODUCTION)
    clients = {(client, API) for client in ("ingress: all", "smoke", "loadtest")}
    assert inward(rendering, "api") == {*clients, ("monitoring: all", ADMIN)}
    assert inward(rendering, "worker") == inward(rendering, "reconciler") == {("monitoring: all", ADMIN)}
    unwatched = chart.render(*production_without("networkPolicy.prometheus"), "networkPolicy.prometheus=null")
    assert inward(unwatched, "api") == clients


@pytest.mark.parametrize("pods", ["app.kubernetes.io/name: prometheus", "{}"])
def test_production_takes_no_prometheus_of_any_namespace(chart: Chart, tmp_path: Path, pods: str) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(
        f"networkPolicy: {{prometheus: [{{cidr: 10.0.0.0/8}}, {{namespace: '*', pods: {{{pods.strip('{}')}}}}}]}}"
    )
    done = chart.template(*production_without("networkPolicy.prometheus"), files=[values])
    assert "networkPolicy.prometheus must name the namespace of Prometheus" in done.stderr


def test_policies_have_their_switch(chart: Chart) -> None:
    assert chart.render("networkPolicy.enabled=false").names("NetworkPolicy") == set()


MISSING = [
    (production_without("networkPolicy.egress.database"), "networkPolicy.egress.database missing"),
    (production_without("networkPolicy.egress.redis"), "networkPolicy.egress.redis missing"),
    (production_without("networkPolicy.egress.provider"), "networkPolicy.egress.provider missing"),
    (production_without("networkPolicy.ingressControllers"), "networkPolicy.ingressControllers missing"),
    (production_without("networkPolicy.prometheus"), "networkPolicy.prometheus must name the namespace"),
    (("settings.otlpEndpoint=http://collector:4318",), "networkPolicy.egress.otlp missing"),
    (("settings.mailUrl=http://mail:8025",), "networkPolicy.egress.mail missing"),
    (("sentry.existingSecret=errors",), "networkPolicy.egress.sentry missing"),
    (("monitoring.enabled=true", "networkPolicy.prometheus=null"), "networkPolicy.prometheus missing"),
    (
        ("settings.otlpEndpoint=http://collector:4318", "sentry.existingSecret=errors"),
        "networkPolicy.egress.otlp, networkPolicy.egress.sentry missing",
    ),
]


@pytest.mark.parametrize(("values", "sentence"), MISSING, ids=[sentence for _, sentence in MISSING])
def test_what_would_be_dropped_in_silence_is_asked_for(chart: Chart, values: tuple[str, ...], sentence: str) -> None:
    assert sentence in chart.refusal(*values)
    chart.render(*values, "networkPolicy.enabled=false")


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (
            "networkPolicy.prometheus[0].cidr=10.0.0.0/8,networkPolicy.prometheus[0].namespace=monitoring",
            "/networkPolicy/prometheus/0/namespace",
        ),
        ("networkPolicy.ingressControllers[0].cidr=10.0.0.1", "/networkPolicy/ingressControllers/0/cidr"),
        ("networkPolicy.ingressControllers[0].ports={1}", "/networkPolicy/ingressControllers/0"),
        ("networkPolicy.egress.database[0].ports={5432}", "/networkPolicy/egress/database/0"),
        ("networkPolicy.egress.databases[0].cidr=10.0.0.0/8", "/networkPolicy/egress"),
    ],
)
def test_a_peer_that_is_none_is_refused(chart: Chart, value: str, place: str) -> None:
    assert place in chart.refusal(value)
