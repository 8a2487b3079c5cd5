"""The load test as a pod of the cluster, so that nothing but the cluster's network lies between it and the API."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from tests.e2e.cluster import Manifest, Namespace, eventually, say

POD = "load"
PROGRESS = re.compile(r"\s*(\d+) s  \d+ requests")


@dataclass(frozen=True)
class LoadTest:
    """`rate` requests and `order_rate` orders a second against `host`, for `seconds`."""

    image: str
    host: str
    rate: float
    order_rate: float
    seconds: int
    order_timeout: int = 60

    @property
    def longest(self) -> int:
        """Seconds until the last order is final or given up, with room for the start."""
        return self.seconds + self.order_timeout + 60

    def pod(self) -> Manifest:
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": POD},
            "spec": {
                "restartPolicy": "Never",
                "activeDeadlineSeconds": self.longest,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": POD,
                        "image": self.image,
                        "imagePullPolicy": "IfNotPresent",
                        "args": self._arguments(),
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the pod's own
                    },
                ],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            },
        }

    def _arguments(self) -> list[str]:
        given = {
            "host": self.host,
            "rate": self.rate,
            "order-rate": self.order_rate,
            "fresh-share": 0.5,
            "run-time": self.seconds,
            "order-timeout": self.order_timeout,
            "json": "-",
        }
        return [f"--{name}={value}" for name, value in given.items()]


class RunningLoad:
    """A load that runs. What it says is printed as it is read."""

    def __init__(self, namespace: Namespace, test: LoadTest, lines: IO[str]) -> None:
        self._namespace = namespace
        self._test = test
        self._lines = lines

    def until(self, second: int) -> None:
        """Wait until the load says that it has run so long."""
        for line in self._lines:
            _show(line)
            if (progress := PROGRESS.match(line)) and int(progress[1]) >= second:
                return
        raise AssertionError(f"the load ended before its second {second}")

    def result(self) -> Mapping[str, Any]:
        """Wait for the end; what `--json` gives."""
        for line in self._lines:
            _show(line)
        # The stream may break off; the pod's end is what counts, and its whole log.
        eventually(self._ended, within=self._test.longest, what="the load test's pod has ended")
        logs = self._namespace.kubectl("logs", POD).out.splitlines()
        results = [line for line in logs if line.startswith("{")]
        assert len(results) == 1, f"the load test printed no result, but {logs[-5:]}"
        measured: Mapping[str, Any] = json.loads(results[0])
        return measured

    def _ended(self) -> bool:
        (pod,) = [each for each in self._namespace.objects("pods") if each["metadata"]["name"] == POD]
        return pod["status"]["phase"] in {"Succeeded", "Failed"}


@contextmanager
def running(namespace: Namespace, test: LoadTest) -> Iterator[RunningLoad]:
    """Start the load; at the end of the block it is stopped, if it still runs."""
    namespace.delete("pod", POD)
    namespace.apply(test.pod())
    try:
        namespace.kubectl("wait", f"pod/{POD}", "--for=condition=Ready", "--timeout=60s", timeout=70)
        command = ["kubectl", f"--namespace={namespace.name}", "logs", "--follow", POD]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as logs:
            assert logs.stdout is not None
            try:
                yield RunningLoad(namespace, test, logs.stdout)
            finally:
                logs.terminate()
    finally:
        namespace.kubectl("delete", "pod", POD, "--grace-period=2")


def _show(line: str) -> None:
    if line.strip() and not line.startswith("{"):
        say(f"load: {line.rstrip()}")
