"""A pod of the tests' own, to ask and to try connections from."""

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.cluster import Manifest, Namespace
from tests.e2e.pods import restricted

INSIDE = Path(__file__).parent / "inside"
# Also listens, to be something outside that pods of the shop may try to reach.
LISTEN = "import http.server as h; h.HTTPServer(('', 8080), h.BaseHTTPRequestHandler).serve_forever()"


def connections(namespace: Namespace, pod: str, targets: Sequence[str]) -> Mapping[str, str]:
    """What became of tries to open connections from a pod that has Python: `open`, `refused` or `dropped`."""
    code = (INSIDE / "connect.py").read_text(encoding="utf-8")
    tried: Mapping[str, str] = json.loads(
        namespace.kubectl("exec", pod, "--", "python", "-c", code, *targets, timeout=60).out
    )
    return tried


@dataclass(frozen=True)
class Probe:
    namespace: Namespace
    image: str
    name: str = "probe"

    def start(self, labels: Mapping[str, str] | None = None) -> None:
        self.namespace.delete("pod", self.name)
        self.namespace.apply(self._pod(labels or {}))
        self.namespace.kubectl("wait", f"pod/{self.name}", "--for=condition=Ready", "--timeout=60s", timeout=70)

    def stop(self) -> None:
        self.namespace.kubectl("delete", "pod", self.name, "--ignore-not-found", "--grace-period=1", timeout=120)

    @property
    def address(self) -> str:
        return self.namespace.kubectl("get", "pod", self.name, "--output=jsonpath={.status.podIP}").out

    def connections(self, targets: Sequence[str]) -> Mapping[str, str]:
        return connections(self.namespace, self.name, targets)

    @contextmanager
    def watching(self, host: str, addresses: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        """The answers of API pods, twice a second while the block runs; the list grows."""
        code = (INSIDE / "watch.py").read_text(encoding="utf-8")
        command = ["kubectl", f"--namespace={self.namespace.name}", "exec", self.name, "--"]
        answers: list[dict[str, Any]] = []
        with subprocess.Popen([*command, "python", "-c", code, host, *addresses], stdout=subprocess.PIPE) as watch:

            def read() -> None:
                assert watch.stdout is not None
                answers.extend(json.loads(line) for line in watch.stdout if line.endswith(b"\n"))

            reader = threading.Thread(target=read, name="answers")
            reader.start()
            try:
                yield answers
            finally:
                watch.terminate()
                reader.join(10)

    def _pod(self, labels: Mapping[str, str]) -> Manifest:
        container = {
            "image": self.image,
            "command": ["python", "-c", LISTEN],
            "resources": {"requests": {"cpu": "50m", "memory": "32Mi"}},
            "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        }
        return restricted(self.name, container, labels=labels, terminationGracePeriodSeconds=1)
