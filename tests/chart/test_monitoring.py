"""Monitor, rules and dashboards: off, or as Prometheus and Grafana look for them."""

import pytest
from yaml import safe_load

from .rendering import Chart

ON = ("monitoring.enabled=true", "monitoring.labels.release=monitoring")
BY_SERVICE = (*ON, "monitoring.podMonitor.enabled=false", "monitoring.serviceMonitor.enabled=true")


def _of_release(rules: str) -> str:
    """Two releases under one Prometheus must not record each other's series."""
    return rules.replace('job="binnacle"', 'job="binnacle",namespace="harbour",release="shop"')


def test_pods_are_scraped_under_the_labels_of_the_rules(monitored_chart: Chart) -> None:
    rendering = monitored_chart.render(*ON)
    spec = rendering.get("PodMonitor", "shop-binnacle")["spec"]
    (endpoint,) = spec["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("admin", "/metrics")
    assert endpoint["relabelings"] == [
        {"targetLabel": "job", "replacement": "binnacle"},
        {"targetLabel": "release", "replacement": "shop"},
        {"sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_component"], "targetLabel": "component"},
    ]
    (components,) = spec["selector"]["matchExpressions"]
    for component in components["values"]:
        labels = rendering.get("Deployment", f"shop-binnacle-{component}")["spec"]["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"].items() <= labels.items()
        assert "admin" in {port["name"] for port in rendering.container(f"shop-binnacle-{component}")["ports"]}


def test_rules_pass_through_untouched_but_for_the_release_they_are_of(monitored_chart: Chart) -> None:
    rules = (monitored_chart.folder / "files/rules.yaml").read_text()
    assert monitored_chart.render(*ON).get("PrometheusRule", "shop-binnacle")["spec"] == safe_load(_of_release(rules))


def test_dashboards_pass_through_untouched_with_the_sidecars_label(monitored_chart: Chart) -> None:
    dashboard = monitored_chart.render(*ON).get("ConfigMap", "shop-binnacle-dashboard-service")
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert dashboard["data"] == {"service.json": '{"title": "{{ $labels }}"}\n'}


def test_the_trees_own_rules_and_dashboards_are_installed(chart: Chart) -> None:
    files = chart.folder / "files"
    rendering = chart.render(*ON)
    groups = rendering.get("PrometheusRule", "shop-binnacle")["spec"]["groups"]
    rules = (files / "rules.yaml").read_text()
    assert 'job="binnacle"' in rules
    assert groups == safe_load(_of_release(rules))["groups"]
    dashboards = {f"shop-binnacle-dashboard-{path.stem}" for path in (files / "dashboards").glob("*.json")}
    assert dashboards
    assert dashboards <= rendering.names("ConfigMap")


def test_a_prometheus_without_pod_monitors_scrapes_the_same_by_services(monitored_chart: Chart) -> None:
    by_pod = monitored_chart.render(*ON, "monitoring.podMonitor.scrapeTimeout=5s")
    by_service = monitored_chart.render(*BY_SERVICE, "monitoring.serviceMonitor.scrapeTimeout=5s")
    assert by_service.names("PodMonitor") == by_pod.names("ServiceMonitor") == set()
    spec = by_service.get("ServiceMonitor", "shop-binnacle")["spec"]
    assert spec["endpoints"] == by_pod.get("PodMonitor", "shop-binnacle")["spec"]["podMetricsEndpoints"]
    services = [
        each
        for each in by_service.objects
        if each["kind"] == "Service" and spec["selector"]["matchLabels"].items() <= each["metadata"]["labels"].items()
    ]
    reached = {each["spec"]["selector"]["app.kubernetes.io/component"] for each in services}
    assert len(services) == len(reached)
    assert reached == {"api", "worker", "reconciler"}
    for each in services:
        assert each["spec"]["clusterIP"] == "None"
        assert each["spec"]["publishNotReadyAddresses"] is True
        assert each["spec"]["ports"] == [{"name": "admin", "port": 9000, "targetPort": "admin"}]


def test_nothing_is_scraped_twice(monitored_chart: Chart) -> None:
    refusal = monitored_chart.refusal(*BY_SERVICE, "monitoring.podMonitor.enabled=true")
    assert "monitoring.podMonitor.enabled and monitoring.serviceMonitor.enabled exclude each other" in refusal


@pytest.mark.parametrize("monitor", ["podMonitor", "serviceMonitor"])
def test_samples_can_be_dropped_before_they_are_kept(monitored_chart: Chart, monitor: str) -> None:
    values = (ON if monitor == "podMonitor" else BY_SERVICE, f"monitoring.{monitor}.metricRelabelings[0].action=drop")
    rendering = monitored_chart.render(*values[0], values[1])
    spec = rendering.get(monitor[0].upper() + monitor[1:], "shop-binnacle")["spec"]
    (endpoint,) = spec["podMetricsEndpoints" if monitor == "podMonitor" else "endpoints"]
    assert endpoint["metricRelabelings"] == [{"action": "drop"}]


@pytest.mark.parametrize("values", [ON, BY_SERVICE], ids=["by pod", "by service"])
def test_objects_go_where_they_are_looked_for(monitored_chart: Chart, values: tuple[str, ...]) -> None:
    rendering = monitored_chart.render(
        *values,
        "monitoring.namespace=observability",
        "monitoring.annotations.team=shop",
        "monitoring.rules.namespace=rules",
        "monitoring.rules.labels.role=alerts",
        "monitoring.rules.annotations.team=duty",
        "monitoring.dashboards.namespace=grafana",
    )
    monitors = [each for each in rendering.objects if each["kind"].endswith("Monitor")]
    rules = rendering.get("PrometheusRule", "shop-binnacle")["metadata"]
    dashboard = rendering.get("ConfigMap", "shop-binnacle-dashboard-service")["metadata"]
    (monitor,) = monitors
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["harbour"]}
    for metadata, namespace in ((monitor["metadata"], "observability"), (rules, "rules"), (dashboard, "grafana")):
        assert metadata["namespace"] == namespace
        assert metadata["labels"]["release"] == "monitoring"
    assert monitor["metadata"]["annotations"] == {"team": "shop"}
    assert rules["labels"]["role"] == "alerts"
    assert rules["annotations"] == {"team": "duty"}
    assert dashboard["annotations"] == {"team": "shop", "grafana_folder": "Binnacle"}


def test_by_default_they_stay_with_the_release(monitored_chart: Chart) -> None:
    rendering = monitored_chart.render(*ON)
    for kind, name in (("PodMonitor", ""), ("PrometheusRule", ""), ("ConfigMap", "-dashboard-service")):
        assert "namespace" not in rendering.get(kind, f"shop-binnacle{name}")["metadata"]
    assert "namespaceSelector" not in rendering.get("PodMonitor", "shop-binnacle")["spec"]


@pytest.mark.parametrize("kind", ["PodMonitor", "PrometheusRule"])
def test_objects_carry_the_labels_that_prometheus_selects_by(monitored_chart: Chart, kind: str) -> None:
    labels = monitored_chart.render(*ON).get(kind, "shop-binnacle")["metadata"]["labels"]
    assert labels["release"] == "monitoring"


@pytest.mark.parametrize(
    ("switch", "kind"),
    [("podMonitor", "PodMonitor"), ("rules", "PrometheusRule")],
)
def test_each_part_has_its_switch(monitored_chart: Chart, switch: str, kind: str) -> None:
    rendering = monitored_chart.render(*ON, f"monitoring.{switch}.enabled=false")
    assert rendering.names(kind) == set()


def test_dashboards_have_their_switch(monitored_chart: Chart) -> None:
    rendering = monitored_chart.render(*ON, "monitoring.dashboards.enabled=false")
    assert rendering.names("ConfigMap") == {"shop-binnacle-valkey"}


def test_missing_rules_are_named(empty_chart: Chart) -> None:
    assert "monitoring.rules.enabled needs files/rules.yaml" in empty_chart.refusal(*ON)


def test_missing_dashboards_are_named(empty_chart: Chart) -> None:
    refusal = empty_chart.refusal(*ON, "monitoring.rules.enabled=false")
    assert "monitoring.dashboards.enabled needs files/dashboards/*.json" in refusal
