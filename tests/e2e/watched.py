"""Two releases that Prometheus watches: by a PodMonitor and the chart's rules, by a ServiceMonitor and faster rules.

Prometheus may look at its configuration every three minutes, and the kubelet brings it a new one within one and a half.
Both are installed before anything else, so that the other files' drills have that time.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.e2e.cluster import Namespace, eventually, say
from tests.e2e.prometheus import Monitoring
from tests.e2e.release import NAME, Release

ROOT = Path(__file__).parents[2]
CONFIGURED_WITHIN_SECONDS = 420
# One hour becomes two minutes, in which five seconds between two scrapes are enough.
COMPRESS = 30
INTERVAL = "5s"
# Idle most of the time; a small cluster has to hold what the other drills scale out as well.
SMALL = {f"{component}.resources.requests.cpu": "10m" for component in ("api", "worker", "postgresql")}


class Watched(NamedTuple):
    by_pods: Release
    by_services: Release


def install(monitoring: Monitoring, image: str, namespaces: Callable[[str], Namespace]) -> Watched:
    by_pods, by_services = (Release(namespaces(name), image) for name in ("by-pods", "by-services"))
    watched = {**SMALL, "monitoring.enabled": "true", "monitoring.labels.release": monitoring.release}
    by_pods.install({**watched, "monitoring.podMonitor.interval": "15s"})
    by_services.install(
        {
            **watched,
            "monitoring.podMonitor.enabled": "false",
            "monitoring.serviceMonitor.enabled": "true",
            "monitoring.serviceMonitor.interval": INTERVAL,
            "monitoring.rules.enabled": "false",
        }
    )
    by_services.namespace.apply(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": "compressed", "labels": {"release": monitoring.release}},
            "spec": yaml.safe_load(_compressed_rules()),
        },
    )
    return Watched(by_pods, by_services)


def await_targets(release: Release, monitoring: Monitoring, kind: str) -> None:
    """Until each process is up in Prometheus, found by a monitor of this kind alone."""
    pods = {
        (component, pod["metadata"]["name"])
        for component in ("api", "worker", "reconciler")
        for pod in release.pods(component)
    }

    def up() -> bool:
        targets = monitoring.targets(release.namespace.name)
        assert all(target["labels"]["release"] == NAME for target in targets)
        if not all(target["scrapePool"].startswith(f"{kind}/") for target in targets):
            return False
        return {
            (target["labels"]["component"], target["labels"]["pod"]) for target in targets if target["health"] == "up"
        } == pods

    eventually(up, within=CONFIGURED_WITHIN_SECONDS, what=f"these are up in Prometheus: {sorted(pods)}")
    say(f"scraped by a {kind}: {', '.join(pod for _, pod in sorted(pods))}")


def _compressed_rules() -> str:
    """What the chart brings, with shorter windows."""
    command = [sys.executable, "-m", "grafana.generate", "--stdout", f"--compress={COMPRESS}"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    if made.returncode:
        pytest.fail(made.stderr, pytrace=False)
    return made.stdout
