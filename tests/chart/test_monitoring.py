"""Monitor, rules and dashboards: off, or as Prometheus and Grafana look for them."""

import pytest
from yaml import safe_load

from .rendering import Chart

ON = ("monitoring.enabled=true", "monitoring.labels.release=monitoring")


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
