"""Prometheus and Alertmanager behind the API server's proxy."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.e2e.cluster import Namespace, get

Labels = Mapping[str, str]


def _namespace() -> Namespace:
    return Namespace(os.environ.get("E2E_MONITORING_NAMESPACE", "monitoring"))


@dataclass(frozen=True)
class Monitoring:
    """Where they are; `release` is the label by which Prometheus chooses its monitors and rules."""

    namespace: Namespace = field(default_factory=_namespace)
    prometheus: str = field(default_factory=lambda: os.environ.get("E2E_PROMETHEUS", "prometheus-operated:9090"))
    alertmanager: str = field(default_factory=lambda: os.environ.get("E2E_ALERTMANAGER", "alertmanager-operated:9093"))
    release: str = field(default_factory=lambda: os.environ.get("E2E_MONITORING_RELEASE", "monitoring"))

    def query(self, expression: str) -> Sequence[float]:
        """The numbers that an instant query gives now; NaN is none."""
        result = self._prometheus("query", query=expression)["result"]
        return [value for series in result if not math.isnan(value := float(series["value"][1]))]

    def fired(self, namespace: str) -> Sequence[Labels]:
        """The labels of all alerts that have fired for a namespace within the last quarter of an hour."""
        alerts = f'last_over_time(ALERTS{{alertstate="firing",namespace="{namespace}"}}[15m])'
        return [series["metric"] for series in self._prometheus("query", query=alerts)["result"]]

    def label_values(self, label: str, selector: str) -> Sequence[str]:
        return [*self._prometheus(f"label/{label}/values", **{"match[]": selector})]

    def targets(self, namespace: str) -> Sequence[Mapping[str, Any]]:
        active = self._prometheus("targets", state="active")["activeTargets"]
        return [target for target in active if target["labels"].get("namespace") == namespace]

    def rules(self, namespace: str) -> Sequence[Mapping[str, Any]]:
        """The rules of the PrometheusRules of a namespace."""
        groups = self._prometheus("rules")["groups"]
        return [rule for group in groups if f"/{namespace}-" in group["file"] for rule in group["rules"]]

    def firing(self, namespace: str) -> Sequence[Labels]:
        """The labels of the alerts that fire in Prometheus for a namespace."""
        alerts = self._prometheus("alerts")["alerts"]
        return [
            alert["labels"]
            for alert in alerts
            if alert["state"] == "firing" and alert["labels"].get("namespace") == namespace
        ]

    def delivered(self, namespace: str) -> Sequence[Labels]:
        """The labels of the alerts that Alertmanager holds for a namespace, as not yet resolved."""
        path = f"{self.namespace.proxied(self.alertmanager)}/api/v2/alerts?"
        alerts = get(path + urlencode({"filter": f'namespace="{namespace}"', "active": "true"}))
        return [alert["labels"] for alert in alerts]

    def _prometheus(self, what: str, **parameters: str) -> Any:
        path = f"{self.namespace.proxied(self.prometheus)}/api/v1/{what}?{urlencode(parameters)}"
        return get(path)["data"]
