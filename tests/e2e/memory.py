"""The memory of the API's containers, as the kubelets measure it, in whatever namespace they are."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.cluster import Failed, get, run

# The kubelet measures every 10 to 15 seconds.
SAMPLE_SECONDS = 5
MEBIBYTE = 2**20
LIMIT_AT_MOST = 320 * MEBIBYTE
# Beyond it one more hash of a password can have the kernel kill the process inside, of which Kubernetes tells nobody.
FULLEST = 0.9
PODS = ("kubectl", "get", "pods", "--all-namespaces", "--output=json", "--selector")
API_PODS = "app.kubernetes.io/part-of=binnacle,app.kubernetes.io/component=api"


@dataclass
class Memory:
    """What was seen, in bytes; `faults` are sentences."""

    highest: int = 0
    where: str = "no API pod"
    samples: int = 0
    limits: set[int] = field(default_factory=set)
    killed: set[str] = field(default_factory=set)

    def sample(self) -> None:
        pods = {pod["metadata"]["uid"]: pod for pod in json.loads(run(*PODS, API_PODS).out)["items"]}
        for pod in pods.values():
            self._look_at(pod)
        for node in {pod["spec"]["nodeName"] for pod in pods.values() if "nodeName" in pod["spec"]}:
            for measured in get(f"/api/v1/nodes/{node}/proxy/stats/summary")["pods"]:
                if measured["podRef"]["uid"] in pods:
                    self._measure(measured)

    def _look_at(self, pod: Mapping[str, Any]) -> None:
        self.limits |= {_bytes(each["resources"]["limits"]["memory"]) for each in pod["spec"]["containers"]}
        for status in pod["status"].get("containerStatuses", []):
            for state in (status["state"], status.get("lastState", {})):
                if state.get("terminated", {}).get("reason") == "OOMKilled":
                    self.killed.add(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}")

    def _measure(self, measured: Mapping[str, Any]) -> None:
        for container in measured.get("containers", []):
            used = container.get("memory", {}).get("workingSetBytes", 0)
            self.samples += container["name"] == "api" and used > 0
            if container["name"] == "api" and used > self.highest:
                self.highest = used
                self.where = f"{measured['podRef']['namespace']}/{measured['podRef']['name']}"

    def summary(self) -> str:
        return (
            f"API memory: {self.highest / MEBIBYTE:.0f} Mi at most ({self.where}, {self.samples} samples),"
            f" limits {sorted(limit // MEBIBYTE for limit in self.limits)} Mi, killed for it: {len(self.killed)}"
        )

    @property
    def faults(self) -> list[str]:
        return [
            *(f"{pod} was killed for its memory" for pod in sorted(self.killed)),
            *(f"a limit of {each // MEBIBYTE} Mi is above 320 Mi" for each in self.limits if each > LIMIT_AT_MOST),
            *([self.summary()] if self.highest >= FULLEST * min(self.limits, default=LIMIT_AT_MOST) else []),
        ]


@contextmanager
def watched_memory() -> Iterator[Memory]:
    """Samples in a thread while the block runs."""
    memory, ended = Memory(), threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            try:
                memory.sample()
            except (Failed, LookupError):  # pods come and go between two looks
                continue

    thread = threading.Thread(target=watch, name="memory")
    thread.start()
    try:
        yield memory
    finally:
        ended.set()
        thread.join()


def _bytes(quantity: str) -> int:
    """Of a quantity as the chart writes them."""
    for suffix, factor in {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}.items():
        if quantity.endswith(suffix):
            return int(quantity.removesuffix(suffix)) * factor
    return int(quantity)
