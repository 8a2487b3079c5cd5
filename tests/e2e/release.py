"""A release of the chart."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.cluster import Failed, Manifest, Namespace, Said, eventually, say

CHART = Path(__file__).parents[2] / "helm/binnacle"
NAME = "shop"
READY_WITHIN_SECONDS = 120
STORES = ("postgresql", "valkey")
# From inside the pod: `kubectl` can't send a body with a content type, and policies may close the way from outside.
SANDBOX = """
import sys, urllib.request as http
method, path, *body = sys.argv[1:]
request = http.Request("http://127.0.0.1:8001" + path, body[0].encode() if body else None, method=method)
request.add_header("Content-Type", "application/json")
print(http.urlopen(request, timeout=20).read().decode())
"""


class Installed(NamedTuple):
    said: Said
    seconds: float


def image_values(reference: str, prefix: str = "") -> Mapping[str, str]:
    """The chart's values for an image such as `binnacle:test` or `ghcr.io/owner/binnacle@sha256:...`."""
    repository, _, digest = reference.partition("@")
    tag = ""
    if ":" in repository.rpartition("/")[2]:
        repository, _, tag = repository.rpartition(":")
    return {f"{prefix}image.repository": repository, f"{prefix}image.tag": tag, f"{prefix}image.digest": digest}


@dataclass(frozen=True)
class Release:
    namespace: Namespace
    image: str
    name: str = NAME
    chart: Path = CHART

    @property
    def full_name(self) -> str:
        return f"{self.name}-binnacle"

    @property
    def address(self) -> str:
        """Where the API is, seen from inside the namespace."""
        return f"http://{self.full_name}-api:8000"

    def install(self, values: Mapping[str, str] | None = None) -> Installed:
        """Install with no values but these and the image, and wait until everything is ready."""
        say(f"helm install {self.name}")
        return self._helm("install", values)

    def upgrade(self, values: Mapping[str, str] | None = None, *, image: str = "", wait: bool = True) -> Installed:
        """Upgrade to this chart with no values but these and the image."""
        say(f"helm upgrade {self.name}")
        return self._helm("upgrade", values, image=image, wait=wait)

    def roll_back(self, revision: int = 0) -> float:
        """Back to a revision, by default the one before; the seconds until everything is ready."""
        say(f"helm rollback {self.name}")
        begin = time.monotonic()
        wait = ("--wait", f"--timeout={READY_WITHIN_SECONDS}s")
        self.namespace.helm("rollback", self.name, str(revision), *wait, timeout=READY_WITHIN_SECONDS + 30)
        return time.monotonic() - begin

    def _helm(self, verb: str, values: Mapping[str, str] | None, *, image: str = "", wait: bool = True) -> Installed:
        options = []
        for key, value in {**image_values(image or self.image), **(values or {})}.items():
            # A tag such as 1.10 is no number.
            options.append(f"--set{'-string' if 'image.' in key else ''}={key}={value}")
        if wait:
            options += ["--wait", f"--timeout={READY_WITHIN_SECONDS}s"]
        begin = time.monotonic()
        said = self.namespace.helm(verb, self.name, str(self.chart), *options, timeout=READY_WITHIN_SECONDS + 30)
        seconds = time.monotonic() - begin
        say(f"{'everything is ready' if wait else 'done'} after {seconds:.1f} s")
        return Installed(said, seconds)

    def test(self) -> str:
        """`helm test`: what the smoke test printed. It registers, orders and sees the order paid."""
        return self.namespace.helm("test", self.name, "--logs", timeout=150).out

    def pods(self, component: str) -> Sequence[Manifest]:
        """The pods of a component, those that are ending included."""
        labels = {"app.kubernetes.io/instance": self.name, "app.kubernetes.io/component": component}
        return self.namespace.objects("pods", ",".join(f"{key}={value}" for key, value in labels.items()))

    def names(self, *components: str) -> frozenset[str]:
        return frozenset(pod["metadata"]["name"] for each in components for pod in self.pods(each))

    def ready_names(self, component: str) -> frozenset[str]:
        return frozenset(pod["metadata"]["name"] for pod in self.pods(component) if ready(pod))

    def restart(self, components: Iterable[str]) -> None:
        self.namespace.kubectl("rollout", "restart", *(f"deployment/{self.full_name}-{each}" for each in components))

    def await_rollout(self, components: Iterable[str], within: float) -> None:
        for each in components:
            deployment = f"deployment/{self.full_name}-{each}"
            self.namespace.kubectl("rollout", "status", deployment, f"--timeout={within:g}s", timeout=within + 10)

    def scale(self, component: str, replicas: int) -> None:
        kind = "statefulset" if component in STORES else "deployment"
        self.namespace.kubectl("scale", f"{kind}/{self.full_name}-{component}", f"--replicas={replicas}")

    def await_pods(self, component: str, count: int, within: float) -> None:
        """Until a component has so many pods, all ready, and none that is ending."""

        def settled() -> bool:
            pods = self.pods(component)
            return len(pods) == count and all(map(ready, pods))

        eventually(settled, within=within, what=f"{component} has {count} pods, all ready")

    def secret(self) -> Mapping[str, str]:
        """What the chart generated, as the cluster keeps it."""
        said = self.namespace.kubectl("get", "secret", self.full_name, "--output=json").out
        data: Mapping[str, str] = json.loads(said)["data"]
        return data

    def query(self, statement: str) -> str:
        """What the bundled database answers, a line a row."""
        command = ("psql", "--username=binnacle", "--dbname=binnacle", "--no-align", "--tuples-only", "--command")
        return self.namespace.kubectl("exec", f"{self.full_name}-postgresql-0", "--", *command, statement).out.strip()

    def charges(self) -> Sequence[Manifest]:
        """The ledger of the sandbox provider."""
        return [*json.loads(self._sandbox("GET", "/v1/charges"))["charges"]]

    def set_provider(self, **behaviour: float) -> None:
        """Make the sandbox provider slow or refuse: `latency_ms`, `error_rate`, `decline_rate`."""
        self._sandbox("PUT", "/v1/behaviour", json.dumps(behaviour))

    def _sandbox(self, *arguments: str) -> str:
        deployment = f"deployment/{self.full_name}-sandbox"
        return self.namespace.kubectl("exec", deployment, "--", "python", "-c", SANDBOX, *arguments).out

    def logs(self, component: str) -> str:
        """The last lines of each container of a component, as an engineer reads them."""
        try:
            return self.namespace.kubectl(
                "logs",
                f"--selector=app.kubernetes.io/instance={self.name},app.kubernetes.io/component={component}",
                "--all-containers",
                "--prefix",
                "--tail=20",
            ).out
        except Failed:
            return ""


def ready(pod: Manifest) -> bool:
    conditions: Any = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def restarts(pod: Manifest) -> int:
    return sum(each["restartCount"] for each in pod["status"].get("containerStatuses", []))


def unix_time(timestamp: str) -> float:
    """Of a timestamp as the API server writes it."""
    return datetime.fromisoformat(timestamp).timestamp()
