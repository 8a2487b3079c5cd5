"""One release of the chart, in a namespace of its own."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.cluster import Manifest, Namespace, Said, get, say

CHART = Path(__file__).parents[2] / "helm/binnacle"
NAME = "shop"
FULL_NAME = f"{NAME}-binnacle"
SANDBOX = f"{FULL_NAME}-sandbox"
READY_WITHIN_SECONDS = 120
PUT_BEHAVIOUR = """
import sys, urllib.request as http
url, headers = "http://127.0.0.1:8001/v1/behaviour", {"Content-Type": "application/json"}
http.urlopen(http.Request(url, sys.argv[1].encode(), headers, method="PUT"), timeout=10)
"""


class Installed(NamedTuple):
    said: Said
    seconds: float


def image_values(reference: str) -> Mapping[str, str]:
    """The chart's values for an image such as `binnacle:test` or `ghcr.io/owner/binnacle@sha256:...`."""
    repository, _, digest = reference.partition("@")
    tag = ""
    if ":" in repository.rpartition("/")[2]:
        repository, _, tag = repository.rpartition(":")
    return {"image.repository": repository, "image.tag": tag, "image.digest": digest}


@dataclass(frozen=True)
class Release:
    namespace: Namespace
    image: str

    @property
    def address(self) -> str:
        """Where the API is, seen from inside the namespace."""
        return f"http://{FULL_NAME}-api:8000"

    def install(self, values: Mapping[str, str] | None = None) -> Installed:
        """Install with no values but these and the image, and wait until everything is ready."""
        options = [f"--set-string={key}={value}" for key, value in image_values(self.image).items()]
        options += [f"--set={key}={value}" for key, value in (values or {}).items()]
        say(f"helm install {NAME}")
        begin = time.monotonic()
        said = self.namespace.helm(
            "install",
            NAME,
            str(CHART),
            *options,
            "--wait",
            f"--timeout={READY_WITHIN_SECONDS}s",
            timeout=READY_WITHIN_SECONDS + 30,
        )
        seconds = time.monotonic() - begin
        say(f"everything is ready after {seconds:.1f} s")
        return Installed(said, seconds)

    def test(self) -> str:
        """`helm test`: what the smoke test printed. It registers, orders and sees the order paid."""
        return self.namespace.helm("test", NAME, "--logs", timeout=150).out

    def pods(self, component: str) -> Sequence[Manifest]:
        """The pods of a component, those that are ending included."""
        labels = {"app.kubernetes.io/instance": NAME, "app.kubernetes.io/component": component}
        return self.namespace.objects("pods", ",".join(f"{key}={value}" for key, value in labels.items()))

    def restart(self, components: Iterable[str]) -> None:
        self.namespace.kubectl("rollout", "restart", *(f"deployment/{FULL_NAME}-{each}" for each in components))

    def await_rollout(self, components: Iterable[str], within: float) -> None:
        for each in components:
            self.namespace.kubectl(
                "rollout", "status", f"deployment/{FULL_NAME}-{each}", f"--timeout={within:g}s", timeout=within + 10
            )

    def scale_postgresql(self, replicas: int) -> None:
        self.namespace.kubectl("scale", f"statefulset/{FULL_NAME}-postgresql", f"--replicas={replicas}")

    def charges(self) -> Sequence[Manifest]:
        """The ledger of the sandbox provider."""
        return [*get(self.namespace.proxied(f"{SANDBOX}:8001") + "/v1/charges")["charges"]]

    def set_provider(self, **behaviour: float) -> None:
        """Make the sandbox provider slow or refuse: `latency_ms`, `error_rate`, `decline_rate`."""
        # From inside the pod: `kubectl` can't send a body with a content type.
        self.namespace.kubectl(
            "exec", f"deployment/{SANDBOX}", "--", "python", "-c", PUT_BEHAVIOUR, json.dumps(behaviour)
        )


def ready(pod: Manifest) -> bool:
    conditions: Any = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def restarts(pod: Manifest) -> int:
    return sum(each["restartCount"] for each in pod["status"].get("containerStatuses", []))
